"""
What a source inversion states: mechanism, depth, epicenter and time with uncertainties, and how much it constrains.

Sources and standard deviations are those of the samples of a tempered posterior, deviations not below a floor. How far they hold on
synthetic events is measured by `python -m training experiment source-inversion`.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.interpolate import CubicSpline

from models.array_types import Floats
from models.seismic.geodesy import KM_PER_DEGREE, azimuthal_gap_deg, geographic, unit_vectors
from models.seismic.location.regions import NORMAL_AXIS, EpicenterRegion
from models.seismic.source.array_layout import CORRELATION, DELAY, LOG_LIKELIHOOD, LOVE, MECHANISM, PLACE, RAYLEIGH, STATE
from models.seismic.source.force_histories import HISTORY_DELAYS_S, HISTORY_WEIGHTS
from models.seismic.source.greens_tables import DEPTHS_KM
from models.seismic.source.inversion import MIN_TRACES, SourceFit
from models.seismic.source.mechanisms import kagan_angles_deg
from models.seismic.source.problem import Kind
from models.seismic.source.waveform_fit import WaveformFit

MIN_AZIMUTH_RANGE_DEG: Final = 40.0  # of the stations, or azimuth and depth trade off
MIN_LOG_LIKELIHOOD: Final = 30.0
"""
Of a source against noise, of which windows reach 9 to 27, and of 42 draws for a force one reached 30. Azimuths of synthetic forces of a log
likelihood of 30 to 50 are right within 20 degrees in 19 of 26 cases with horizontals, above 50 in 40 of 41 (seeds 3408 to 3410, responses
unknown).
"""
MAX_CENTROID_DELAY_S: Final = 15.0
"""
Of a moment tensor after the origin time: half the duration of an earthquake of magnitude 7.6 (Ekstrom, Nettles & Dziewonski 2012,
doi:10.1016/j.pepi.2012.04.002). The source of a greater one is no point at periods from 28 s on, and its depth is not determined.
"""
TEMPERATURE, AZIMUTH_TEMPERATURE = 3.0, 1.5
"""
Of the chain that samples the posterior, so that it passes from mode to mode, and of what is stated; and of azimuths, to which its samples
are weighted. Of 65 forces in whole analyses of synthetic events (responses unknown, verticals; half of the events in Earth models that the
inversion does not have), 71 % of the azimuths are right within 10 degrees at 1.5 and 60 % at 3; 72 % of the epicenters are in the stated
regions at 3, and 60 % at 1.5. Depths are those of the profile, since the chain seldom passes between modes of depth: of 113 moment tensors
74 % are right within 10 km (67 % by the samples) and none is off by more than 60 km (5).
"""
SIGN_TEMPERATURE: Final = 5.0
"""
Of the probability of a force's sign. Of 79 synthetic forces of known responses (seeds 3408 to 3410) with a probability above 0.9 at this
temperature 77 have the right sign.
"""
AZIMUTH_FLOOR_DEG, PLACE_FLOOR_KM, DEPTH_FLOOR_KM, DEPTH_FLOOR, TIME_FLOOR_S = 3.0, 15.0, 6.0, 0.02, 2.0
AZIMUTH_FACTOR: Final = 0.85
"""
On the deviation of a force azimuth. The conformal 68 % quantiles of errors over deviations of synthetic forces of the seeds 3408 to 3410
are 0.83 (n = 55) and, with Love waves, 0.77 (n = 56) where responses are known, 0.88 (n = 55) and 0.72 (n = 60) where they are not.
"""
TIME_FACTORS: Final[Mapping[bool, float]] = {True: 1.8, False: 2.2}
UNKNOWN_PHASE_S: Final = 10.0
"""
Factors on the deviation of the origin time, by whether responses are known, and deviation that is added for forces where they are not: the
phase of an unknown instrument is taken for that of a seismometer, and the opposite force fits as well some seconds apart. Errors over
deviations without either have 68 % quantiles of 1.3 to 2.1 (n = 13 to 17, seed 3409) where responses are known; where they are not, 77 %
of 91 origin times of synthetic forces are within the stated deviation.
"""
PLACE_FACTORS: Final[Mapping[Kind, tuple[float, float]]] = {"tensor": (1.5, 1.2), "force": (1.35, 1.0)}
"""
On the deviations of the epicenter, without and with Love waves. Likewise 1.1 and 1.2 (n = 15 and 16), and in unknown Earth models 1.3 and
1.9 (n = 51 and 11), of tensors without Love waves, and 1.15 (n = 14 and 17) with them; of forces 1.1 to 1.3 (n = 13 and 14), and in unknown
Earth models 1.4 (n = 91), without, and 0.9 (n = 13 and 14) with them. Unknown Earth models are those of `training experiment
unseen-earths`, seeds 2 and 5 to 7.
"""
MAX_PROFILE_DROP: Final = 80.0  # of the log likelihood of a depth below that of the best one: what fits worse is left as bad
MIN_SHARE: Final = 1e-3  # of the largest weight of a mechanism: what is less likely is left out
UNIFORM_DEVIATION_DEG: Final = 180.0 / 12.0**0.5
"""Standard deviation of an azimuth modulo 180 degrees of which nothing is known."""
MAX_MECHANISM_DEG: Final = 60.0
"""
Largest rotation that a mechanism which is stated may be uncertain by: between two random ones it is 75 degrees in the median.

