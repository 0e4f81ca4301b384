"""
Back azimuths of single stations with three components, from the polarization of P and Rayleigh waves.

P from below moves a station up and away from the source, or down and towards it; Rayleigh waves move it in a retrograde ellipse
(Jurkevics 1988, doi:10.1785/BSSA0780051725; Baker & Stevens 2004, doi:10.1029/2004GL019510). So the horizontal motion in a window is a
multiple of a reference (minus the vertical, or the vertical delayed by a quarter period) in the direction of propagation, plus
noise. The likelihood of each direction follows from the residual energy, at the amplitude and noise level that fit this direction best.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy.fft

from models.array_types import Floats, Integers
from models.compiled import compiled_sums
from models.parallel import thread_map
from models.seismic.earth.travel_time_errors import SHARED_PATH_DEG, effective_neighbor_count
from models.seismic.geodesy import geocentric_latitude_deg, unit_vectors
from models.seismic.location.regions import CONFIDENCE
from models.seismic.signal.characteristic_function import decimate_by_mean
from models.seismic.signal.filters import FrequencyBand, bandpass_quadrature
from models.seismic.signal.picker import BANDS_HZ, MAX_RATE_HZ, MIN_STRENGTH, USABLE_RATE_FRACTION, Picks
from models.seismic.signal.rayleigh_envelope import MIN_PEAK_RATIO
from models.seismic.signal.rotation import rotate_to_north_east
from models.seismic.waveforms import Record

STEP_DEG: Final = 5.0
BINS: Final = round(360.0 / STEP_DEG)
BACK_AZIMUTHS: Final[Floats] = np.radians(STEP_DEG * np.arange(BINS))
P_DEVIATION_DEG: Final = 8.0  # of waves from the great circle, one standard deviation: structure beneath the station
RAYLEIGH_DEVIATION_DEG: Final = 12.0
OUTLIER_PROBABILITY: Final = 0.2  # that the polarization is of another wave or distorted
MIN_P_RATIO, MAX_P_RATIO = 0.03, 1.2  # horizontal over vertical amplitude: of P from below; S moves flatter
MIN_RAYLEIGH_RATIO, MAX_RAYLEIGH_RATIO = 0.3, 1.3  # of Rayleigh waves; Love waves move flatter
CYCLES: Final = 6.0  # length of a window times its bandwidth
FIRST_ARRIVAL_FRACTION: Final = 0.7  # of the strongest pick's strength: the first pick as strong is taken for P
SIMULTANEOUS_DEVIATIONS: Final = 3.0  # standard deviations within which picks of several bands are one arrival
RAYLEIGH_BAND: Final = FrequencyBand(1.0 / 40.0, 1.0 / 15.0)
RAYLEIGH_RATE_HZ: Final = 0.5
MIN_PEAK_LLR: Final = 1.0  # log-likelihood ratio of the most likely back azimuth; stations below it are left out
MAX_COHERENCE: Final = 0.9999
WHITE_FACTOR: Final = 1.5
"""By which the product of bandwidth and length of white noise on two components exceeds that of its summed periodograms."""


@dataclass(frozen=True)
class BackAzimuthLikelihoods:
    """
    Log-likelihood ratios of the back azimuth at n stations.

    `trace_indices` [n]: the stations' records. `stations` [n, 3]: geocentric unit vectors. `llr_by_azimuth` [n, BINS]: log-likelihood
    ratio of each back azimuth (steps of 5 degrees clockwise from north) against a uniform one.
    """

    trace_indices: Integers
    stations: Floats
    llr_by_azimuth: Floats

    def back_azimuths_deg(self) -> tuple[Floats, Floats]:
        """Return the most likely back azimuths [n], clockwise from north, and half the widths [n] of 68 % confidence sets, in degrees."""
        likelihood = np.exp(self.llr_by_azimuth)
        ranked = np.cumsum(-np.sort(-likelihood / likelihood.sum(axis=1, keepdims=True), axis=1), axis=1)
        widths = np.array([np.interp(CONFIDENCE, cumulative, np.arange(1, BINS + 1)) for cumulative in ranked])
        return np.asarray(STEP_DEG * np.argmax(self.llr_by_azimuth, axis=1), np.float64), 0.5 * STEP_DEG * widths

    def log_likelihood(self, nodes: Floats) -> Floats:
        """
        Evaluate the log-likelihood ratio [m] of sources at geocentric unit vectors [m, 3] against unknown back azimuths.

        Waves at neighboring stations leave the great circle together, so the sum over k neighbors is divided by the root of k.
        """
        interstation_deg = np.degrees(np.arccos(np.clip(self.stations @ self.stations.T, -1.0, 1.0)))
        weights = effective_neighbor_count(interstation_deg, SHARED_PATH_DEG) ** -0.5
        return sum_back_azimuth_llr(np.ascontiguousarray(nodes), self.stations, self.llr_by_azimuth * weights[:, None])


def measure_back_azimuths(records: Sequence[Record], picks: Sequence[Picks]) -> BackAzimuthLikelihoods | None:
    """
    Measure the back azimuths of the records that have coordinates and horizontals, each with its picks.

    Stations whose polarization singles out no back azimuth are left out; None where none is left.
    """
    tables = thread_map(_station_llr, list(zip(records, picks, strict=True)))
    measured = [(index, llr) for index, llr in enumerate(tables) if llr is not None]
    if not measured:
        return None
    indices = np.array([index for index, _ in measured], np.int64)
    coordinates = np.array([(records[index].latitude_deg, records[index].longitude_deg) for index in indices], np.float64)
    stations = unit_vectors(geocentric_latitude_deg(coordinates[:, 0]), coordinates[:, 1])
    return BackAzimuthLikelihoods(indices, stations, np.stack([llr for _, llr in measured]))


def _station_llr(station: tuple[Record, Picks]) -> Floats | None:
    """Log-likelihood ratio [BINS] of one station's back azimuth; None where no direction is significant."""
    record, picks = station
    if record.latitude_deg is None or record.longitude_deg is None:
        return None
    horizontal = rotate_to_north_east(record.horizontals)
    if horizontal is None:
        return None
    motion = np.concatenate((record.samples[None], horizontal)).astype(np.float64)
    total = _p_wave_llr(record, picks, motion) + _rayleigh_wave_llr(record, motion)
    return total if total.max() >= MIN_PEAK_LLR else None


