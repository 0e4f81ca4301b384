"""
The depth of an event: depth phases after its arrivals, and the density that is the product of what all observations say.

Each observation may be wrong. Two depths that contradict each other then remain as two maxima, and the median is at the more probable one,
where a mean weighted by variances would lie between them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np
from scipy.ndimage import gaussian_filter1d

from models.analysis.combine import MIN_DEPTH_ERROR_KM, DepthEstimate
from models.analysis.refinement import RefinedLocation
from models.array_types import Floats
from models.seismic.association.arrivals import Arrival
from models.seismic.association.grid_scan import DEEP_PROBABILITY, DEPTH_MARGIN_KM, DEPTH_SCALE_KM
from models.seismic.depth_phases.likelihood import DEPTHS_KM, DepthPhases, find_depth_phases
from models.seismic.depth_phases.rises import Family, Onset
from models.seismic.earth.earthquake_depths import DENSITY_DEPTHS_KM, maximum_depth_km, mean_depth_density
from models.seismic.geodesy import distance_deg, geocentric_latitude_deg, unit_vectors
from models.seismic.location.regions import CONFIDENCE, CONFIDENCE_90, EpicenterRegion, sample_ellipse
from models.seismic.waveforms import Gather, Record

FAMILIES: Final[dict[str, Family]] = {"P": "P", "PKP": "PKP", "PKPbc": "PKP", "PKPab": "PKP"}
DISTANCES_DEG: Final[dict[Family, tuple[float, float]]] = {"P": (25.0, 98.0), "PKP": (110.0, 170.0)}
"""Where depth phases follow their first arrival: nearer P has several branches, which are no depth phases."""
DEPTHS_OF_MISREADING_KM, MISREAD_AT_DEPTH = (70.0, 100.0), (0.01, 0.2)
"""
Probability that the depth of a section is misread altogether, by the true depth: up to 70 km and from 100 km on (none and a fifth of the
simulated earthquakes in `docs/results/section_depth.md`), mostly that of a deep event whose epicenter is wrong. Misread depths are
distributed like those of shallow earthquakes.
"""
SHALLOWEST_READ_KM: Final = 15.0
"""
Depth that the network reads, roughly, from the sections of all sources above it: it has learned from a catalog that has hardly any
above 12 km, and trained with such ones it cannot tell them either (`docs/history/training_log.md`).
"""
CONFUSED_PROBABILITY: Final = 0.05
"""Assumed probability that arrival times are of the wrong phases and say nothing of depth: complex ruptures are picked repeatedly."""
MISFITTED_PROBABILITY: Final = 0.1
"""
Assumed probability that an inversion fits at a wrong depth, by a wrong epicenter or Earth, or a source that is no earthquake. Of synthetic
earthquakes that it constrains, 8 of 91 of its depths are off by more than 30 km (waves from 10 s on, seeds 3408 to 3410, 30 of them without
the oceanic Earth model).
"""
INVERSION_ERROR_KM: Final = 8.0
"""
Standard deviation of the depth of an inversion beside its likelihood: by the Earth model. The log score of the depths of 120 synthetic
earthquakes in Earth models that the inversion does not have is the same with 6 km, and lower by 0.05 with 10 km.
"""
DEPTH_STEP_KM: Final = float(DEPTHS_KM[1] - DEPTHS_KM[0])
VELOCITY_ERROR_KM, VELOCITY_ERROR_FRACTION = 5.0, 0.015
"""
Standard deviation of a depth due to the velocities above the source, which observations share: constant, and relative to the depth. In
Earth models that the service does not have the log score of the depths of 54 synthetic earthquakes is the same with 3 to 8 km.
"""
DEVIATIONS_90: Final = 1.645  # of a normal distribution, which enclose 90 %
KNOWN_SHARE: Final = 0.85
"""Share of the earthquakes known about an epicenter in the prior of its depth; the rest is that of the search by arrival times."""


@dataclass(frozen=True)
class KnownDepths:
    """
    Depths of the earthquakes that are known over the region of an epicenter.

    `mean_km`: mean of the maximum depth, with a margin of 50 km. `tabulated` [depths]: density per kilometer at `DENSITY_DEPTHS_KM`.
    """

    mean_km: float
    tabulated: Floats

    def density(self, depths_km: Floats) -> Floats:
        """Compute the prior density [d] of depth per kilometer: that of earthquakes in the region, and in part that of any place."""
        known = np.interp(depths_km, DENSITY_DEPTHS_KM, self.tabulated)
        return KNOWN_SHARE * known + (1.0 - KNOWN_SHARE) * self.density_anywhere(depths_km)

    def density_anywhere(self, depths_km: Floats) -> Floats:
        """Compute the prior density [d] of depth per kilometer as in the search by arrival times: most earthquakes are shallow."""
        shallow = np.exp(-depths_km / DEPTH_SCALE_KM) / DEPTH_SCALE_KM
        deep = np.where(depths_km <= self.mean_km, 1.0 / max(self.mean_km, 1.0), 0.0)
        return np.asarray((1.0 - DEEP_PROBABILITY) * shallow + DEEP_PROBABILITY * deep)


@dataclass(frozen=True)
class DepthDensity:
    """
    Density [d] of the depth at `DEPTHS_KM`, up to a factor, and the seismicity that it begins with.

    Standard deviations of readings below 10 km count as 10 km (`MIN_DEPTH_ERROR_KM`).
    """

    seismicity: KnownDepths
    density: Floats

    @classmethod
    def begin(cls, seismicity: KnownDepths, by_arrivals: DepthEstimate | None) -> Self:
        """
        Begin with the prior and the depth of arrival times, of which the prior remains where they are confused, or with the prior alone.

        That depth is one of a search whose prior is `density_anywhere`, which it is divided by, though nowhere by less than where deep
        earthquakes are known: a depth of which times know nothing would become a deep one.
        """
        prior = seismicity.density(DEPTHS_KM)
        if by_arrivals is None:
            return cls(seismicity, prior)
        searched = np.maximum(seismicity.density_anywhere(DEPTHS_KM), DEEP_PROBABILITY / DEPTHS_KM[-1])
        likelihood = _compute_normal(by_arrivals) / searched
        found = prior * likelihood / float((prior * likelihood).sum() * DEPTH_STEP_KM)
        return cls(seismicity, (1.0 - CONFUSED_PROBABILITY) * found + CONFUSED_PROBABILITY * prior)

    def with_phases(self, phases: DepthPhases) -> Self:
        """Multiply with the likelihood of depth phases."""
        return replace(self, density=self.density * np.exp(phases.log_likelihood - phases.log_likelihood.max()))

    def with_section(self, reading: DepthEstimate) -> Self:
        """
        Multiply with the likelihood of a section's reading.

        Sources above `SHALLOWEST_READ_KM` are read as at that depth; a misread depth is distributed like those of earthquakes.
        """
        deviation_km = max(reading.uncertainty_km, MIN_DEPTH_ERROR_KM)
        apart = (reading.depth_km - np.maximum(DEPTHS_KM, SHALLOWEST_READ_KM)) / deviation_km
        right = np.exp(-0.5 * apart**2) / (np.sqrt(2.0 * np.pi) * deviation_km)
        misread = np.interp(DEPTHS_KM, DEPTHS_OF_MISREADING_KM, MISREAD_AT_DEPTH)
        wrong = float(self.seismicity.density(np.array([reading.depth_km]))[0])
        return replace(self, density=self.density * ((1.0 - misread) * right + misread * wrong))

    def with_inversion(self, log_likelihood: Floats) -> Self:
        """Multiply with the likelihood of a source inversion, its logarithm [d]; misfitted depths are distributed like earthquakes."""
        likelihood = gaussian_filter1d(np.exp(log_likelihood - log_likelihood.max()), INVERSION_ERROR_KM / DEPTH_STEP_KM, mode="nearest")
        likelihood = likelihood / (likelihood.sum() * DEPTH_STEP_KM)
        misfitted = float((likelihood * self.seismicity.density(DEPTHS_KM)).sum() * DEPTH_STEP_KM)
        return replace(self, density=self.density * ((1.0 - MISFITTED_PROBABILITY) * likelihood + MISFITTED_PROBABILITY * misfitted))

    def estimate(self) -> DepthEstimate:
        """
        Estimate the depth: the median, half the width of the interval about it that holds 68 %, and the quantiles that enclose 90 %.

        The error that the velocities above the source cause is added. A small probability of another depth does not widen the half width,
        as it would the standard deviation; the interval of 90 % shows it.
        """
        probability = self.density / self.density.sum()
        below = np.cumsum(probability) - 0.5 * probability
        low, median, high = np.interp((0.5 - 0.5 * CONFIDENCE_90, 0.5, 0.5 + 0.5 * CONFIDENCE_90), below, DEPTHS_KM).tolist()
        apart = np.abs(DEPTHS_KM - median)
        order = np.argsort(apart)
        half_width = float(np.interp(CONFIDENCE, np.cumsum(probability[order]), apart[order]))
        error_low, error, error_high = (VELOCITY_ERROR_KM + VELOCITY_ERROR_FRACTION * depth_km for depth_km in (low, median, high))
        shallow = max(median - float(np.hypot(median - low, DEVIATIONS_90 * error_low)), 0.0)
        deep = median + float(np.hypot(high - median, DEVIATIONS_90 * error_high))
        return DepthEstimate(median, float(np.hypot(half_width, error)), (shallow, deep))

    @property
    def deviation_km(self) -> float:
        """Standard deviation, to which other depths of a small probability add."""
        probability = self.density / self.density.sum()
        return float(np.sqrt((probability * (DEPTHS_KM - (probability * DEPTHS_KM).sum()) ** 2).sum()))


def _compute_normal(estimate: DepthEstimate) -> Floats:
    """Compute the density [d] per kilometer of a normal distribution at `DEPTHS_KM`, cut off at their ends."""
    density = np.exp(-0.5 * ((DEPTHS_KM - estimate.depth_km) / max(estimate.uncertainty_km, MIN_DEPTH_ERROR_KM)) ** 2)
    return np.asarray(density / (density.sum() * DEPTH_STEP_KM))


def find_known_depths(regions: Sequence[EpicenterRegion]) -> KnownDepths:
    """Find at which depths earthquakes are known to occur in the regions of an epicenter."""
    samples = [np.stack(sample_ellipse(region), axis=1) for region in regions]
    weights = np.repeat([region.probability for region in regions], [len(one) for one in samples])
    latitudes, longitudes = np.concatenate(samples).T
    return list_known_depths(unit_vectors(geocentric_latitude_deg(latitudes), longitudes), weights)


def list_known_depths(points: Floats, weights: Floats) -> KnownDepths:
    """List the depths of known earthquakes over unit vectors [m, 3] at geocentric latitudes, with weights [m]."""
    maximum_km = maximum_depth_km(points) + DEPTH_MARGIN_KM
    return KnownDepths(float(np.average(maximum_km, weights=weights)), mean_depth_density(points, weights))


def measure_depth_phases(records: Sequence[Record], gather: Gather, refined: RefinedLocation) -> DepthPhases | None:
    """Look for depth phases after the first arrivals of an accepted solution; None where too few are at distances that have any."""
    location = refined.location
    distances = distance_deg(location.latitude_deg, location.longitude_deg, gather.latitudes_deg, gather.longitudes_deg)
    onsets = find_onsets(refined.arrivals, distances) if len(records) else {}
    return find_depth_phases(records, onsets, distances) if onsets else None


def find_onsets(arrivals: Sequence[Arrival], distances_deg: Floats) -> dict[int, Onset]:
    """Find the first arrival of each trace, by trace index, at the distances [traces] at which depth phases follow it."""
    onsets: dict[int, Onset] = {}
    for arrival in sorted(arrivals, key=lambda one: -one.time_s):  # the earliest of a trace is kept
        family = FAMILIES.get(arrival.phase)
        if family is not None:
            near, far = DISTANCES_DEG[family]
            if near <= distances_deg[arrival.trace_index] <= far:
                onsets[arrival.trace_index] = Onset(arrival.time_s, family)
    return dict(sorted(onsets.items()))
