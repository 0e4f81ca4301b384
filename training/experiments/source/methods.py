"""Depth and force azimuth of a synthetic event by a network alone, and by network and inversion together, as served."""

from dataclasses import dataclass

import numpy as np

from models.analysis.combine import DepthEstimate, OriginTime, set_origin_time
from models.analysis.depth import KnownDepths, list_known_depths
from models.analysis.distances import predict_distances
from models.analysis.hypocenter import multiply_depths
from models.analysis.pipeline import ForceAzimuthEstimate, Models, predict_depth, predict_force_azimuth
from models.analysis.sections import SectionReference
from models.analysis.source import combine_source_depth
from models.errors import UnusableData
from models.seismic.geodesy import geocentric_latitude_deg, unit_vectors
from models.seismic.source.problem import EpicenterPrior
from models.seismic.source.solution import SourceSolution
from training.experiments.source.mixed_paths import MixedEvent


@dataclass(frozen=True)
class Statement:
    """Error without its sign and stated deviation, of a depth in kilometers or of a force azimuth modulo 180 in degrees."""

    error: float
    deviation: float


def state_azimuth(estimate: ForceAzimuthEstimate, true_deg: float) -> Statement | None:
    """Compare a force azimuth with the true one; None where it is not stated."""
    if not estimate.is_constrained:
        return None
    return Statement(abs((estimate.azimuth_deg - true_deg + 90.0) % 180.0 - 90.0), estimate.uncertainty_deg)


def make_depth_statement(estimate: DepthEstimate, true_km: float) -> Statement:
    """Compare a depth with the true one."""
    return Statement(abs(estimate.depth_km - true_km), estimate.uncertainty_km)


def compare_network(
    models: Models, event: MixedEvent, prior: EpicenterPrior, solution: SourceSolution
) -> tuple[Statement | None, Statement | None]:
    """
    Compare depth or force azimuth of the network alone, and of network and inversion together, with the true one.

    The network reads the event at a guessed epicenter and origin time. None of what is not stated, and of records too short to be read.
    """
    try:
        readings = predict_distances(models["offset"], event.gather)
    except UnusableData:
        return None, None
    shown = set_origin_time(readings, OriginTime(prior.time_s, 0.0))
    reference = SectionReference(prior.latitude_deg, prior.longitude_deg, "given")
    if event.azimuth_deg is not None:
        beams = state_azimuth(predict_force_azimuth(models["force_azimuth"], event.gather, shown, reference), event.azimuth_deg)
        return beams, (state_inverted_azimuth(solution, event.azimuth_deg) or beams)
    section, seismicity = predict_depth(models["depth"], event.gather, shown, reference), guess_known_depths(prior)
    density = multiply_depths(seismicity, None, section, None)
    alone = make_depth_statement(density.estimate(), event.source.depth_km)
    if not solution.constrains:
        return alone, alone
    return alone, make_depth_statement(combine_source_depth(density, solution), event.source.depth_km)


def state_inverted_azimuth(solution: SourceSolution, true_deg: float) -> Statement | None:
    """Compare the force azimuth of an inversion with the true one; None where it is not stated."""
    azimuth, deviation = solution.force_azimuth_deg, solution.force_azimuth_uncertainty_deg
    if azimuth is None or deviation is None or not solution.constrains:
        return None
    return state_azimuth(ForceAzimuthEstimate(azimuth, deviation, ambiguous=True), true_deg)


def guess_known_depths(prior: EpicenterPrior) -> KnownDepths:
    """Find at which depths earthquakes are known to occur at a guessed epicenter."""
    place = unit_vectors(geocentric_latitude_deg(prior.latitude_deg), prior.longitude_deg)
    return list_known_depths(place[None], np.ones(1))
