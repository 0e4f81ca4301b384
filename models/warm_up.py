"""Compile the numerical loops, and fill their caches, before the first job has to wait for it."""

import numpy as np

from models.array_types import Floats32
from models.imaging.conditioning import condition
from models.imaging.render import Placement, render_section, render_traces
from models.imaging.style import AmplitudeStyle, Band, Conditioning, FrequencyStyle, SectionStyle
from models.seismic.arrays import semblance
from models.seismic.association.candidates import collect_candidates
from models.seismic.association.locate import locate_by_arrival_times
from models.seismic.association.search import uniform_prior
from models.seismic.location.distances import locate_by_distances
from models.seismic.location.solution import StationDistances
from models.seismic.signal.picker import pick_records
from models.seismic.signal.rayleigh_envelope import EnvelopePeaks
from models.seismic.source.greens_tables import BLOCK, FORCES, GreensTables, layout
from models.seismic.source.inversion import invert_source
from models.seismic.source.problem import EpicenterPrior
from models.seismic.surface_waves.detector import detect_surface_waves
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Gather, Record


def warm_up() -> None:
    """
    Run every compiled loop of imaging and location once on tiny records.

    Takes minutes the first time on a machine, when everything is compiled and kept on disk, then about two seconds. No result depends on
    it.
    """
    _render_pictures()
    locate_by_distances(StationDistances(np.array([0.0, 0.0, 30.0]), np.array([0.0, 30.0, 0.0]), np.array([20.0, 20.0, 20.0]), np.ones(3)))
    _locate_arrivals()
    _locate_surface_waves()
    _invert_waveforms()


def _render_pictures() -> None:
    conditioning = Conditioning(sampling_rate_hz=1.0, shortest_period_s=8.0, longest_period_s=40.0, taper_s=10.0)
    layout = {"conditioning": conditioning, "window_s": 128.0, "columns": 16, "rows": 8}
    bands = (Band(shortest_period_s=10.0, longest_period_s=30.0),)
    samples = np.sin(np.arange(256, dtype=np.float32))
    read_only = samples.copy()  # as arrays over received bytes are: a type of its own to the compiler
    read_only.setflags(write=False)
    trace_id = TraceId("XX", "WARM", "", "LHZ")
    gather = condition([Record(trace_id, 0.0, 2.0, values, None, None) for values in (samples, read_only)], conditioning)
    amplitude = AmplitudeStyle(kind="amplitude", bands=bands, **layout)
    frequency = FrequencyStyle(
        kind="frequency",
        zooms=(1.0,),
        shortest_period_s=10.0,
        longest_period_s=30.0,
        relative_bandwidth=0.2,
        dynamic_range_db=40.0,
        **layout,
    )
    section = SectionStyle(
        kind="section",
        vertical_axis="distance",
        axis_exponent=0.5,
        reduction_velocity_km_s=None,
        wiggle_rows=2.0,
        one_scale=True,
        quiet_rows=0.5,
        bands=bands,
        close_up=None,
        **layout,
    )
    render_traces(amplitude, gather, 0.0)
    render_traces(frequency, gather, 0.0)
    render_section(section, gather, 0.0, Placement(np.array([30.0, 60.0]), np.zeros(2)))


def _locate_arrivals() -> None:
    samples = np.where(np.arange(600) < 400, 0.1, 1.0) * _irregular_samples(600)
    record = Record(TraceId("XX", "WARM", "", "BHZ"), 0.0, 5.0, samples.astype(np.float32), 0.0, 0.0)
    peaks = EnvelopePeaks(np.array([100.0]), np.array([2.0]))
    candidates = collect_candidates(pick_records([record] * 3), [peaks] * 3, np.array([0.0, 0.0, 1.0]), np.array([0.0, 1.0, 0.0]))
    if candidates is not None:
        locate_by_arrival_times(candidates, uniform_prior)


def _locate_surface_waves() -> None:
    semblance.compile_semblance()
    latitudes, noise = np.linspace(-60.0, 60.0, 6), _irregular_samples(6 * 2400).reshape(6, -1)
    stack = detect_surface_waves(Gather((TraceId("XX", "WARM", "", "BHZ"),) * 6, 0.0, 1.0, noise, latitudes, 2.0 * latitudes))
    if stack is not None:
        stack.origin(latitudes, latitudes)


def _invert_waveforms() -> None:
    """Invert noise with tables of zeros, at one place."""
    begins_s, counts, first_blocks = layout()
    blocks = int(first_blocks[-1, -1]) + FORCES * -(-int(counts[-1, -1]) // BLOCK)
    earth = GreensTables(np.zeros(blocks * BLOCK, np.int8), np.zeros(blocks, np.int16), begins_s, counts, first_blocks)
    longitudes = np.array([20.0, 24.0, 28.0])
    gather = Gather((TraceId("XX", "WARM", "", "BHZ"),) * 3, 0.0, 1.0, _irregular_samples(3 * 3600).reshape(3, -1), np.zeros(3), longitudes)
    invert_source(gather, range(3), (earth,), EpicenterPrior(0.0, 0.0, 0.1, 900.0), "force")


def _irregular_samples(count: int) -> Floats32:
    """A sine of growing frequency, aliased: noise without random numbers."""
    return np.sin(np.arange(float(count)) ** 1.5).astype(np.float32)