Of 121 synthetic earthquakes of unknown response, 69 of them through a crust that the inversion does not have, 68 % of the mechanisms are
within the stated angle. Of the 58 that are then stated 38 are within 30 degrees, of the 63 others 18 (`docs/history/training_log.md`).
"""
MIN_USED_CORRELATION: Final = 0.3
MIN_AMPLITUDE_CORRELATION: Final = 0.5  # a poorly fitted record states too small an amplitude
AMPLITUDE_DEVIATION: Final = 0.15  # least standard deviation of a station's common logarithm: focusing along its path
COMMON_AMPLITUDE_DEVIATION: Final = 0.1  # of what all stations share: the Earth model near the source, and the depth


@dataclass(frozen=True)
class TraceFit:
    """Fit of one record; shift, correlation and amplitude by its Rayleigh waves, the rest in `waveform`."""

    trace_index: int
    waveform: WaveformFit

    @property
    def shift_s(self) -> float:
        """Shift of the observed Rayleigh waves after the synthetic ones, in seconds."""
        return self.waveform.rayleigh.shift_s

    @property
    def correlation(self) -> float:
        """Correlation of the Rayleigh waves."""
        return self.waveform.rayleigh.correlation


@dataclass(frozen=True)
class SourceAmplitude:
    """
    Size of a source by the records whose response is known.

    `value`: scalar moment in N m, or product of mass and distance of a force in kg m; `log10_deviation`: standard error of its common
    logarithm, by the scatter over `traces` and what they share.
    """

    value: float
    log10_deviation: float
    traces: int

    @property
    def moment_magnitude(self) -> float:
        """Moment magnitude of a scalar moment (Kanamori 1977, as in IASPEI 2013)."""
        return float((np.log10(self.value) - 9.1) / 1.5)


@dataclass(frozen=True)
class SourceSolution:
    """
    The source that fits the waveforms best, of one kind.

    `region` of the epicenter with the location before as prior. `tensor` [6] of scalar moment 1 (rr, tt, pp, rt, rp, tp; r up, t south, p
    east) with `depth_km`, or else `force_azimuth_deg` with the probability of its sign (None of unknown responses) and `history` by index.
    `depth_profile` [depths]: log likelihood at each of `DEPTHS_KM`, empty of a force; `azimuth_profile` at each of
    `PROFILE_AZIMUTHS_DEG`, empty of a tensor. `mechanism_uncertainty_deg`: rotation of the double couple that holds the true one with 68 %;
    None of a force. `amplitude`: None where no response of the traces is known. `constrains`: whether traces,
    azimuths and likelihood suffice to state anything, and the source is short. `centroid_delay_s`: of the source after the located origin
    time, less two standard deviations of that time. `response_known`: whether the responses of most instruments are. `log_explosion`: log
    likelihood ratio of explosions and collapses at the surface against double couples; None of a force, or where few records fit any
    source.
    """

    kind: Kind
    log_likelihood: float
    variance_reduction: float
    region: EpicenterRegion
    time_s: float
    time_uncertainty_s: float
    tensor: Floats | None
    depth_km: float
    depth_uncertainty_km: float
    depth_profile: Floats
    mechanism_uncertainty_deg: float | None
    force_azimuth_deg: float | None
    force_azimuth_uncertainty_deg: float | None
    sign_probability: float | None
    history: int | None
    azimuthal_gap_deg: float
    traces: tuple[TraceFit, ...]
    azimuth_profile: Floats
    centroid_delay_s: float = 0.0
    response_known: bool = True
    amplitude: SourceAmplitude | None = None
    log_explosion: float | None = None

    @property
    def duration_s(self) -> float | None:
        """Duration of the force's history in seconds; None of a tensor."""
        return None if self.history is None else float(HISTORY_DELAYS_S[self.history].max())

    @property
    def states_mechanism(self) -> bool:
        """Whether the waveforms hold the mechanism of a moment tensor."""
        return self.mechanism_uncertainty_deg is not None and self.mechanism_uncertainty_deg <= MAX_MECHANISM_DEG

    @property
    def constrains(self) -> bool:
        """Whether the inversion has traces, azimuths and likelihood enough to state anything, and a source short enough to be a point."""
        spread = 360.0 - self.azimuthal_gap_deg > MIN_AZIMUTH_RANGE_DEG
        short = self.kind == "force" or self.centroid_delay_s <= MAX_CENTROID_DELAY_S
        return short and spread and len(self.traces) >= MIN_TRACES and self.log_likelihood >= MIN_LOG_LIKELIHOOD

    def depth_log_likelihood(self, depths_km: Floats) -> Floats:
        """
        Evaluate the log likelihood of a moment tensor at depths [d], tempered, by `depth_profile`.

        With a deviation of 10 km the mean log score of the true depths of synthetic earthquakes of unknown response is -3.7, that of a
        normal distribution about the median -4.2 (n = 88, seeds 3408 and 3409).
        """
        return interpolate_profile(self.depth_profile, depths_km)


