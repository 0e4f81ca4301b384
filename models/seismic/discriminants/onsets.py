"""
Tell impulsive first arrivals from emergent ones, by the energy just after a pick.

Earthquakes and explosions begin with a pulse of P, shorter than a few seconds up to magnitude 6. Short-period waves of landslides grow over
ten seconds and more, as the mass accelerates (Hibert, Ekstrom & Stark 2017, J. Geophys. Res. Earth Surf. 122, 1201-1215), so that little of
their energy is in the first seconds.
"""

from typing import Final

import numpy as np

from models.seismic.discriminants.intervals import cut_samples
from models.seismic.signal.filters import bandpass_causal
from models.seismic.signal.picker import USABLE_RATE_FRACTION
from models.seismic.waveforms import Record

BAND_HZ: Final = (0.7, 2.0)
MIN_RATE_HZ: Final = 4.0
SETTLING_S, NOISE_S, GUARD_S = 10.0, 20.0, 2.0
EARLY_S, LATE_S, ONSET_S = 1.0, 1.0, 2.0
"""Errors of a pick to both sides, and the interval after the onset whose energy counts."""
FOLLOWING_S: Final = 30.0
MIN_NOISE_RATIO: Final = 20.0
"""Smallest energy of an impulsive onset over that of the noise before it..."""
MIN_FOLLOWING_SHARE: Final = 0.3
"""
...and over the largest of the following seconds. Of simulated onsets that grow over 10 to 40 s one in fifty is called impulsive, of pulses
of P in noise of a twelfth of their amplitude and less nine in ten (`tests/models/seismic/discriminants/test_onsets.py`).
"""


def is_impulsive(record: Record, pick_s: float, until_s: float = np.inf) -> bool:
    """
    Whether the vertical motion near 1 Hz begins impulsively at a pick (POSIX seconds).

    What follows counts up to `until_s`, before the next phase. False where it cannot be measured.
    """
    rate_hz, start_s = record.sampling_rate_hz, pick_s - EARLY_S - GUARD_S - NOISE_S - SETTLING_S
    end_s = min(pick_s + FOLLOWING_S, max(until_s, pick_s + LATE_S + ONSET_S), record.start_time_s + record.duration_s)
    if rate_hz < MIN_RATE_HZ or start_s < record.start_time_s or end_s < pick_s + LATE_S + ONSET_S:
        return False
    samples = cut_samples(record.samples, record, start_s, end_s)
    if samples is None:
        return False
    energy = bandpass_causal(samples, rate_hz, BAND_HZ[0], min(BAND_HZ[1], USABLE_RATE_FRACTION * rate_hz)) ** 2
    window = round(ONSET_S * rate_hz)
    smooth = np.convolve(energy, np.full(window, 1.0 / window), "valid")  # at k: samples k to k + window
    settled, quiet, first, last = (round(s * rate_hz) for s in np.cumsum((SETTLING_S, NOISE_S, GUARD_S, EARLY_S + LATE_S)))
    noise, onset, following = energy[settled:quiet].mean(), smooth[first : last + 1].max(), smooth[first:].max()
    return bool(onset > MIN_NOISE_RATIO * noise and onset > MIN_FOLLOWING_SHARE * following)
