"""Sources by waveform inversion, as tests of answers, exports and figures need them."""

from dataclasses import replace

import numpy as np

from models.seismic.location.regions import EpicenterRegion
from models.seismic.source.greens_tables import DEPTHS_KM
from models.seismic.source.solution import SourceAmplitude, SourceSolution, TraceFit
from models.seismic.source.waveform_fit import WaveformFit, WindowFit

REGION = EpicenterRegion(66.0, -38.0, 30.0, 20.0, 45.0, 25.0, 1.0)
THRUST = np.array([0.9, 0.1, -1.0, 0.2, -0.1, 0.05])


def make_trace(index: int, correlation: float = 0.8, amplitude: float = 1e18) -> TraceFit:
    """Make the fit of a trace at an azimuth of 45 degrees times its index."""
    times = np.arange(200) / 10.0
    window = WindowFit(500.0, np.sin(times), 0.9 * np.sin(times - 0.1), 2.0, correlation, amplitude)
    body = replace(window, begin_s=300.0) if index % 2 else None
    return TraceFit(index, WaveformFit(40.0 + index, (45.0 * index) % 360.0, body, window))


def make_force(**changes: object) -> SourceSolution:
    """Make a force to the southwest that eight traces on all sides constrain."""
    force = SourceSolution(
        kind="force",
        log_likelihood=80.0,
        variance_reduction=0.6,
        region=REGION,
        time_s=1000.0,
        time_uncertainty_s=4.0,
        tensor=None,
        depth_km=0.0,
        depth_uncertainty_km=0.0,
        depth_profile=np.zeros(0),
        mechanism_uncertainty_deg=None,
        force_azimuth_deg=230.0,
        force_azimuth_uncertainty_deg=6.0,
        sign_probability=0.97,
        history=4,
        azimuthal_gap_deg=60.0,
        traces=tuple(make_trace(k) for k in range(8)),
        azimuth_profile=80.0 * np.cos(np.radians(np.arange(0.0, 360.0, 10.0) - 230.0)) ** 2,
    )
    return replace(force, **changes)  # type: ignore[arg-type]


def make_tensor(**changes: object) -> SourceSolution:
    """Make a moment tensor of magnitude 6 at 120 km."""
    profile = np.zeros(len(DEPTHS_KM))
    profile[10:16] = (40.0, 60.0, 75.0, 80.0, 70.0, 50.0)
    amplitude = SourceAmplitude(10.0**18.1, 0.06, 8)
    known = {
        "kind": "tensor",
        "tensor": THRUST,
        "depth_km": 120.0,
        "depth_uncertainty_km": 12.0,
        "depth_profile": profile,
        "mechanism_uncertainty_deg": 20.0,
    }
    none = {"force_azimuth_deg": None, "force_azimuth_uncertainty_deg": None, "sign_probability": None, "history": None}
    return make_force(**(known | none | {"amplitude": amplitude, "azimuth_profile": np.zeros(0)} | changes))