def describe_fit(fit: SourceFit, *, response_known: bool = True) -> SourceSolution:
    """
    Describe a fit: its posterior summarized, calibrated, with the fit of each trace.

    `response_known`: whether the responses of most instruments are; the phase of the others is only assumed.
    """
    is_force = fit.kind == "force"
    used = fit.fits[:, RAYLEIGH, CORRELATION] > MIN_USED_CORRELATION
    azimuth, azimuth_deviation = _summarize_azimuth(fit) if is_force else (None, None)
    profile = fit.by_depth[:, LOG_LIKELIHOOD]
    depth, deviation = (0.0, 0.0) if is_force else _summarize_depth(profile)
    time_deviation_s = TIME_FACTORS[response_known] * max(float(fit.samples[:, DELAY].std()), TIME_FLOOR_S)
    return SourceSolution(
        kind=fit.kind,
        log_likelihood=fit.log_likelihood,
        variance_reduction=_variance_reduction(fit),
        region=_summarize_place(fit),
        time_s=fit.time_s + float(fit.best[DELAY]),
        time_uncertainty_s=float(np.hypot(time_deviation_s, UNKNOWN_PHASE_S)) if is_force and not response_known else time_deviation_s,
        tensor=None if is_force else fit.best[MECHANISM],
        depth_km=depth,
        depth_uncertainty_km=deviation,
        depth_profile=profile,
        mechanism_uncertainty_deg=None if is_force else _spread_mechanisms(fit),
        force_azimuth_deg=azimuth,
        force_azimuth_uncertainty_deg=azimuth_deviation,
        sign_probability=_sign_probability(fit) if response_known else None,
        history=int(fit.best[STATE]) if is_force else None,
        azimuthal_gap_deg=azimuthal_gap_deg(fit.azimuths_deg[used]),
        traces=tuple(TraceFit(int(fit.traces[row]), fit.waveforms[row]) for row in np.flatnonzero(used)),
        azimuth_profile=fit.azimuth_profile,
        response_known=response_known,
        log_explosion=fit.log_explosion if used.sum() >= MIN_TRACES else None,
    )


