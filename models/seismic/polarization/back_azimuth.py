"""
Where waves come from, as the motion of single stations with three components tells.

P waves from below push a station up and away from their source, or pull it down and towards it; Rayleigh waves turn it backward,
a quarter period after the vertical (Jurkevics 1988, doi:10.1785/BSSA0780051725; Baker & Stevens 2004, doi:10.1029/2004GL019510).
So the horizontal motion in a window is a multiple of a vertical one, in one direction, and noise. How likely every direction is
follows from how much of the motion is left over (a concentrated likelihood); a window that shows nothing says nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from models.array_types import Floats
from models.compiled import compiled_sums
from models.parallel import thread_map
from models.seismic.earth.travel_time_errors import SHARED_PATH_DEG
from models.seismic.geodesy import geocentric_latitude_deg, unit_vectors
from models.seismic.io.horizontals import rotate_to_north_east
from models.seismic.location.regions import CONFIDENCE
from models.seismic.signal.characteristic_function import decimate_by_mean
from models.seismic.signal.filters import cosine_bandpass_gain
from models.seismic.signal.picker import BANDS_HZ, MAX_RATE_HZ, MIN_STRENGTH, NYQUIST_SHARE, Picks
from models.seismic.signal.rayleigh_envelope import MIN_RATIO
from models.seismic.waveforms import Record

STEP_DEG: Final = 5.0
BINS: Final = round(360.0 / STEP_DEG)
DIRECTIONS: Final[Floats] = np.radians(STEP_DEG * np.arange(BINS))
BENT_P_DEG: Final = 8.0  # by which waves leave the great circle, one deviation: structure beneath the station
BENT_RAYLEIGH_DEG: Final = 12.0
OUTLIER_PROBABILITY: Final = 0.2  # how often a station points elsewhere, or the window holds another wave
MIN_P_RATIO, MAX_P_RATIO = 0.03, 1.2  # horizontal over vertical: of P from below, before S, whose motion is flatter
MIN_RAYLEIGH_RATIO, MAX_RAYLEIGH_RATIO = 0.3, 1.3  # of Rayleigh waves; Love waves are wider
CYCLES: Final = 6.0  # of a window's length times its bandwidth
EARLIER: Final = 0.7  # of the strongest onset's strength: the first of these is taken for P
ONE_INSTANT: Final = 3.0  # deviations within which onsets of several bands are one
RAYLEIGH_HZ: Final = (1.0 / 40.0, 1.0 / 15.0)
RAYLEIGH_RATE_HZ: Final = 0.5
MIN_PEAK_LLR: Final = 1.0  # logarithm by which the likeliest direction stands out, for a station to be heard at all


@dataclass(frozen=True)
class BackAzimuthLikelihoods:
    """
    What n stations say.

    `rows` [n] are their numbers, `stations` [n, 3] geocentric unit vectors, `tables` [n, BINS] how much likelier each back azimuth is
    than any, a logarithm.
    """

    rows: NDArray[np.int64]
    stations: Floats
    tables: Floats

    def back_azimuths_deg(self) -> tuple[Floats, Floats]:
        """The likeliest [n], clockwise from north, and half the width [n] of what holds 68 %."""
        shares = np.exp(self.tables)
        ranked = np.cumsum(-np.sort(-shares / shares.sum(axis=1, keepdims=True), axis=1), axis=1)
        held = np.array([np.interp(CONFIDENCE, row, np.arange(1, BINS + 1)) for row in ranked])
        return np.asarray(STEP_DEG * np.argmax(self.tables, axis=1), np.float64), 0.5 * STEP_DEG * held

    def log_likelihood(self, nodes: Floats) -> Floats:
        """Logarithm of how much likelier [m] the motions are from sources at geocentric unit vectors [m, 3] than from anywhere."""
        nearness = np.degrees(np.arccos(np.clip(self.stations @ self.stations.T, -1.0, 1.0))) / SHARED_PATH_DEG
        # Neighbors say together what the root of their number would: their waves leave the great circle together.
        weights = np.exp(-0.5 * nearness**2).sum(axis=1) ** -0.5
        return _summed(np.ascontiguousarray(nodes), self.stations, self.tables * weights[:, None])


def measure_back_azimuths(records: Sequence[Record], picks: Sequence[Picks]) -> BackAzimuthLikelihoods | None:
    """What the records that have horizontals and a place say, each with its onsets; None where none says anything."""
    tables = thread_map(_table, list(zip(records, picks, strict=True)))
    told = [(row, table) for row, table in enumerate(tables) if table is not None]
    if not told:
        return None
    rows = np.array([row for row, _ in told], np.int64)
    places = np.array([(records[row].latitude_deg, records[row].longitude_deg) for row in rows], np.float64)
    stations = unit_vectors(geocentric_latitude_deg(places[:, 0]), places[:, 1])
    return BackAzimuthLikelihoods(rows, stations, np.stack([table for _, table in told]))


def _table(station: tuple[Record, Picks]) -> Floats | None:
    """Logarithm [BINS] for one station; None where it says nothing."""
    record, picked = station
    if record.latitude_deg is None or record.longitude_deg is None:
        return None
    horizontal = rotate_to_north_east(record.horizontals)
    if horizontal is None:
        return None
    motion = np.concatenate((record.samples[None], horizontal)).astype(np.float64)
    total = _of_onset(record, picked, motion) + _of_rayleigh(record, motion)
    return total if total.max() >= MIN_PEAK_LLR else None


def _of_onset(record: Record, picked: Picks, motion: Floats) -> Floats:
    """By the motion after what may be the first arrival."""
    if picked.horizontal.all():
        return np.zeros(BINS)
    row = _first_strong(picked)
    step = max(1, int(record.sampling_rate_hz // MAX_RATE_HZ))
    rate_hz = record.sampling_rate_hz / step
    low_hz, high_hz = BANDS_HZ[int(picked.bands[row])]
    high_hz = min(high_hz, NYQUIST_SHARE * rate_hz)
    length = round(CYCLES / (high_hz - low_hz) * rate_hz)
    begin = max(int((picked.times_s[row] - picked.start_s) * rate_hz), 0)
    around = _filtered(motion, step, rate_hz, (low_hz, high_hz))[0]
    window = around[:, begin : begin + length]
    seen = float(np.clip(0.2 + 0.2 * (picked.strengths[row] - MIN_STRENGTH), 0.2, 1.0))
    return _told(-window[0], window[1:], CYCLES * window.shape[1] / length, (MIN_P_RATIO, MAX_P_RATIO), BENT_P_DEG, seen)


def _first_strong(picked: Picks) -> int:
    """The first of the onsets that are nearly as strong as the strongest; of several bands' at that instant the strongest."""
    strengths = np.where(picked.horizontal, 0.0, picked.strengths)
    strong = np.flatnonzero(strengths >= EARLIER * strengths.max())
    first = strong[int(np.argmin(picked.times_s[strong]))]
    late = picked.times_s[strong] - picked.times_s[first]
    same = strong[late <= ONE_INSTANT * np.maximum(picked.uncertainties_s[strong], picked.uncertainties_s[first])]
    return int(same[int(np.argmax(strengths[same]))])


