"""
The golden pictures and the declared fingerprints.

A changed picture means that EDITION in models/imaging/style.py must rise. After that, or after a new declaration, from
the repository's root: `PYTHONPATH=. python tests/golden/draw.py`.
"""

import json
from pathlib import Path

import numpy as np

from models.imaging.conditioning import condition
from models.imaging.raster import WiggleAxes, draw_wiggle
from models.imaging.render import Placement, render_beam, render_section, render_traces
from models.imaging.style import EDITION, AmplitudeStyle, Band, BeamStyle, Conditioning, FrequencyStyle, SectionStyle, fingerprint
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Record
from models.specs.index import MODELS

FOLDER = Path(__file__).parent
CONDITIONING = Conditioning(sampling_rate_hz=1.0, shortest_period_s=8.0, longest_period_s=100.0, taper_s=20.0)
BANDS = (Band(shortest_period_s=12.0, longest_period_s=25.0), Band(shortest_period_s=25.0, longest_period_s=60.0))
LAYOUT = {"conditioning": CONDITIONING, "window_s": 1280.0, "columns": 64, "rows": 32}
STYLES = {
    "amplitude": AmplitudeStyle(kind="amplitude", bands=BANDS, **LAYOUT),
    "frequency": FrequencyStyle(
        kind="frequency",
        zooms=(1.0,),
        shortest_period_s=10.0,
        longest_period_s=80.0,
        relative_bandwidth=0.15,
        dynamic_range_db=40.0,
        **LAYOUT,
    ),
    "distance": SectionStyle(
        kind="section",
        vertical_axis="distance",
        axis_exponent=0.5,
        reduction_velocity_km_s=None,
        wiggle_rows=3.0,
        bands=BANDS,
        one_scale=False,
        quiet_rows=None,
        close_up=None,
        **LAYOUT,
    ),
    "azimuth": SectionStyle(
        kind="section",
        vertical_axis="azimuth",
        axis_exponent=1.0,
        reduction_velocity_km_s=4.0,
        wiggle_rows=3.0,
        bands=BANDS,
        one_scale=False,
        quiet_rows=0.3,
        close_up=None,
        **LAYOUT,
    ),
    "beam": BeamStyle(
        kind="beam",
        conditioning=CONDITIONING,
        window_s=512.0,
        columns=64,
        rows=24,
        lead_s=100.0,
        bands=(Band(shortest_period_s=20.0, longest_period_s=40.0), Band(shortest_period_s=35.0, longest_period_s=70.0)),
        instrument_band=Band(shortest_period_s=12.0, longest_period_s=25.0),
        least_long_noise=0.01,
        phase_periods_s=(20.0, 40.0, 80.0),
        phase_velocities_km_s=(3.6, 3.9, 4.0),
        reduction_velocity_km_s=3.8,
        initial_phase_deg=135.0,
        velocity_scatter=0.01,
        gain_scatter=0.3,
        full_scale=6.0,
    ),
}
DISTANCES_DEG = np.array([20.0, 35.0, 50.0])


def raster() -> np.ndarray:
    """Three overlapping wiggles of exact binary fractions, with a gap, drawn in steps coarser and finer than a column."""
    ink = np.zeros((24, 40), np.uint16)
    steps = np.arange(160)
    saw = ((steps * 37 % 64) / 32.0 - 1.0).astype(np.float32)
    live = (steps < 70) | (steps > 90)
    draw_wiggle(ink, saw, live, 1, WiggleAxes(-2.0, 0.25, 8.0, 6.5))
    draw_wiggle(ink, saw[:30], live[:30], 1, WiggleAxes(0.5, 1.5, 14.25, 9.0))
    draw_wiggle(ink, saw[::7] * np.float32(0.125), live, 7, WiggleAxes(0.0, 2.0, 12.0, 8.0))
    return ink


def records() -> list[Record]:
    """A dispersed wave at three distances, at three rates, one record with a gap, one late and short."""
    made = []
    for k, (rate_hz, start_s, duration_s) in enumerate([(1.0, 0.0, 1500.0), (5.0, 0.37, 1300.0), (20.0, 400.05, 700.0)]):
        times_s = start_s + np.arange(int(duration_s * rate_hz)) / rate_hz
        reduced = (times_s - 250.0 - 250.0 * k) / 180.0
        samples = np.exp(-(reduced**2)) * np.cos(2 * np.pi * (times_s / 30.0 + reduced**2)) + 0.05 * np.sin(times_s / 2.1)
        if k == 1:
            samples[(times_s > 820.0) & (times_s < 900.0)] = np.nan
        made.append(Record(TraceId("XX", f"G{k}", "", "LHZ"), 1e9 + start_s, rate_hz, (1e3**k * samples).astype(np.float32), None, None))
    return made


def chain() -> dict[str, np.ndarray]:
    """From records to the picture of every kind of style."""
    gather = condition(records(), CONDITIONING)
    placement = Placement(DISTANCES_DEG, np.array([30.0, 160.0, 290.0]))
    near = Placement(0.2 * DISTANCES_DEG, placement.azimuths_deg)
    pictures = {}
    for name, style in STYLES.items():
        if isinstance(style, SectionStyle):
            pictures[name] = render_section(style, gather, 1e9 + 40.0, placement)
        elif isinstance(style, BeamStyle):
            pictures[name] = render_beam(style, gather, 1e9 + 240.0, near)
        else:
            pictures[name] = render_traces(style, gather, 1e9 + 40.0)
    return pictures


def fingerprints() -> dict[str, object]:
    """The renderer's edition, and the fingerprint of each declared model's style."""
    return {"edition": EDITION, "styles": {spec.name: fingerprint(spec.style) for spec in MODELS}}


def main() -> None:
    """Write the golden files anew."""
    np.savez_compressed(FOLDER / "pictures.npz", raster=raster(), **chain())
    (FOLDER / "fingerprints.json").write_text(json.dumps(fingerprints(), indent=1) + "\n")


if __name__ == "__main__":
    main()