def interpolate_profile(profile: Floats, depths_km: Floats) -> Floats:
    """Interpolate a profile of log likelihoods at depths [d] by a cubic spline, tempered; constant beyond the tabulated depths."""
    tabulated, bounded = np.array(DEPTHS_KM, np.float64), np.maximum(profile, profile.max() - MAX_PROFILE_DROP)
    spline = CubicSpline(tabulated, bounded, bc_type="natural")
    return np.asarray(spline(np.clip(depths_km, tabulated[0], tabulated[-1])) / TEMPERATURE)


def has_love_waves(fit: SourceFit) -> bool:
    """Whether the Love waves of three records and more fit."""
    return int((fit.fits[:, LOVE, CORRELATION] > MIN_USED_CORRELATION).sum()) >= MIN_TRACES


def measure_amplitude(source: SourceSolution, with_response: Collection[int]) -> SourceAmplitude | None:
    """
    Measure scalar moment, or mass times distance of a force, by the Rayleigh waves of traces with a known response; None without any.

    The product of mass and distance is the force integrated twice over time: the impulse of a lobe times the delay of the second lobe after
    the first (as in the catalogs of glacial earthquakes, doi:10.1029/2006JF000596).
    """
    fits = [trace.waveform.rayleigh for trace in source.traces if trace.trace_index in with_response]
    sizes = np.array([fit.amplitude for fit in fits if fit.amplitude > 0.0 and fit.correlation >= MIN_AMPLITUDE_CORRELATION])
    if not len(sizes):
        return None
    if source.history is not None:
        sizes = sizes * abs(float(HISTORY_DELAYS_S[source.history] @ HISTORY_WEIGHTS[source.history]))
    logs = np.log10(sizes)
    deviation = max(float(1.4826 * np.median(np.abs(logs - np.median(logs)))), AMPLITUDE_DEVIATION)
    standard_error = float(np.hypot(deviation / np.sqrt(len(logs)), COMMON_AMPLITUDE_DEVIATION))
    return SourceAmplitude(float(10.0 ** np.median(logs)), standard_error, len(logs))


def weigh_samples(log_likelihoods: Floats) -> Floats:
    """Weigh samples of a chain [m], whose temperature is lowered to that of azimuths; weights sum to 1."""
    weights = np.exp((log_likelihoods - log_likelihoods.max()) * (1.0 / AZIMUTH_TEMPERATURE - 1.0 / TEMPERATURE))
    return np.asarray(weights / weights.sum())


def _sign_probability(fit: SourceFit) -> float | None:
    """Probability of the sign of a force against the best opposite one; None of a tensor."""
    return None if fit.log_opposite is None else float(1.0 / (1.0 + np.exp(-(fit.log_likelihood - fit.log_opposite) / SIGN_TEMPERATURE)))


def _summarize_depth(profile: Floats) -> tuple[float, float]:
    """Median depth by a profile, and half the width of the interval that holds 68 %, both in km."""
    depths = np.arange(0.5, DEPTHS_KM[-1] + 1.0)
    log_likelihood = interpolate_profile(profile, depths)
    cumulative = np.cumsum(np.exp(log_likelihood - log_likelihood.max()))
    low, depth, high = depths[np.searchsorted(cumulative / cumulative[-1], (0.16, 0.5, 0.84))].tolist()
    return depth, max(0.5 * (high - low), DEPTH_FLOOR_KM, DEPTH_FLOOR * depth)


