"""
Decide whether records show an event at all: evidence against noise, calibrated on noise.

Three kinds of evidence, from the cheapest on: transients of single records, which need no second station; the beam power of arrays, for
waves below the noise of single traces; the surface-wave stack, for sources seen by no trace of a wide network. Each is turned into the
probability that noise reaches it (`NoiseTable`, measured by `python -m training experiment detection-table`), and these are combined into
a detection statistic. How often noise reaches the statistic is calibrated once more, because noise is neither Gaussian nor independent
between stations.

Where transients do not decide, the few records with a wave train are read by the distance network. Its distribution of distance is narrow
where P, S and dispersed surface waves follow each other, and wide for most disturbances of a single record. Nothing else here needs a
network, a distance or a pick, so that noise costs less than an event.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from scipy.stats import binom, chi2

from models.analysis.distances import distance_entropies, read_distances
from models.array_types import Flags, Floats
from models.errors import NoUsableTrace
from models.registry.inference import OnnxModel
from models.seismic.arrays.beam_power import BEAM_BANDS, measure_beam_power
from models.seismic.arrays.plane_waves import MIN_STATIONS
from models.seismic.signal.transients import TRANSIENT_BANDS_HZ, Transients, measure_transients
from models.seismic.surface_waves.detector import detect_surface_waves
from models.seismic.waveforms import Gather, Record
from models.specs.offset import OFFSET

TABLE_PATH: Final = Path(__file__).with_name("detection_noise.json")
MAX_FALSE_ALARM_PROBABILITY: Final = 0.01
"""An event is detected where noise reaches its statistic less often: one window of noise in a hundred may be called an event."""
TRANSIENTS_OF_BEAMS: Final = (2, 1)  # indices of `TRANSIENT_BANDS_HZ` that the `BEAM_BANDS` are
STACKED_BAND: Final = 0  # index of `TRANSIENT_BANDS_HZ` that a filter for short periods takes from the stack of surface waves
MAX_FILTERED_SHARE: Final = 0.5  # of the records in a band whose beams are formed, or which is stacked
CLEAR_PROBABILITY: Final = 1e-4
"""False-alarm probability below which no further evidence is measured."""
MIN_FALSE_ALARM_PROBABILITY: Final = 1e-6  # the extrapolation by an exponential is not trusted below
DISTURBED_PROBABILITY: Final = 0.05
"""
Probability that a record of a network holds a disturbance of its own: a glitch, a calibration pulse, a car. However strong its transient, a
record is no better evidence than this, in whatever bands.
"""
DISTURBED_SINGLE_PROBABILITY: Final = 0.005
"""The same for a single record, which would else never show an event: as often a station of the networks that record continuously."""
DISTURBED_TRAIN_PROBABILITY: Final = 0.006
"""
The same for a wave train of minutes at 8 to 20 s, of any record. Glitches and steps make none: of 2,953 records of the noise that
calibrates, two thirds of them synthetic with a glitch on one in twelve, two exceeded a contrast of 3. But a station may be out of order for
hours, as Lusaka was on 8 August 1994 (`noise_19940808a`, which is in the part that tests): 5 of some 800 hours of recorded noise.
"""
DISTURBED_READING_PROBABILITY: Final = 3e-4
"""
The same for a wave train that the distance network reads, however certain. Glitches and steps of the gain, as frequent as in the training
data, are read with an entropy below 2.7 on as many records; of 877 records of the recorded noise that calibrates none is below 2.9.
"""
MAX_READING_PROBABILITY: Final = 0.05
"""Probability in noise up to which a wave train is read."""
MAX_SHORT_READING_PROBABILITY: Final = 1e-3
"""The same for short records, of which several glitches within minutes make a weak wave train that is read as a near event."""
READING_LEAD_S: Final = 600.0
"""Time before a wave train from which a record is read: P and S precede surface waves by as much at 30 degrees."""
SHORT_READING_S: Final = 600.0
"""Records shorter than this are short ones, with a law of their own: with glitches twenty times as many are read as near events."""
MAX_ENTROPY: Final = 3.5
"""
Entropy in nats up to which a reading counts, that of an even distribution over 33 degrees. Without a wave train it is 4 to 5.1: however
many records of noise are read so, that is no evidence, because the spectrum that they share decides how many show a train.
"""
MAX_RECORDS_READ: Final = 8
"""Records of a network that are read, those with the strongest wave trains: it bounds the work on noise."""
RATE_FACTOR: Final = 3.0
"""
How much more often than the average record those of one noisy station or region may show transients: it keeps them from being taken for
an event.
"""
SHORT_RATE_FACTOR: Final = 6.0
"""
The same for readings of short records. Of 2,000 synthetic networks of 4 to 10 minutes, by transients and readings alone, 28 are called an
event with a factor of 3, 18 with this one, 13 where short records are not read.
"""
MAX_TRANSIENT_PROBABILITY: Final = 0.02
"""
Probability in noise up to which a transient counts. The body of the distribution depends on the spectrum of the noise within a band (white
noise and noise that rises with the sixth power of frequency differ by 0.4 in the contrast), which stations share: however many of
them lie a little above the average, that is no evidence. Chosen on noise alone: up to 0.03 hardly a network of synthetic noise falls below
0.01, from 0.05 on one in twenty and more (`docs/results/detection.md`).
"""
KINDS_OF_EVIDENCE: Final = 3  # for four traces and more; fewer have transients alone
TAIL_PROBABILITY: Final = 0.05
"""Where the tail of a law begins."""
REDUCED_TAIL: Final = -float(np.log(-np.log1p(-TAIL_PROBABILITY)))
"""Deviation of that from the location, in scales."""


class Law(NamedTuple):
    """
    Law of what noise reaches: the largest of n trials exceeds x with probability 1 - exp(-exp(-(x - location - growth log n) / scale)).

    (Gumbel 1958, Statistics of Extremes.) So it is where that is above 0.05; below, it decays with `tail_scale`, which is larger, because
    noise is not Gaussian. The growth is that within one record; the scale holds the differences between stations too.
    """

    location: float
    growth: float
    scale: float
    tail_scale: float


@dataclass(frozen=True)
class Readings:
    """Entropies in nats of the distances of the records that were read, and whether each of these records is a short one [records read]."""

    entropies: Floats
    is_short: Flags


@dataclass(frozen=True)
class NoiseTable:
    """
    How often noise reaches a contrast or a stack, measured.

    `transients` [bands and wave trains], `beams` [bands], `stack`: laws of contrasts, and of the log evidence of a stack.
    `false_alarm` [2, 2] for fewer than four traces, and for more: start s0 and decay of the probability 10 ** (-decay * (S - s0)) that
    noise exceeds the detection statistic S. `networks`: number of networks of noise that this rests on.
    `readings` [2, 2], of records of `SHORT_READING_S` and more and of shorter ones: entropy h0 (nats) and growth of the probability
    10 ** (growth * (H - h0)) that a record of noise shows a wave train whose distance is read with an entropy of H or less.
    `reader`: version of the distance network that this was measured with.
    """

    transients: tuple[Law, ...]
    beams: tuple[Law, ...]
    stack: Law
    readings: tuple[tuple[float, float], ...]
    false_alarm: tuple[tuple[float, float], ...]
    networks: int
    reader: str = ""

    def reading_probability(self, readings: Readings) -> Floats:
        """Probability [records read] that a record of noise of this length shows a wave train that is read with an entropy as small."""
        start, growth = np.array(self.readings)[readings.is_short.astype(np.int64)].T
        return np.asarray(10.0 ** np.minimum(growth * (readings.entropies - start), 0.0))

    def false_alarm_probability(self, statistic: float, kinds: int) -> float:
        """Probability that noise exceeds a detection statistic of so many kinds of evidence, between one in a million and 1."""
        start, decay = self.false_alarm[int(kinds > 1)]
        return float(np.clip(10.0 ** (-decay * (statistic - start)), MIN_FALSE_ALARM_PROBABILITY, 1.0))


@dataclass(frozen=True)
class Detection:
    """
    Whether an event is detected, the detection statistic, and how often noise reaches it.

    `evidence`: what was looked for, in words, with the probability that noise shows as much.
    """

    detected: bool
    statistic: float
    false_alarm_probability: float
    evidence: tuple[tuple[str, float], ...]

    def describe(self) -> str:
        """Say what was looked for, how likely each finding is in noise, and what decides."""
        looked_for = "; ".join(f"{name} (noise shows as much with probability {probability:.2g})" for name, probability in self.evidence)
        return (
            f"no event was detected. Looked for {looked_for}. Together, noise reaches this with probability "
            f"{self.false_alarm_probability:.2g}; below {MAX_FALSE_ALARM_PROBABILITY:g} an event counts as detected. Nothing was "
            "classified or located; send more stations, or a window from before P to after the surface waves"
        )


@cache
def read_noise_table() -> NoiseTable:
    """Read the table of what noise reaches."""
    content = json.loads(TABLE_PATH.read_text(encoding="utf-8"))
    return NoiseTable(
        tuple(Law(*law) for law in content["transients"]),
        tuple(Law(*law) for law in content["beams"]),
        Law(*content["stack"]),
        tuple(map(tuple, content["readings"])),
        tuple(map(tuple, content["false_alarm"])),
        int(content["networks"]),
        str(content["reader"]),
    )


def detect_event(records: Sequence[Record], gather: Gather, reader: OnnxModel | None, table: NoiseTable | None = None) -> Detection:
    """
    Detect an event on records: transients first, and where these are not clear, beams of arrays and the surface-wave stack.

    Parameters
    ----------
    records : sequence of Record
        Original records, one a station.
    gather : Gather
        The same, conditioned, in the same order.
    reader : OnnxModel, optional
        The distance network ("offset"), which reads wave trains where transients do not decide; without it none is read.
    table : NoiseTable, optional
        What noise reaches; that of the repository where omitted.

    Raises
    ------
    NoUsableTrace
        If no record is long enough to measure in any band.

    """
    table = table or read_noise_table()
    kinds = KINDS_OF_EVIDENCE if len(records) >= MIN_STATIONS else 1
    transients = measure_transients(records)
    found = [_measure_traces(records, gather, transients, reader, table)]
    for measure in (_measure_arrays, _measure_stack) if kinds > 1 else ():
        if combine_evidence(found, kinds, table).false_alarm_probability > CLEAR_PROBABILITY:
            evidence = measure(transients, gather, table)
            found += [] if evidence is None else [evidence]
    return combine_evidence(found, kinds, table)


def combine_evidence(found: Sequence[tuple[str, float]], kinds: int, table: NoiseTable) -> Detection:
    """
    Combine evidence (name, probability in noise) into a detection, for as many `kinds` as are tried.

    The statistic is the larger one of two: of the least probable kind alone, and of all found together (Fisher 1925: minus twice the sum
    of the logarithms of n probabilities follows a chi-square distribution of 2 n degrees of freedom).
    """
    probabilities = np.maximum([probability for _, probability in found], 1e-300)
    together = float(chi2.sf(-2.0 * np.log(probabilities).sum(), 2 * len(probabilities))) if kinds > 1 else 1.0
    statistic = abs(float(np.log10(np.clip(min(kinds * probabilities.min(), max(together, 1e-300)), 1e-300, 1.0))))
    probability = table.false_alarm_probability(statistic, kinds)
    return Detection(probability < MAX_FALSE_ALARM_PROBABILITY, statistic, probability, tuple(found))


def exceedance_probability(contrasts: Floats, trials: Floats, law: Law) -> Floats:
    """Probability that the largest of `trials` values in noise exceeds `contrasts`, by a law."""
    deviations = contrasts - law.location - law.growth * np.log(np.maximum(trials, 1.0))
    beyond = deviations - REDUCED_TAIL * law.scale
    exponent = np.where(beyond > 0.0, REDUCED_TAIL + beyond / law.tail_scale, deviations / law.scale)
    return np.asarray(-np.expm1(-np.exp(np.clip(-exponent, -700.0, 700.0))))


def trace_probabilities(transients: Transients, table: NoiseTable) -> Floats:
    """Probability [traces, bands and wave trains] that noise shows a transient as strong; NaN where a trace is too short for it."""
    measured = transients.windows > 0
    bands = [
        exceedance_probability(transients.contrasts[:, band], transients.windows[:, band], law) for band, law in enumerate(table.transients)
    ]
    return np.where(measured, np.stack(bands, axis=1), np.nan)


def network_probability(probabilities: Floats, limit: float = MAX_TRANSIENT_PROBABILITY) -> float:
    """
    Probability that noise shows as strong transients at as many traces, given that of each trace and band [traces, bands], NaN unmeasured.

    The column after the bands, if there is one, is that of wave trains.

    In a band the k least probable traces count as a whole: k of n reach a probability p with the tail of the binomial distribution (Berk &
    Jones 1979, doi:10.1007/BF00533250). The least one over k and bands counts, for as many bands as there are. Few disturbed traces of
    many are so no evidence, and many weak transients are. Transients that noise shows with a probability above `limit` do not count.
    """
    columns = [np.sort(column[np.isfinite(column)]) for column in probabilities.T]
    measured = [(band, column) for band, column in enumerate(columns) if len(column)]
    return min(_band_probability(column, band == len(TRANSIENT_BANDS_HZ), len(measured), limit) for band, column in measured)


def _band_probability(ordered: Floats, is_train: bool, bands: int, limit: float) -> float:
    """Probability of the transients of one of `bands` bands, by the probabilities [traces] of its traces in ascending order."""
    count = len(ordered)
    disturbed = DISTURBED_SINGLE_PROBABILITY if count == 1 else DISTURBED_PROBABILITY
    disturbed = DISTURBED_TRAIN_PROBABILITY if is_train else disturbed
    rates = np.where(ordered <= limit, np.minimum(RATE_FACTOR * ordered, 1.0), 1.0)
    by_strength = 1.0 - (1.0 - binom.sf(np.arange(count), count, rates)) ** bands
    return float(np.min(np.maximum(by_strength, binom.sf(np.arange(count), count, disturbed))))


def readings_probability(readings: Readings, count: int, table: NoiseTable) -> float:
    """
    Probability that noise shows wave trains as certainly read, given the readings of those of `count` records that were read.

    As in `network_probability` the k least probable ones count as a whole, and the least one over k counts. Readings with an entropy above
    `MAX_ENTROPY` do not count.
    """
    factors = np.where(readings.is_short, SHORT_RATE_FACTOR, RATE_FACTOR)
    certain = np.sort((factors * table.reading_probability(readings))[readings.entropies <= MAX_ENTROPY])
    rates = np.maximum(certain, DISTURBED_READING_PROBABILITY)
    return float(np.min(binom.sf(np.arange(len(rates)), count, np.minimum(rates, 1.0)), initial=1.0))


def find_short_records(gather: Gather) -> Flags:
    """Find the records [traces] that are read by the law of short records."""
    return np.asarray(np.isfinite(gather.samples).sum(axis=1) < SHORT_READING_S * gather.sampling_rate_hz)


def read_trains(gather: Gather, trains: Floats, times_s: Floats, reader: OnnxModel) -> Readings:
    """
    Read the distances of the records that show a wave train.

    `trains` [traces]: probability that noise shows a wave train as strong, NaN unmeasured; `times_s` [traces]: its beginning (POSIX).
    Records are read from `READING_LEAD_S` before it: far into a picture the network reads noise as well. Of short records those with a
    strong wave train are read.
    """
    is_short = find_short_records(gather)
    limits = np.where(is_short, MAX_SHORT_READING_PROBABILITY, MAX_READING_PROBABILITY)
    shown = np.flatnonzero(np.nan_to_num(trains, nan=1.0) <= limits)
    chosen = np.sort(shown[np.argsort(trains[shown], kind="stable")[:MAX_RECORDS_READ]])
    if not len(chosen):
        return Readings(np.zeros(0), np.zeros(0, np.bool_))
    readings = read_distances(reader, _cut_windows(gather.subset(chosen), times_s[chosen] - READING_LEAD_S, OFFSET.style.window_s))
    return Readings(distance_entropies(readings.probabilities[readings.has_distance]), is_short[chosen[readings.has_distance]])


def _cut_windows(gather: Gather, starts_s: Floats, window_s: float) -> Gather:
    """Leave out the samples before `starts_s` [traces] (POSIX) and after a window."""
    times_s = gather.start_time_s + np.arange(gather.samples.shape[1]) / gather.sampling_rate_hz - starts_s[:, None]
    return replace(gather, samples=np.where((times_s >= 0.0) & (times_s < window_s), gather.samples, np.float32(np.nan)))


def _measure_traces(
    records: Sequence[Record], gather: Gather, transients: Transients, reader: OnnxModel | None, table: NoiseTable
) -> tuple[str, float]:
    """Name and probability of transients, or of readings of their wave trains, whichever noise shows less often."""
    probabilities = trace_probabilities(transients, table)
    name, probability = _describe_transients(records, probabilities)
    kinds = KINDS_OF_EVIDENCE if len(records) >= MIN_STATIONS else 1
    if reader is None or combine_evidence([(name, probability)], kinds, table).false_alarm_probability < CLEAR_PROBABILITY:
        return name, probability
    times_s = np.array([record.start_time_s for record in records]) + transients.train_times_s
    readings = read_trains(gather, probabilities[:, len(TRANSIENT_BANDS_HZ)], times_s, reader)
    read = len(readings.entropies)
    if not read:
        return name, probability
    count = int(np.isfinite(probabilities).any(axis=1).sum())
    return f"{name} and the distances of {read} of them", min(probability, readings_probability(readings, count, table))


def _describe_transients(records: Sequence[Record], probabilities: Floats) -> tuple[str, float]:
    """Name the transients that were looked for, by the probabilities of the traces, and how often noise shows as many."""
    measured = np.isfinite(probabilities)
    if not measured.any():
        longest = max((record.duration_s for record in records), default=0.0)
        raise NoUsableTrace(
            f"the longest record has {longest:.0f} s of data: too short to tell an event from noise; send records from before P to the end "
            "of the surface waves"
        )
    used = measured[:, : len(TRANSIENT_BANDS_HZ)].any(axis=0)
    if not used.any():
        return f"wave trains at 8 to 20 s on {measured.any(axis=1).sum()} traces", network_probability(probabilities)
    low_hz, high_hz = (function(np.array(TRANSIENT_BANDS_HZ)[used]) for function in (np.min, np.max))
    name = f"transients at {low_hz:.2g} to {high_hz:.2g} Hz on {measured.any(axis=1).sum()} traces"
    return name, network_probability(probabilities)


def _measure_arrays(transients: Transients, gather: Gather, table: NoiseTable) -> tuple[str, float] | None:
    whole = [transients.filtered[:, index].mean() < MAX_FILTERED_SHARE for index in TRANSIENTS_OF_BEAMS]
    arrays = measure_beam_power(gather)
    beams = [(band, beam) for array in arrays for band, beam in enumerate(array) if beam is not None and whole[band]]
    if not beams:
        return None
    least = min(float(exceedance_probability(np.array(beam.contrast), np.array(beam.trials), table.beams[band])) for band, beam in beams)
    longest_s = max(band.max_period_s for band, _ in BEAM_BANDS)
    name = f"waves across {len(beams) // len(BEAM_BANDS) or 1} array(s) of stations at periods of 8 to {longest_s:.0f} s"
    return name, 1.0 - (1.0 - least) ** len(beams)


def _measure_stack(transients: Transients, gather: Gather, table: NoiseTable) -> tuple[str, float] | None:
    is_filtered = transients.filtered[:, STACKED_BAND].mean() >= MAX_FILTERED_SHARE
    stack = None if is_filtered else detect_surface_waves(gather)
    if stack is None:
        return None
    probability = exceedance_probability(np.array(stack.log_evidence), np.array(1.0), table.stack)
    return "surface waves from anywhere, stacked over the network", float(probability)