def _p_wave_llr(record: Record, picks: Picks, motion: Floats) -> Floats:
    """Log-likelihood ratio [BINS] by the motion [3, samples] (Z, N, E) after the first strong pick."""
    if picks.horizontal.all():
        return np.zeros(BINS)
    pick = _first_strong_pick(picks)
    step = max(1, int(record.sampling_rate_hz // MAX_RATE_HZ))
    rate_hz = record.sampling_rate_hz / step
    low_hz, high_hz = BANDS_HZ[int(picks.bands[pick])]
    high_hz = min(high_hz, USABLE_RATE_FRACTION * rate_hz)
    length = round(CYCLES / (high_hz - low_hz) * rate_hz)
    begin = max(int((picks.times_s[pick] - picks.start_s) * rate_hz), 0)
    filtered, _ = _filter_motion(motion, step, rate_hz, FrequencyBand(low_hz, high_hz))
    window = filtered[:, begin : begin + length]
    p_wave_probability = float(np.clip(0.2 + 0.2 * (picks.strengths[pick] - MIN_STRENGTH), 0.2, 1.0))
    cycles = CYCLES * window.shape[1] / length
    return _back_azimuth_llr(-window[0], window[1:], cycles, (MIN_P_RATIO, MAX_P_RATIO), P_DEVIATION_DEG, p_wave_probability)


def _first_strong_pick(picks: Picks) -> int:
    """Index of the first pick nearly as strong as the strongest; of simultaneous ones in several bands the strongest."""
    strengths = np.where(picks.horizontal, 0.0, picks.strengths)
    strong = np.flatnonzero(strengths >= FIRST_ARRIVAL_FRACTION * strengths.max())
    first = strong[int(np.argmin(picks.times_s[strong]))]
    delays = picks.times_s[strong] - picks.times_s[first]
    tolerance = SIMULTANEOUS_DEVIATIONS * np.maximum(picks.uncertainties_s[strong], picks.uncertainties_s[first])
    simultaneous = strong[delays <= tolerance]
    return int(simultaneous[int(np.argmax(strengths[simultaneous]))])


def _rayleigh_wave_llr(record: Record, motion: Floats) -> Floats:
    """Log-likelihood ratio [BINS] by the motion [3, samples] (Z, N, E) around the largest long-period amplitude of the vertical."""
    step = max(1, int(record.sampling_rate_hz // RAYLEIGH_RATE_HZ))
    rate_hz = record.sampling_rate_hz / step
    half = round(0.5 * CYCLES / (RAYLEIGH_BAND.high_hz - RAYLEIGH_BAND.low_hz) * rate_hz)
    if rate_hz * USABLE_RATE_FRACTION < RAYLEIGH_BAND.high_hz or motion.shape[1] // step < 8 * half:
        return np.zeros(BINS)
    filtered, delayed = _filter_motion(motion, step, rate_hz, RAYLEIGH_BAND)
    envelope = np.hypot(filtered[0], delayed[0])
    top = int(np.argmax(envelope))
    height = float(envelope[top] / max(float(np.median(envelope)), 1e-300))
    if height < MIN_PEAK_RATIO:
        return np.zeros(BINS)
    window = slice(max(top - half, 0), min(top + half, len(envelope)))
    rayleigh_probability = float(np.clip(0.3 + 0.6 * np.log(height / MIN_PEAK_RATIO), 0.3, 1.0))
    ratios = (MIN_RAYLEIGH_RATIO, MAX_RAYLEIGH_RATIO)
    cycles = CYCLES * (window.stop - window.start) / (2 * half)
    return _back_azimuth_llr(delayed[0, window], filtered[1:, window], cycles, ratios, RAYLEIGH_DEVIATION_DEG, rayleigh_probability)


def count_cycles(motion: Floats) -> float:
    """
    Count the independent cycles of motion on two components [2, n]: its length times its bandwidth, infinite for no motion.

    The bandwidth is `(sum P)² / sum P²`, P being the summed periodograms.
    """
    power = (np.abs(scipy.fft.rfft(motion, 4 * motion.shape[1], axis=1)) ** 2).sum(axis=0)
    total = float((power**2).sum())
    return WHITE_FACTOR * 0.25 * float(power.sum()) ** 2 / total if total > 0.0 else np.inf


def _filter_motion(motion: Floats, step: int, rate_hz: float, band: FrequencyBand) -> tuple[Floats, Floats]:
    """Decimate and band-pass components [3, samples], gaps being zero; also delayed by a quarter period."""
    samples = np.stack([decimate_by_mean(np.nan_to_num(component), step) for component in motion])
    samples -= samples.mean(axis=1, keepdims=True)
    return bandpass_quadrature(samples, rate_hz, band)


def _back_azimuth_llr(
    reference: Floats, horizontal: Floats, cycles: float, ratios: tuple[float, float], deviation_deg: float, wave_probability: float
) -> Floats:
    """
    Log-likelihood ratio [BINS] of back azimuths, of which horizontal motion is a multiple of the reference, plus noise.

    Concentrated over amplitude and noise level, the likelihood is `(1 - c cos²(a - a0))^-n` for back azimuths a within 90 degrees of a0,
    that of the regression, c being the squared correlation and n the number of cycles, which is at most that of the residual: where
    records were band-passed before, Love waves that overlap Rayleigh waves leave a residual of few cycles. It is blurred by lateral
    refraction and mixed with a uniform distribution. Zero for all azimuths where the amplitude ratio is not that of the wave.

    Parameters
    ----------
    reference, horizontal : [n], [2, n]
        Motion in a window: the vertical as it would be on the horizontal towards the source, and the components N, E.
    cycles : float
        Length of the window times its bandwidth.
    ratios : (float, float)
        Bounds of the horizontal amplitude over that of the reference.
    deviation_deg : float
        Standard deviation of back azimuths from the great circle.
    wave_probability : float
        That the window holds the wave.

    """
    power, total = float(reference @ reference), float((horizontal**2).sum())
    if power <= 0.0 or total <= 0.0:
        return np.zeros(BINS)
    north, east = horizontal @ reference
    size = float(np.hypot(north, east))
    if not ratios[0] <= size / power <= ratios[1]:
        return np.zeros(BINS)
    coherence = min(size**2 / (power * total), MAX_COHERENCE)
    projection = np.maximum(np.cos(BACK_AZIMUTHS - np.arctan2(east, north)), 0.0)
    residual = horizontal - np.outer((north, east), reference) / power
    log_likelihood = -min(cycles, count_cycles(residual)) * np.log(1.0 - coherence * projection**2)
    blur = np.exp(-0.5 * (np.arange(BINS // 2 + 1) * np.radians(deviation_deg)) ** 2)  # spectrum of a wrapped normal distribution
    likelihood = scipy.fft.irfft(scipy.fft.rfft(np.exp(log_likelihood - log_likelihood.max())) * blur, BINS)
    likelihood = np.maximum(likelihood, 0.0) / max(float(likelihood.mean()), 1e-300)
    probability = wave_probability * (1.0 - OUTLIER_PROBABILITY)
    return np.asarray(np.log(1.0 - probability + probability * likelihood))


@compiled_sums
def sum_back_azimuth_llr(nodes: Floats, stations: Floats, tables: Floats) -> Floats:
    """
    Sum log-likelihood ratios [m] over stations [n, 3] at their back azimuths to nodes [m, 3].

    `tables` [n, bins] over equal steps of back azimuth clockwise from north are interpolated linearly.
    """
    bins = tables.shape[1]
    result = np.zeros(len(nodes))
    for i in range(len(stations)):
        x, y, z = stations[i]
        flat = max(np.sqrt(x * x + y * y), 1e-12)
        for m in range(len(nodes)):
            east = (x * nodes[m, 1] - y * nodes[m, 0]) / flat
            north = (nodes[m, 2] * (x * x + y * y) - z * (x * nodes[m, 0] + y * nodes[m, 1])) / flat
            at = (np.arctan2(east, north) / (2.0 * np.pi) + 1.0) * bins
            low = int(at)
            fraction = at - low
            result[m] += (1.0 - fraction) * tables[i, low % bins] + fraction * tables[i, (low + 1) % bins]
    return result
