"""Figures of the source of a job: mechanism, waveform fit, and likelihood over depth or azimuth."""

import json

import numpy as np

from models.analysis.pipeline import EventLocation
from models.seismic.source.greens_tables import DEPTHS_KM
from models.seismic.source.mechanisms import nodal_planes
from models.seismic.source.problem import PROFILE_AZIMUTHS_DEG
from models.seismic.source.solution import SourceSolution, TraceFit
from models.seismic.source.waveform_fit import DRAWN_STEP_S, WindowFit
from models.seismic.waveforms import Gather
from workers.jobs.figures import sample_evenly
from workers.plots.mechanisms import MechanismStations, azimuth_likelihood_figure, depth_likelihood_figure, force_figure, tensor_figure
from workers.plots.waveform_fits import MAX_ROWS, StationWaveforms, waveform_fit_figure

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def draw_inversion(gather: Gather, found: EventLocation) -> dict[str, bytes]:
    """
    Draw the figures of an inversion as PNG by name: `waveform_fit`, and `mechanism` and `source_likelihood` where it constrains them.

    Empty where nothing was inverted, or no trace fits.
    """
    source = found.source
    if source is None or not source.traces:
        return {}
    drawn = {"waveform_fit": draw_waveform_fit(gather, source)}
    if not source.constrains:
        return drawn
    stations = MechanismStations(
        np.array([trace.waveform.azimuth_deg for trace in source.traces]), np.array([trace.correlation for trace in source.traces])
    )
    lines = describe_lines(source)
    if source.tensor is not None:
        stated = None if found.depth is None else (found.depth.depth_km, found.depth.uncertainty_km)
        depths_km = np.array(DEPTHS_KM, np.float64)
        drawn["source_likelihood"] = depth_likelihood_figure(depths_km, source.depth_profile, stated, "Depth of the moment tensor")
        if source.states_mechanism:
            drawn["mechanism"] = tensor_figure(source.tensor, stations, lines, "Moment tensor")
        return drawn
    force = found.force_azimuth
    if force is None:
        return drawn
    arrow = force_figure(force.azimuth_deg, force.uncertainty_deg, ambiguous=force.ambiguous, stations=stations, lines=lines, title="Force")
    stated = (force.azimuth_deg, force.uncertainty_deg)
    title = "Log likelihood of a horizontal force"
    curve = azimuth_likelihood_figure(PROFILE_AZIMUTHS_DEG, source.azimuth_profile, stated, ambiguous=force.ambiguous, title=title)
    return drawn | {"mechanism": arrow, "source_likelihood": curve}


def draw_waveform_fit(gather: Gather, source: SourceSolution) -> bytes:
    """Draw the waveform fit of the traces that `_choose_traces` chooses."""
    chosen = _choose_traces(source)
    stations = [StationWaveforms(str(gather.trace_ids[trace.trace_index]), trace.waveform) for trace in chosen]
    kind = "moment tensor" if source.kind == "tensor" else "single force"
    doubt = "" if source.constrains else ", which does not constrain the source"
    count = "" if len(chosen) == len(source.traces) else f" ({len(chosen)} of {len(source.traces)} traces shown)"
    return waveform_fit_figure(stations, f"Waveform fit of a {kind}{doubt}{count}")


def write_waveform_fit(gather: Gather, found: EventLocation) -> dict[str, bytes]:
    """Write the data of the figure `waveform_fit` as JSON, by its name; empty where nothing was inverted, or no trace fits."""
    source = found.source
    if source is None or not source.traces:
        return {}
    stations = [
        {
            "trace": str(gather.trace_ids[trace.trace_index]),
            "distance_deg": round(trace.waveform.distance_deg, 2),
            "azimuth_deg": round(trace.waveform.azimuth_deg, 1),
            "body": _describe_window(trace.waveform.body),
            "rayleigh": _describe_window(trace.waveform.rayleigh),
            "love": _describe_window(trace.waveform.love),
        }
        for trace in _choose_traces(source)
    ]
    content = {"step_s": DRAWN_STEP_S, "traces_in_all": len(source.traces), "stations": stations}
    return {"waveform_fit": json.dumps(content, allow_nan=False, separators=(",", ":")).encode()}


def _choose_traces(source: SourceSolution) -> list[TraceFit]:
    """Choose at most 24 traces of a source, spread evenly over azimuth."""
    azimuths_deg = np.array([trace.waveform.azimuth_deg for trace in source.traces])
    return [source.traces[index] for index in sample_evenly(azimuths_deg, MAX_ROWS)]


def _describe_window(window: WindowFit | None) -> dict[str, object] | None:
    """Describe a window, waveforms in thousandths of the largest amplitude; None without one."""
    if window is None:
        return None
    scale = 1000.0 / max(float(np.abs(window.observed).max()), float(np.abs(window.synthetic).max()), 1e-300)
    lines = {
        name: np.rint(scale * values).astype(int).tolist()
        for name, values in (("observed", window.observed), ("synthetic", window.synthetic))
    }
    return {**lines, "correlation": round(float(window.correlation), 3), "shift_s": round(float(window.shift_s), 1)}


def format_power(value: float, digits: int) -> str:
    """Write a number as a factor and a power of ten, as in print: 3.65 × 10¹⁹."""
    factor, exponent = f"{value:.{digits}e}".split("e")
    return f"{factor} × 10{str(int(exponent)).translate(_SUPERSCRIPTS)}"


def describe_lines(source: SourceSolution) -> list[str]:
    """Describe a source in lines of text."""
    reduction = f"variance reduction {100 * source.variance_reduction:.0f} %"
    fit = [f"{len(source.traces)} traces, log likelihood against noise {source.log_likelihood:.0f}", reduction]
    amplitude = source.amplitude
    if source.tensor is None:
        size = (
            "amplitude unknown: no instrument response"
            if amplitude is None
            else f"mass times distance {format_power(amplitude.value, 1)} kg m"
        )
        azimuth, deviation = source.force_azimuth_deg or 0.0, source.force_azimuth_uncertainty_deg or 0.0
        known = source.sign_probability is not None
        sign = f"probability against the opposite {source.sign_probability:.2f}" if known else "or the opposite (responses unknown)"
        return [f"azimuth {azimuth:.0f}° ± {deviation:.0f}°", sign, f"duration {source.duration_s or 0.0:.0f} s", size, "", *fit]
    if amplitude is None:
        size = "moment unknown: no instrument response"
    else:
        size = f"Mw {amplitude.moment_magnitude:.2f} ± {amplitude.log10_deviation / 1.5:.2f}, {format_power(amplitude.value, 2)} N m"
    planes = [f"strike {strike:.0f}°, dip {dip:.0f}°, rake {rake:.0f}°" for strike, dip, rake in nodal_planes(source.tensor)]
    depth = f"depth {source.depth_km:.0f} ± {source.depth_uncertainty_km:.0f} km by waveforms"
    mechanism = f"mechanism uncertain by {source.mechanism_uncertainty_deg or 0.0:.0f}° (68 %)"
    return [size, depth, *(plane.replace("-", "−") for plane in planes), mechanism, "", *fit]