def _of_rayleigh(record: Record, motion: Floats) -> Floats:
    """By the motion where the vertical is largest at long periods."""
    step = max(1, int(record.sampling_rate_hz // RAYLEIGH_RATE_HZ))
    rate_hz = record.sampling_rate_hz / step
    half = round(0.5 * CYCLES / (RAYLEIGH_HZ[1] - RAYLEIGH_HZ[0]) * rate_hz)
    if rate_hz * NYQUIST_SHARE < RAYLEIGH_HZ[1] or motion.shape[1] // step < 8 * half:
        return np.zeros(BINS)
    filtered, shifted = _filtered(motion, step, rate_hz, RAYLEIGH_HZ)
    envelope = np.hypot(filtered[0], shifted[0])
    top = int(np.argmax(envelope))
    height = float(envelope[top] / max(float(np.median(envelope)), 1e-300))
    if height < MIN_RATIO:
        return np.zeros(BINS)
    cut = slice(max(top - half, 0), min(top + half, len(envelope)))
    seen = float(np.clip(0.3 + 0.6 * np.log(height / MIN_RATIO), 0.3, 1.0))
    return _told(
        shifted[0, cut],
        filtered[1:, cut],
        CYCLES * (cut.stop - cut.start) / (2 * half),
        (MIN_RAYLEIGH_RATIO, MAX_RAYLEIGH_RATIO),
        BENT_RAYLEIGH_DEG,
        seen,
    )


def _filtered(motion: Floats, step: int, rate_hz: float, band_hz: tuple[float, float]) -> tuple[Floats, Floats]:
    """Components [3, n] in a band, at a lower rate, and the same a quarter period later; zero phase, gaps silent."""
    samples = np.stack([decimate_by_mean(np.nan_to_num(row), step) for row in motion])
    samples -= samples.mean(axis=1, keepdims=True)
    length = scipy.fft.next_fast_len(samples.shape[1] + round(4.0 * rate_hz / band_hz[0]), real=True)
    frequencies = np.maximum(scipy.fft.rfftfreq(length, 1.0 / rate_hz), 1e-9)
    inside = np.minimum(np.log2(frequencies / band_hz[0]), np.log2(band_hz[1] / frequencies))
    gain = cosine_bandpass_gain(inside)
    spectra = gain * scipy.fft.rfft(samples, length)
    return tuple(scipy.fft.irfft(turn * spectra, length)[:, : samples.shape[1]] for turn in (1.0, -1.0j))


def _told(reference: Floats, horizontal: Floats, cycles: float, ratios: tuple[float, float], bent_deg: float, seen: float) -> Floats:
    """
    Logarithm [BINS] of how likely each direction is that horizontals [2, n] follow a reference [n] in, against all alike.

    Their ratio must lie between two bounds, or the window holds another wave.
    """
    power, total = float(reference @ reference), float((horizontal**2).sum())
    if power <= 0.0 or total <= 0.0:
        return np.zeros(BINS)
    north, east = horizontal @ reference
    size = float(np.hypot(north, east))
    if not ratios[0] <= size / power <= ratios[1]:
        return np.zeros(BINS)
    alike = min(size**2 / (power * total), 0.9999)
    towards = np.maximum(np.cos(DIRECTIONS - np.arctan2(east, north)), 0.0)
    logarithm = -cycles * np.log(1.0 - alike * towards**2)
    likely = scipy.fft.irfft(scipy.fft.rfft(np.exp(logarithm - logarithm.max())) * _blur(bent_deg), BINS)
    likely = np.maximum(likely, 0.0) / max(float(likely.mean()), 1e-300)
    share = seen * (1.0 - OUTLIER_PROBABILITY)
    return np.asarray(np.log(1.0 - share + share * likely))


def _blur(deviation_deg: float) -> Floats:
    """Spectrum of a normal distribution around the circle."""
    return np.asarray(np.exp(-0.5 * (np.arange(BINS // 2 + 1) * np.radians(deviation_deg)) ** 2))


@compiled_sums
def _summed(nodes: Floats, stations: Floats, tables: Floats) -> Floats:
    """The sum [m] over stations of their tables at the directions in which they see the nodes [m, 3], interpolated."""
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
            part = at - low
            result[m] += (1.0 - part) * tables[i, low % bins] + part * tables[i, (low + 1) % bins]
    return result