def _spread_mechanisms(fit: SourceFit) -> float:
    """
    Rotation in degrees about the best mechanism that holds 68 % of the others.

    A depth has its share of the profile; its mechanisms are those of the samples at it or, without any, the best one there.
    """
    profile = fit.by_depth[:, LOG_LIKELIHOOD]
    shares = np.gradient(np.array(DEPTHS_KM, np.float64)) * np.exp((profile - profile.max()) / TEMPERATURE)
    rows = np.concatenate((fit.samples, fit.by_depth[~np.isin(np.arange(len(profile)), fit.samples[:, STATE])]))
    states = rows[:, STATE].astype(np.int64)
    weights = (shares / np.maximum(np.bincount(states, minlength=len(shares)), 1))[states]
    likely = weights > MIN_SHARE * weights.max()
    angles_deg = kagan_angles_deg(fit.best[MECHANISM], rows[likely, MECHANISM])
    order = np.argsort(angles_deg)
    cumulative = np.cumsum(weights[likely][order])
    return float(angles_deg[order][np.searchsorted(cumulative, 0.68 * cumulative[-1])])


def _summarize_azimuth(fit: SourceFit) -> tuple[float, float]:
    """Mean azimuth of the samples of a force (modulo 180 degrees, of the sign of the best), and its calibrated standard deviation."""
    _, north, east = fit.samples[:, MECHANISM].T
    mean = weigh_samples(fit.samples[:, LOG_LIKELIHOOD]) @ np.exp(2j * np.arctan2(east, north))
    azimuth = 0.5 * float(np.angle(mean))
    _, best_north, best_east = fit.best[MECHANISM]
    if np.cos(azimuth) * best_north + np.sin(azimuth) * best_east < 0.0:
        azimuth += np.pi
    spread = max(float(np.degrees(0.5 * np.sqrt(-2.0 * np.log(np.clip(np.abs(mean), 1e-6, 1.0))))), AZIMUTH_FLOOR_DEG)
    return float(np.degrees(azimuth) % 360.0), float(np.clip(AZIMUTH_FACTOR * spread, AZIMUTH_FLOOR_DEG, UNIFORM_DEVIATION_DEG))


def _summarize_place(fit: SourceFit) -> EpicenterRegion:
    """Region of the epicenter by the covariance of the samples about their mean."""
    points = unit_vectors(*np.degrees(fit.samples[:, PLACE].T))
    mean = points.mean(axis=0) / np.linalg.norm(points.mean(axis=0))
    east = np.array((-mean[1], mean[0], 0.0)) / max(float(np.hypot(mean[0], mean[1])), 1e-12)
    offsets = np.degrees(points @ np.stack((east, np.cross(mean, east)), axis=1)) * KM_PER_DEGREE
    variances, axes = np.linalg.eigh(offsets.T @ offsets / len(offsets))
    minor, major = (PLACE_FACTORS[fit.kind][has_love_waves(fit)] * np.maximum(np.sqrt(np.maximum(variances, 0.0)), PLACE_FLOOR_KM)).tolist()
    azimuth = float(np.degrees(np.arctan2(axes[0, 1], axes[1, 1])) % 180.0)
    radius = NORMAL_AXIS * float(np.sqrt((minor**2 + major**2) / 2.0))
    return EpicenterRegion(*geographic(mean), NORMAL_AXIS * major, NORMAL_AXIS * minor, azimuth, radius, 1.0)


def _variance_reduction(fit: SourceFit) -> float:
    """Part of the energy of the windows that is explained at their best gains: the weighted mean of squared correlations."""
    return float(np.average(fit.fits[..., CORRELATION] ** 2, weights=np.maximum(fit.weights, 1e-12)))
