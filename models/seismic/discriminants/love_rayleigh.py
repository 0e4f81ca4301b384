"""
Tell explosions and collapses from earthquakes by the ratio of Love to Rayleigh waves, which needs neither gain nor response.

An explosion excites Rayleigh waves in all directions and Love waves only by the tectonic stress that it releases (Toksoz & Kehrer 1972,
doi:10.1111/j.1365-246X.1972.tb06152.x), a double couple excites both, each in its own directions. The likelihood of the ratios at all
stations is the mean over random sources of either kind, whose amplitudes follow from the eigenfunctions of three crusts. First motions of P
are explained by the same sources.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import logsumexp, stdtr

from models.array_types import Floats
from models.seismic.discriminants.first_motions import FirstMotion, first_motion_log_likelihoods
from models.seismic.discriminants.intervals import cut_samples, surface_wave_window
from models.seismic.earth.random_sources import COLLAPSE_SHARE, SOURCES, random_sources
from models.seismic.earth.surface_wave_excitation import excite_waves
from models.seismic.signal.characteristic_function import decimate_by_mean
from models.seismic.signal.filters import PeriodBand, bandpass_zero_phase
from models.seismic.signal.rotation import rotate_to_north_east
from models.seismic.waveforms import Record

BAND: Final = PeriodBand(12.0, 20.0)
DISTANCES_DEG: Final = (1.0, 30.0)
"""Nearer, the two waves overlap with S; farther, they are attenuated differently."""
RAYLEIGH_VELOCITIES_KM_S: Final = (2.4, 4.2)
LOVE_VELOCITIES_KM_S: Final = (2.7, 4.8)
MIN_SNR, MIN_LOVE_SNR = 3.0, 2.0
MIN_NOISE_S: Final = 40.0
RATE_HZ: Final = 1.0
MIN_STATIONS: Final = 3
MIN_MOTIONS: Final = 4
STATION_SIGMA, COMMON_SIGMA = 0.2, 0.12
"""Errors of log10 of the ratio: of one path (Student's t with 4 degrees of freedom), and of all (attenuation and dispersion)."""
FREEDOM: Final = 4
SCATTERED_LOVE, SCATTERED_RAYLEIGH = 0.15, 0.1
"""What heterogeneity and errors of the back azimuth make of the other wave, as a fraction of its amplitude."""
MAX_LOG_RATIO: Final = 3.0
"""Largest natural logarithm of the likelihood ratio that is believed: rarer mechanisms and structures than those assumed exist."""


@dataclass(frozen=True)
class WaveRatio:
    """
    Base-10 logarithm of Love over vertical Rayleigh amplitude at a station.

    `is_bound`: the Love wave is below twice the noise, so that the ratio is an upper bound. `azimuth_deg` from the epicenter.
    """

    log_ratio: float
    azimuth_deg: float
    is_bound: bool = False


def measure_love_ratio(
    record: Record, distance_deg: float, directions_deg: tuple[float, float], origin_s: float, p_s: float
) -> WaveRatio | None:
    """
    Measure log10 of the largest transverse over the largest vertical amplitude at 12 to 20 s, each in the window of its wave.

    None without two horizontal components, outside of the distances, or where the Rayleigh wave is not three times as large as the noise
    before P (at `p_s`). `directions_deg`: azimuth and back azimuth.
    """
    if not DISTANCES_DEG[0] <= distance_deg <= DISTANCES_DEG[1]:
        return None
    horizontals = rotate_to_north_east(record.horizontals)
    if horizontals is None:
        return None
    windows = [surface_wave_window(distance_deg, origin_s, velocities) for velocities in (LOVE_VELOCITIES_KM_S, RAYLEIGH_VELOCITIES_KM_S)]
    start_s = max(record.start_time_s, p_s - 600.0)
    end_s = min(record.start_time_s + record.duration_s, max(window[1] for window in windows) + 60.0)
    angle = np.radians(directions_deg[1])
    transverse = horizontals[1] * np.cos(angle) - horizontals[0] * np.sin(angle)
    cut = [cut_samples(samples, record, start_s, end_s) for samples in (transverse, record.samples)]
    if cut[0] is None or cut[1] is None or end_s < windows[1][0] + 0.6 * (windows[1][1] - windows[1][0]):
        return None
    step = max(1, int(record.sampling_rate_hz // RATE_HZ))
    rate_hz = record.sampling_rate_hz / step
    love, rayleigh = (np.abs(bandpass_zero_phase(decimate_by_mean(samples, step), rate_hz, BAND)) for samples in cut if samples is not None)
    times_s = start_s + np.arange(len(love)) / rate_hz
    peaks = [
        float(wave[(times_s >= low) & (times_s <= high)].max(initial=0.0))
        for wave, (low, high) in zip((love, rayleigh), windows, strict=True)
    ]
    before = times_s < p_s - BAND.max_period_s
    noise = [float(wave[before].max()) if before.sum() >= MIN_NOISE_S * rate_hz else 0.0 for wave in (love, rayleigh)]
    if min(peaks) <= 0.0 or peaks[1] < MIN_SNR * noise[1]:
        return None
    return WaveRatio(float(np.log10(peaks[0] / peaks[1])), directions_deg[0], peaks[0] < MIN_LOVE_SNR * noise[0])


def weigh_explosion(ratios: Sequence[WaveRatio], log_magnitudes: float = 0.0, motions: Sequence[FirstMotion] = ()) -> float:
    """
    Compute the natural logarithm of the likelihood ratio of an explosion or collapse at the surface against an earthquake.

    Parameters
    ----------
    ratios : sequence of WaveRatio
        Love over Rayleigh waves; nothing is weighed of fewer than `MIN_STATIONS` stations.
    log_magnitudes : float
        That of an explosion from mb - Ms, which does not tell a collapse from an earthquake.
    motions : sequence of FirstMotion
        First motions of P; fewer than `MIN_MOTIONS` are not weighed. The same random sources explain both kinds of waves.

    Returns
    -------
    float
        The mean over explosions and collapses. Waves and first motions count at most `MAX_LOG_RATIO` each.

    """
    ratios = ratios if len(ratios) >= MIN_STATIONS else ()
    motions = motions if len(motions) >= MIN_MOTIONS else ()
    limit = MAX_LOG_RATIO * (bool(ratios) + bool(motions))
    earthquake = _log_likelihood(ratios, motions, "earthquake")
    explosion, collapse = (min(_log_likelihood(ratios, motions, kind) - earthquake, limit) for kind in ("explosion", "collapse"))
    if not ratios and not motions:
        return log_magnitudes
    return float(np.logaddexp(np.log(1.0 - COLLAPSE_SHARE) + explosion + log_magnitudes, np.log(COLLAPSE_SHARE) + collapse))


def _log_likelihood(ratios: Sequence[WaveRatio], motions: Sequence[FirstMotion], kind: str) -> float:
    """Log likelihood of ratios and first motions, the mean over sources of a kind and over the common error of the ratios."""
    each = _ratio_log_likelihoods(ratios, kind) if ratios else np.zeros(SOURCES)
    if motions:
        each = each + first_motion_log_likelihoods(motions, random_sources(kind)[0])
    return float(logsumexp(each) - np.log(SOURCES))


def _ratio_log_likelihoods(ratios: Sequence[WaveRatio], kind: str) -> Floats:
    """Log likelihoods [SOURCES] of ratios [stations], the mean over the common error."""
    measured, bounds = np.array([one.log_ratio for one in ratios]), np.array([one.is_bound for one in ratios])
    predicted = predict_ratios(np.radians([one.azimuth_deg for one in ratios]), kind)
    nodes = np.linspace(-2.0, 2.0, 9)
    deviations = (measured - predicted - COMMON_SIGMA * nodes[:, None, None]) / STATION_SIGMA
    logarithms = -0.5 * (FREEDOM + 1) * np.log1p(deviations**2 / FREEDOM)
    logarithms[:, :, bounds] = np.log(stdtr(FREEDOM, deviations[:, :, bounds]))
    return np.asarray(logsumexp(logarithms.sum(axis=2) - 0.5 * nodes[:, None] ** 2, axis=0))


def predict_ratios(azimuths: Floats, kind: str) -> Floats:
    """Predict log10 of the ratios of random sources of a kind (earthquake, explosion, collapse) [SOURCES, azimuths in radians]."""
    tensors, depths, crusts, scatter = random_sources(kind)
    rayleigh, love = excite_waves(tensors, depths, crusts, azimuths)
    return np.asarray(
        np.log10(np.hypot(love, SCATTERED_LOVE * scatter[:, None] * rayleigh) / np.hypot(rayleigh, SCATTERED_RAYLEIGH * love))
    )
