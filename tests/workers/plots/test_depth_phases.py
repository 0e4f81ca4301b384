"""The figure of depth phases shows what was measured in each band."""

import numpy as np

from models.seismic.depth_phases.likelihood import DEPTHS_KM, DepthPhases
from models.seismic.depth_phases.rises import BANDS_HZ, WINDOWS_S
from workers.plots.depth_phases import BANDS, STYLES, depth_phases_figure, describe_phases


def make_phases(bands: int, largest: float = 6.0) -> DepthPhases:
    peak = np.exp(-0.5 * ((DEPTHS_KM - 300.0) / 10.0) ** 2)
    rises = np.stack([np.stack((2.0 * peak, np.where(DEPTHS_KM > 50.0, peak, np.nan)))] * bands)
    return DepthPhases(DEPTHS_KM, largest * peak, 12, rises, WINDOWS_S[:bands])


def test_every_band_has_a_line_and_a_period():
    assert set(STYLES) == set(BANDS) == set(WINDOWS_S)
    assert [BANDS[window_s] for window_s in WINDOWS_S] == [f"{round(1.0 / high, 1):g} to {1.0 / low:g} s" for low, high in BANDS_HZ]


def test_the_figure_shows_its_bands():
    one, both = (depth_phases_figure(make_phases(bands), (300.0, 20.0), "record section, depth phases") for bands in (1, 2))
    assert one.startswith(b"\x89PNG")
    assert one != both


def test_the_title_says_whether_depth_phases_were_found():
    assert describe_phases(make_phases(1)) == "Depth phases in 12 records"
    assert describe_phases(make_phases(1, largest=1.0)) == "No clear depth phases in 12 records"
