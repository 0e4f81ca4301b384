"""Compile the renderer before the first job has to wait for it."""

import numpy as np

from models.imaging.conditioning import condition
from models.imaging.render import Placement, render_section, render_traces
from models.imaging.style import AmplitudeStyle, Band, Conditioning, FrequencyStyle, SectionStyle
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Record


def warm() -> None:
    """Run every compiled loop once on a tiny record; a matter of seconds the first time on a machine, then milliseconds."""
    conditioning = Conditioning(sampling_rate_hz=1.0, shortest_period_s=8.0, longest_period_s=40.0, taper_s=10.0)
    layout = {"conditioning": conditioning, "window_s": 128.0, "columns": 16, "rows": 8}
    bands = (Band(shortest_period_s=10.0, longest_period_s=30.0),)
    samples = np.sin(np.arange(256, dtype=np.float32))
    read_only = samples.copy()  # arrays over received bytes are, and are a type of their own to the compiler
    read_only.setflags(write=False)
    name = TraceId("XX", "WARM", "", "LHZ")
    gather = condition([Record(name, 0.0, 2.0, part, None, None) for part in (samples, read_only)], conditioning)
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
