"""Sections whose axes fit the network."""

import numpy as np
import pytest

from models.analysis.distances import DistanceReadings
from models.analysis.sections import SectionReference, draw_section
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Gather
from models.specs.pictures import CONDITIONING, DISTANCE_SECTION
from training.experiments.section_axes import draw_fitted_section

REFERENCE = SectionReference(0.0, 0.0, "given")
ORIGIN_S = 600.0


def draw(distances_deg, draw_picture):
    random = np.random.default_rng(2)
    count = len(distances_deg)
    distances, ones = np.asarray(distances_deg, float), np.ones(count)
    gather = Gather(
        tuple(TraceId("XX", f"S{i}", "", "LHZ") for i in range(count)),
        start_time_s=0.0,
        sampling_rate_hz=CONDITIONING.sampling_rate_hz,
        samples=random.normal(size=(count, 1800)).astype(np.float32),
        latitudes_deg=np.zeros(count),
        longitudes_deg=distances,
    )
    readings = DistanceReadings(
        gather.trace_ids, distances, ones, np.zeros((count, 180)), np.full(count, ORIGIN_S), ones, 0.0, np.ones(count, bool)
    )
    return draw_picture(DISTANCE_SECTION, gather, readings, REFERENCE)


def inked(picture, channel):
    return np.flatnonzero(picture[channel].any(axis=1)), np.flatnonzero(picture[channel].any(axis=0))


def test_a_local_event_fills_the_section_whose_axes_fit_it():
    distances = (0.5, 1.0, 2.0, 4.0)
    fitted_rows, fitted_columns = inked(draw(distances, draw_fitted_section), 0)
    fixed_rows, fixed_columns = inked(draw(distances, draw_section), 0)
    assert fitted_rows.max() > 115
    assert fixed_rows.max() < 30
    assert fitted_columns.max() == 127
    assert fixed_columns.max() < 50


@pytest.mark.parametrize(("farthest_deg", "brightness"), [(0.3, 0), (12.0, 127), (170.0, 255)])
def test_the_last_channel_states_the_scale(farthest_deg, brightness):
    scale = draw((farthest_deg / 2.0, farthest_deg), draw_fitted_section)[-1]
    assert scale.min() == scale.max() == pytest.approx(brightness, abs=2)
