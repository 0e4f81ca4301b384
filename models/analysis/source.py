"""
Invert the waveforms of a located event for its source, and decide what of it is stated.

The networks propose class, epicenter and origin time; the inversion starts there. Where it constrains them, the force azimuth is its own,
and the depth of an earthquake is combined with it. A force that fits clearly moves the epicenter if that makes it more certain.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

import numpy as np

from models.analysis.arrival_times import contradicts_others
from models.analysis.combine import DepthEstimate, OriginTime
from models.analysis.depth import DepthDensity
from models.analysis.distances import station_distances
from models.analysis.event_class import PhysicalEvidence, add_explosion_evidence, add_force_evidence, choose_class, glacial_share
from models.analysis.physical_evidence import MAX_EXPLOSION_LOG_RATIO
from models.analysis.pipeline import MIN_SIGN_PROBABILITY, EventLocation, ForceAzimuthEstimate
from models.analysis.sections import make_reference
from models.analysis.station_subset import farthest_point_subset
from models.array_types import Floats32
from models.imaging.conditioning import condition
from models.seismic.association.depth_time import DepthTime
from models.seismic.depth_phases.likelihood import DEPTHS_KM
from models.seismic.geodesy import KM_PER_DEGREE, distance_deg
from models.seismic.location.solution import Location, build_location
from models.seismic.signal.rotation import rotate_to_north_east
from models.seismic.source.greens_tables import GreensTables
from models.seismic.source.inversion import invert_source
from models.seismic.source.observations import MAX_DISTANCE_DEG
from models.seismic.source.problem import ASSUMED_GAIN_DEVIATION, KNOWN_GAIN_DEVIATION, EpicenterPrior, Kind, Motion
from models.seismic.source.solution import MAX_CENTROID_DELAY_S, MIN_LOG_LIKELIHOOD, SourceSolution, describe_fit, measure_amplitude
from models.seismic.waveforms import Gather, Record
from models.specs.event_type import EventClass
from models.specs.pictures import CONDITIONING

MAX_TRACES: Final = 40
MIN_DEVIATION_DEG, MAX_DEVIATION_DEG = 0.1, 3.0  # of the prior of the epicenter
MAX_CLASS_RADIUS_KM: Final = 333.0  # of the epicenter: the inversion searches three degrees
MIN_OPEN_PROBABILITY: Final = 0.01  # of either kind of earthquake: below it the other kind of source is not tried
CLASS_WEIGHTS, CLEAR_CLASS_WEIGHTS, MAX_CLASS_LOG_RATIO = (0.05, -3.0), (0.15, -10.0), 4.0
"""
Log odds of a force: the weight times the sum of the difference of the log likelihoods, force less tensor, and the offset, since a force has
more histories to try. The second pair is for sources that fit clearly. `python -m training experiment class-weights` compares them with
others on events at ice sheets, of replicas and of mixed paths: none were better beyond chance.
"""
CLEAR_LOG_LIKELIHOOD: Final = 60.0
"""
Of a source that fits clearly, twice that from which any is stated: its kind weighs more in the class, and it may move the epicenter.
"""
MAX_FOR_EXPLOSION, MAX_AGAINST_EXPLOSION = 3.0, 2.0
"""Largest log likelihood ratios of an explosion or collapse by the waveforms that are believed, as of other evidence."""
ASSUMED_MOTION: Final[Mapping[Kind, Motion]] = {"tensor": "broadband", "force": "unknown"}
"""
What records of unknown response are proportional to. With a choice of corner periods, azimuths of synthetic forces with horizontals were
within 10 degrees in 78 instead of 64 % (n = 54 and 53, seeds 3408 to 3410); depths of moment tensors in 75 instead of 76 % (n = 89 and 86,
seeds 3408 and 3409), which do without.
"""
KINDS: Final[Mapping[str, Kind]] = {"earthquake": "tensor", "glacial": "force"}


def add_source(found: EventLocation, gather: Gather, records: Sequence[Record], earths: Mapping[str, GreensTables]) -> EventLocation:
    """
    Invert the waveforms of a located earthquake or glacial earthquake, and refine its answer where the inversion constrains it.

    Parameters
    ----------
    found : EventLocation
        What networks and arrival times found.
    gather : Gather
        Conditioned records.
    records : sequence of Record
        Original records in the gather's order, of which those with a response were converted to velocity.
    earths : mapping of str to GreensTables
        Earth models by name, of which each path has the one that fits best. Without any the answer stays as it is.

    """
    invert = partial(find_source, earths, gather, records, found.location, found.origin)
    kinds = list_kinds(found)
    compared = () if kinds == ("force",) else kinds
    sources = {kind: source for kind in compared if (source := invert(kind, is_compared=True)) is not None}
    found = weigh_sources(found, sources)
    source = sources.get(KINDS[found.event_type]) if found.event_type in KINDS else None
    if found.event_type == "glacial" and "force" in kinds:  # once more, with the phase error of forces
        source = invert("force")
    if source is None or not source.constrains:
        return replace(found, source=source)
    stated = replace(found, source=source)
    if source.kind == "tensor" and found.begins_late:  # its depth rests on body waves
        return stated
    if source.kind == "tensor":
        stated = state_depth(stated, combine_source_depth(found.depth_density, source))
    elif (force := estimate_force(source)).is_constrained:
        stated = replace(stated, force_azimuth=force)
    return move_epicenter(stated, gather, source) if locates_better(source, found) else stated


def list_kinds(found: EventLocation) -> tuple[Kind, ...]:
    """
    List the kinds of source to try: that of the class, or both where the class is open and the epicenter near enough to tell them apart.

    Of other undetermined events a moment tensor, which may speak against an explosion. One kind where a second event is in the records,
    which makes the class uncertain. None for an `other` event, for records too short to hold a wave of the tables' periods, and for those
    of other stations.
    """
    if found.readings.withheld or found.mislabeled or found.event_type == "other":
        return ()
    known, near = found.classification, found.location.horizontal_uncertainty_km <= MAX_CLASS_RADIUS_KM
    is_open = known is not None and min(known.probabilities["earthquake"], known.probabilities["glacial"]) >= MIN_OPEN_PROBABILITY
    if is_open and near and found.second is None:
        return ("tensor", "force")
    if found.event_type == "undetermined" and found.second is None:
        return ("tensor",)
    return (KINDS[found.event_type],) if found.event_type in KINDS else ()


def weigh_sources(found: EventLocation, sources: Mapping[Kind, SourceSolution]) -> EventLocation:
    """
    Weigh the class by how well kinds of sources fit; depth or force azimuth of another class are dropped.

    A force against a moment tensor (`compare_kinds`), and an explosion or collapse against an earthquake (`limit_explosion`). Nothing
    changes where they cannot be compared, or where a second event is in the records.
    """
    known, difference, log_explosion = found.classification, compare_kinds(sources), limit_explosion(sources.get("tensor"))
    if known is None or found.second is not None or (difference is None and log_explosion is None):
        return found
    probabilities, evidence = known.probabilities, known.evidence
    if difference is not None:
        log_force = weigh_difference(difference, *select_class_weights(sources))
        probabilities = add_force_evidence(probabilities, glacial_share(make_reference(found.location)), log_force)
        evidence = replace(evidence, log_force=evidence.log_force + log_force)
    if log_explosion is not None:
        probabilities, evidence = add_surface_source(probabilities, evidence, log_explosion)
    answer = choose_class(probabilities)
    updated = replace(found, classification=replace(known, event_type=answer, probabilities=probabilities, evidence=evidence))
    if answer == found.event_type:
        return updated
    return replace(updated, event_type=answer, depth=None, depth_density=None, force_azimuth=None, depth_time_correlation=None)


def add_surface_source(
    probabilities: Mapping[EventClass, float], evidence: PhysicalEvidence, log_ratio: float
) -> tuple[dict[EventClass, float], PhysicalEvidence]:
    """Add what waveforms say of an explosion or collapse: new probabilities, and all evidence, which speaks for one by e^5 at most."""
    log_ratio = min(log_ratio, max(MAX_EXPLOSION_LOG_RATIO - evidence.log_explosion, 0.0))
    updated = add_explosion_evidence(probabilities, evidence, log_ratio)
    return updated, replace(evidence, log_explosion=evidence.log_explosion + log_ratio)


def limit_explosion(tensor: SourceSolution | None) -> float | None:
    """
    Limit the log likelihood ratio of an explosion or collapse to an earthquake by the waveforms to what is believed.

    None without a moment tensor of a few traces of known response that is short enough to be a point.
    """
    if tensor is None or tensor.log_explosion is None or tensor.centroid_delay_s > MAX_CENTROID_DELAY_S:
        return None
    return float(np.clip(tensor.log_explosion, -MAX_AGAINST_EXPLOSION, MAX_FOR_EXPLOSION))


def compare_kinds(sources: Mapping[Kind, SourceSolution]) -> float | None:
    """
    Subtract the log likelihood of a moment tensor from that of a force.

    None unless both were tried, one of them fits better than noise does, and the moment tensor is short enough to be a point.
    """
    if len(sources) < 2 or sources["tensor"].centroid_delay_s > MAX_CENTROID_DELAY_S:
        return None
    if max(one.log_likelihood for one in sources.values()) < MIN_LOG_LIKELIHOOD:
        return None
    return sources["force"].log_likelihood - sources["tensor"].log_likelihood


def select_class_weights(sources: Mapping[Kind, SourceSolution]) -> tuple[float, float]:
    """Select weight and offset of the difference by how well the better kind of source fits."""
    is_clear = max(one.log_likelihood for one in sources.values()) >= CLEAR_LOG_LIKELIHOOD
    return CLEAR_CLASS_WEIGHTS if is_clear else CLASS_WEIGHTS


def weigh_difference(difference: float, weight: float, offset: float) -> float:
    """Compute the log odds of a force from the difference of the log likelihoods, force less tensor."""
    return float(np.clip(weight * (difference + offset), -MAX_CLASS_LOG_RATIO, MAX_CLASS_LOG_RATIO))


def find_source(
    earths: Mapping[str, GreensTables],
    gather: Gather,
    records: Sequence[Record],
    location: Location,
    origin: OriginTime,
    kind: Kind,
    *,
    is_compared: bool = False,
) -> SourceSolution | None:
    """
    Invert for a source of one kind around a located epicenter; None with fewer than three usable traces or without tables.

    `is_compared` as of `invert_source`.
    """
    traces = select_traces(gather, location)
    if not traces or not earths:
        return None
    deviation = float(np.clip(location.horizontal_uncertainty_km / KM_PER_DEGREE, MIN_DEVIATION_DEG, MAX_DEVIATION_DEG))
    prior = EpicenterPrior(location.latitude_deg, location.longitude_deg, deviation, origin.time_s)
    known = {trace for trace in traces if len(records) and records[trace].response is not None}
    response_known = are_known(traces, known)
    motion: Motion = "velocity" if response_known else ASSUMED_MOTION[kind]
    fit = invert_source(
        gather,
        traces,
        tuple(earths.values()),
        prior,
        kind,
        motion,
        gain_deviations=choose_gain_deviations(traces, known) if kind == "force" else {},  # amplitudes gave tensors nothing
        horizontals=condition_horizontals(gather, records, traces),
        is_compared=is_compared,
    )
    if fit is None:
        return None
    source = describe_fit(fit, response_known=response_known)
    amplitude = measure_amplitude(source, known)
    delay_s = source.time_s - origin.time_s - 2.0 * origin.uncertainty_s
    return replace(source, centroid_delay_s=delay_s, amplitude=amplitude)


def are_known(traces: Collection[int], known: Collection[int]) -> bool:
    """Whether the responses of most traces are `known`."""
    return 2 * len(known) > len(traces)


def choose_gain_deviations(traces: Collection[int], known: Collection[int]) -> dict[int, float]:
    """
    Choose the traces whose amplitudes are compared: standard deviations of the natural logarithms of their gains, by trace index.

    Those of known response where most are, else the others: motion in meters is not compared with counts.
    """
    if are_known(traces, known):
        return dict.fromkeys(known, KNOWN_GAIN_DEVIATION)
    return dict.fromkeys(set(traces) - set(known), ASSUMED_GAIN_DEVIATION)


def condition_horizontals(gather: Gather, records: Sequence[Record], traces: Sequence[int]) -> Floats32 | None:
    """
    Condition the horizontals of records into motion to north and east [traces, 2, samples] on the clock of the gather.

    NaN where there is none, or it is not among `traces`; None without any. The response is that of the vertical, of the same sensor.
    """
    rotated = {trace: rotate_to_north_east(records[trace].horizontals) for trace in traces if len(records)}
    found = {trace: pair for trace, pair in rotated.items() if pair is not None and np.isfinite(pair).any()}
    if not found:
        return None
    components = [replace(records[trace], samples=row, horizontals=None) for trace, pair in found.items() for row in pair]
    conditioned = condition(components, CONDITIONING)
    motion = np.full((len(gather.trace_ids), 2, gather.samples.shape[1]), np.nan, np.float32)
    first = round((conditioned.start_time_s - gather.start_time_s) * gather.sampling_rate_hz)
    count = min(conditioned.samples.shape[1], motion.shape[2] - first)
    motion[list(found), :, first : first + count] = conditioned.samples[:, :count].reshape(len(found), 2, count)
    return motion


def select_traces(gather: Gather, location: Location) -> list[int]:
    """Select up to 40 traces, spread over the network, at distances that the tables hold."""
    distances = distance_deg(location.latitude_deg, location.longitude_deg, gather.latitudes_deg, gather.longitudes_deg)
    usable = np.flatnonzero((distances > 0.5) & (distances < MAX_DISTANCE_DEG))
    if len(usable) <= MAX_TRACES:
        return [int(index) for index in usable]
    return [int(usable[index]) for index in farthest_point_subset(gather.subset(usable), MAX_TRACES)]


def estimate_force(source: SourceSolution) -> ForceAzimuthEstimate:
    """Estimate the azimuth of an inverted force; raises ValueError for a moment tensor."""
    if source.force_azimuth_deg is None or source.force_azimuth_uncertainty_deg is None:
        raise ValueError("the source is not a force")
    ambiguous = has_ambiguous_sign(source)
    return ForceAzimuthEstimate(source.force_azimuth_deg, source.force_azimuth_uncertainty_deg, ambiguous, "waveform-inversion")


def locates_better(source: SourceSolution, found: EventLocation) -> bool:
    """
    Whether the epicenter of an inversion, which has that before as its prior, is the one to state.

    Of a source that fits clearly and whose region is smaller: of a force in any case, since glacial earthquakes have no sharp arrivals
    that would hold theirs, and of a moment tensor where no arrival times do and the one before is not contradicted. Of 104 synthetic
    earthquakes, 70 of them in an Earth model that the inversion does not have, and epicenters guessed to 130 km, those of the inversion
    are 65 km off, and 71 % are in the stated region.
    """
    is_clear = source.log_likelihood >= CLEAR_LOG_LIKELIHOOD
    is_held = source.kind == "tensor" and (bool(found.arrivals) or contradicts_others([source.region], found.location.regions))
    return is_clear and not is_held and source.region.horizontal_uncertainty_km < found.location.horizontal_uncertainty_km


def move_epicenter(found: EventLocation, gather: Gather, source: SourceSolution) -> EventLocation:
    """State epicenter and origin time of an inversion."""
    location = build_location(
        [source.region],
        station_distances(gather, found.readings),
        common_bias_deg=found.location.common_bias_deg,
        effective_stations=found.location.effective_stations,
        detected=[trace.trace_index for trace in source.traces],
    )
    origin = OriginTime(source.time_s, source.time_uncertainty_s)
    return replace(found, location=location, origin=origin, method="waveform-inversion")


def has_ambiguous_sign(source: SourceSolution) -> bool:
    """
    Whether the force may as well be the opposite one.

    Where the responses of the instruments are unknown, so is the phase of the records, and with it which of two opposite forces it was.
    """
    return not source.response_known or (source.sign_probability or 0.0) < MIN_SIGN_PROBABILITY


def state_depth(found: EventLocation, depth: DepthEstimate) -> EventLocation:
    """State another depth of an event, which its origin time follows where arrival times determine both."""
    if found.depth is None or found.depth_time_correlation is None:
        return replace(found, depth=depth)
    variances = found.depth.uncertainty_km**2, found.origin.uncertainty_s**2
    covariance = found.depth_time_correlation * found.depth.uncertainty_km * found.origin.uncertainty_s
    joint = DepthTime(found.depth.depth_km, found.origin.time_s, *variances, covariance).at_depth(depth.depth_km, depth.uncertainty_km)
    origin = OriginTime(joint.time_s, joint.time_uncertainty_s)
    return replace(found, depth=depth, origin=origin, depth_time_correlation=joint.correlation)


def combine_source_depth(density: DepthDensity | None, source: SourceSolution) -> DepthEstimate:
    """Combine the depth of an earthquake, if there is one, with that of the inversion."""
    if density is None:
        return DepthEstimate(source.depth_km, source.depth_uncertainty_km)
    return density.with_inversion(source.depth_log_likelihood(DEPTHS_KM)).estimate()
