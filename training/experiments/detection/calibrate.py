"""Calibrate the detection of events on noise: the table that serving reads."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from models.analysis.detection import (
    REDUCED_TAIL,
    SHORT_READING_S,
    TABLE_PATH,
    TAIL_PROBABILITY,
    Law,
    NoiseTable,
    detect_event,
    find_short_records,
    read_trains,
    trace_probabilities,
)
from models.array_types import Floats
from models.errors import UnusableData
from models.imaging.conditioning import condition
from models.registry.inference import OnnxModel
from models.seismic.arrays.beam_power import BEAM_BANDS, measure_beam_power
from models.seismic.arrays.plane_waves import MIN_STATIONS
from models.seismic.signal.transients import TRANSIENT_BANDS_HZ, measure_transients
from models.seismic.surface_waves.detector import detect_surface_waves
from models.seismic.waveforms import SHORT_RECORD_S, Gather
from models.specs.pictures import CONDITIONING
from training.config import TrainingSettings
from training.evaluation.evaluate import open_models
from training.evaluation.event_sources import list_real_events
from training.experiments.detection.noise_networks import (
    FORESHOCKS,
    SECONDS,
    NoiseNetwork,
    cut_before_arrivals,
    cut_noise_networks,
    draw_noise_network,
)
from training.random_streams import Purpose, make_generator
from training.synthesis.catalogs import load_stations
from training.synthesis.instrument_defects import DEFECTS, GLITCH_PROBABILITY, Defects, add_glitches
from training.synthesis.noise import measure_noise_character

RECORDINGS: tuple[dict[str, tuple[float, float]], ...] = (
    {"noise_19940807a": (0.0, 24.0), "noise_day_kapi_2013_005": (0.0, 24.0), "noise_day_cop_2009_050": (0.0, 12.0)},
    {"noise_19940808a": (0.0, 24.0), "noise_day_kapi_2013_007": (0.0, 24.0), "noise_day_cop_2009_050": (12.0, 24.0)},
)
"""Recordings of noise, and the hours (UTC) of them, that calibrate, and that test."""
LAST_LONG_BAND = 3
"""0.3 to 0.8 Hz: the last band of which there are long recordings."""
HIGHEST_BAND = 5
"""2 to 4 Hz: no recording at hand holds it, so that its law is that of 0.8 to 2 Hz."""
BODY = 0.3
"""Probability at which a law is fitted to the exceedances of noise, beside that where its tail begins."""
REDUCED_RARE = -float(np.log(-np.log1p(-0.01)))
MIN_TAIL_SCALE = 0.5
"""
Smallest tail scale of a law of transients, in natural logarithms of energy: noise of one station varies by some decibels more than that
of the few stations that calibrate.
"""
MIN_TRAIN_TAIL_SCALE = 0.3
"""The same of wave trains: twice what the noise that calibrates has, defects included (a factor of e in 0.15 to 0.19)."""
MIN_STACK_TAIL_SCALE = 0.3
"""Of the law of the surface-wave stack: of 1,012 networks of noise five reached a log evidence of 1 and one reached 1.5."""
MAX_DECAY = 1.0
"""Of the false-alarm probability with the statistic: that of a statistic whose evidence is calibrated ideally."""
MIN_SAMPLES = 40
SEED = 3407
CALIBRATION, TEST = 0, 1
"""Parts of the noise."""
GLITCHES: Defects = ((1.0, add_glitches),)
RARE, COMMON = 1e-4, 1e-3
"""Probabilities at which the law of readings is fitted."""
UNREAD = ((0.0, 1.0), (0.0, 1.0))
"""Laws of readings before they are fitted: every one is probable in noise."""
SHORT_SECONDS = (SHORT_RECORD_S, SHORT_READING_S)
"""Lengths of the records that the law of readings of short ones is fitted to."""


Entropies = tuple[Floats, int]
"""Entropies of the records that were read, and the number of records that are long enough to show a wave train."""


@dataclass(frozen=True)
class NoiseSamples:
    """What noise reaches: contrasts and trials of transients and beams, each a list by band, evidence of stacks; a row [2] a sample."""

    transients: list[Floats]
    beams: list[Floats]
    stacks: Floats


def draw_noise_networks(
    settings: TrainingSettings, count: int, part: int = CALIBRATION, defects: Defects = DEFECTS, seconds: tuple[float, float] = SECONDS
) -> Iterator[NoiseNetwork]:
    """Draw `count` synthetic networks of noise of part 0 (calibration) or 1 (test), with some defects and lengths."""
    stations, character = load_stations(settings.data_dir), measure_noise_character(settings.data_dir)
    generators = (make_generator(SEED + part, Purpose.DETECTION, number) for number in range(count))
    yield from (draw_noise_network(stations, character, random, defects=defects, seconds=seconds) for random in generators)


def make_noise_networks(settings: TrainingSettings, count: int, part: int) -> list[NoiseNetwork]:
    """
    Draw `count` synthetic networks of noise, and cut recordings, of part 0 (calibration) or 1 (test).

    Without a data folder there are no recordings. Records before the first arrivals of real events belong to either part in turn.
    """
    networks = list(draw_noise_networks(settings, count, part))
    folder = Path("no data folder") if settings.data_dir is None else settings.data_dir
    for name, hours in RECORDINGS[part].items():
        if (folder / "noise" / name / "waveforms.mseed").is_file():
            cut = cut_noise_networks(folder / "noise" / name, make_generator(SEED + part, Purpose.DETECTION, count))
            networks += [network for network in cut if lies_within(network, hours)]
    events = [event for event in list_real_events(folder / "real_events") if event.name not in FORESHOCKS]
    return networks + [network for event in events[part::2] if (network := cut_before_arrivals(event)) is not None]


def lies_within(network: NoiseNetwork, hours: tuple[float, float]) -> bool:
    """Whether the window of a recorded network lies within hours of the day."""
    return network.hours is not None and hours[0] <= network.hours[0] and network.hours[1] <= hours[1] + 1e-3


def condition_network(network: NoiseNetwork) -> Gather | None:
    """Condition the records of a network; None where they are unusable."""
    try:
        return condition(network.records, CONDITIONING)
    except UnusableData:
        return None


def measure_noise(networks: Iterable[NoiseNetwork]) -> NoiseSamples:
    """Measure every kind of evidence on networks of noise, those without a known event."""
    transients: list[list[tuple[float, float]]] = [[] for _ in range(len(TRANSIENT_BANDS_HZ) + 1)]
    beams: list[list[tuple[float, float]]] = [[] for _ in BEAM_BANDS]
    stacks: list[tuple[float, float]] = []
    for network in networks:
        gather = None if network.holds_event else condition_network(network)
        if gather is None:
            continue
        measured = measure_transients(network.records)
        for band, rows in enumerate(transients):
            known = measured.windows[:, band] > 0
            rows.extend(zip(measured.contrasts[known, band].tolist(), measured.windows[known, band].tolist(), strict=True))
        for array in measure_beam_power(gather):
            for band, beam in enumerate(array):
                beams[band] += [] if beam is None else [(beam.contrast, beam.trials)]
        stack = detect_surface_waves(gather)
        stacks += [] if stack is None else [(stack.log_evidence, 1.0)]
    to_arrays = [[np.array(rows).reshape(-1, 2) for rows in kind] for kind in (transients, beams, [stacks])]
    return NoiseSamples(to_arrays[0], to_arrays[1], to_arrays[2][0])


def fit_growth(samples: Floats) -> float:
    """Fit by least squares how contrasts grow with the logarithm of the number of trials: samples [n, 2]; 0 for one number of trials."""
    logarithms = np.log(samples[:, 1])
    deviations = logarithms - logarithms.mean()
    spread = float(deviations @ deviations)
    return max(float(deviations @ samples[:, 0]) / spread, 0.0) if np.ptp(logarithms) > 0.1 else 0.0


def fit_law(samples: Floats, growth: float | None = None, min_tail_scale: float = 0.0) -> Law:
    """
    Fit the law of `NoiseTable` to samples [n, 2] of contrast and trials, so that shares BODY and 0.05 of them exceed it.

    The growth is fitted where it is not given. The tail scale is the scale, and at least `min_tail_scale`.
    """
    growth = fit_growth(samples) if growth is None else growth
    body, tail = np.quantile(samples[:, 0] - growth * np.log(samples[:, 1]), (1.0 - BODY, 1.0 - TAIL_PROBABILITY))
    scale = float((tail - body) / (REDUCED_TAIL + np.log(-np.log1p(-BODY))))
    return Law(float(tail - scale * REDUCED_TAIL), growth, scale, max(scale, min_tail_scale))


def combine_laws(laws: Sequence[Law], trials: float) -> Law:
    """Choose the law whose contrast at probability 0.01 is the highest, for so many trials."""

    def evaluate_tail(law: Law) -> float:
        body = law.location + law.growth * float(np.log(trials)) + law.scale * REDUCED_TAIL
        return body + law.tail_scale * (REDUCED_RARE - REDUCED_TAIL)

    return max(laws, key=evaluate_tail)


def fit_laws(synthetic: NoiseSamples, recorded: NoiseSamples) -> NoiseTable:
    """
    Fit the laws of all kinds of evidence: of recorded and synthetic noise the one that reaches higher.

    Recordings above 0.8 Hz are short, and long at other stations than the shortest: their growth is the larger one of synthetic noise
    and of recordings at 0.3 to 0.8 Hz.
    """
    transients: list[Law] = []
    pairs = list(zip(synthetic.transients, recorded.transients, strict=True))
    for band, pair in enumerate(pairs[:-1]):
        growth = None if band <= LAST_LONG_BAND else max(transients[LAST_LONG_BAND].growth, fit_growth(pair[0]))
        transients.append(_choose_law(pair, growth, MIN_TAIL_SCALE))
    transients[HIGHEST_BAND] = transients[HIGHEST_BAND - 1]
    transients.append(_choose_law(pairs[-1], None, MIN_TRAIN_TAIL_SCALE))
    beams = [_choose_law(pair) for pair in zip(synthetic.beams, recorded.beams, strict=True)]
    stack = fit_law(synthetic.stacks, 0.0, MIN_STACK_TAIL_SCALE)
    return NoiseTable(tuple(transients), tuple(beams), stack, UNREAD, ((0.0, 1.0), (0.0, 1.0)), 0)


def _choose_law(pair: tuple[Floats, Floats], growth: float | None = None, min_tail_scale: float = 0.0) -> Law:
    """Law of synthetic or recorded samples, whichever reaches higher; of few samples none."""
    enough = [samples for samples in pair if len(samples) >= MIN_SAMPLES]
    return combine_laws([fit_law(samples, growth, min_tail_scale) for samples in enough], float(np.median(np.concatenate(enough)[:, 1])))


def fit_false_alarms(statistics: Floats) -> tuple[float, float]:
    """Fit start and decay of the false-alarm probability to detection statistics [n] of noise, at probabilities BODY and 0.05."""
    body, tail = np.quantile(statistics, (1.0 - BODY, 1.0 - TAIL_PROBABILITY))
    decay = min(float(np.log10(BODY / TAIL_PROBABILITY) / max(tail - body, 1e-3)), MAX_DECAY)
    return float(tail + np.log10(TAIL_PROBABILITY) / decay), decay


def measure_entropies(networks: Iterable[NoiseNetwork], table: NoiseTable, reader: OnnxModel) -> tuple[Entropies, Entropies]:
    """Read the wave trains of noise: those of records of `SHORT_READING_S` and more, and those of shorter ones."""
    found: tuple[list[float], list[float]] = ([], [])
    counts = np.zeros(2, np.int64)
    for network in networks:
        gather = condition_network(network)
        if gather is not None:
            transients = measure_transients(network.records)
            trains = trace_probabilities(transients, table)[:, len(TRANSIENT_BANDS_HZ)]
            times_s = np.array([record.start_time_s for record in network.records]) + transients.train_times_s
            readings = read_trains(gather, trains, times_s, reader)
            for entropy, is_short in zip(readings.entropies.tolist(), readings.is_short.tolist(), strict=True):
                found[is_short].append(entropy)
            counts += np.bincount(find_short_records(gather)[np.isfinite(trains)], minlength=2)
    return (np.array(found[0]), int(counts[0])), (np.array(found[1]), int(counts[1]))


def fit_readings(undisturbed: Entropies, glitches: Entropies) -> tuple[float, float]:
    """
    Fit start and growth of a law of `NoiseTable.readings` to readings of records without defects, and of records with glitches.

    Glitches count with their probability. The two entropies that shares RARE and COMMON of the records reach are met exactly.
    """
    kinds = ((*undisturbed, 1.0 - GLITCH_PROBABILITY), (*glitches, GLITCH_PROBABILITY))
    entropies = np.concatenate([values for values, _, _ in kinds])
    weights = np.concatenate([np.full(len(values), share / max(count, 1)) for values, count, share in kinds])
    order = np.argsort(entropies)
    rare, common = np.interp((RARE, COMMON), np.cumsum(weights[order]), entropies[order])
    growth = float(np.log10(COMMON / RARE) / max(common - rare, 1e-3))
    return float(common - np.log10(COMMON) / growth), growth


def measure_statistics(networks: Iterable[NoiseNetwork], table: NoiseTable, reader: OnnxModel | None) -> Floats:
    """Measure the detection statistic of networks without a known event: [networks, 2], number of stations and statistic."""
    statistics = []
    for network in networks:
        gather = None if network.holds_event else condition_network(network)
        if gather is not None:
            statistics.append((len(network.records), detect_event(network.records, gather, reader, table).statistic))
    return np.array(statistics).reshape(-1, 2)


def write_noise_table(table: NoiseTable, path: Path = TABLE_PATH) -> Path:
    """Write the table that serving reads, to four digits."""

    def round_values(values: object) -> object:
        return [round_values(value) for value in values] if isinstance(values, tuple) else float(f"{values:.4g}")

    fields = {name: round_values(getattr(table, name)) for name in ("transients", "beams", "stack", "readings", "false_alarm")}
    content = {**fields, "networks": table.networks, "reader": table.reader}
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return path


def calibrate_detection(settings: TrainingSettings, count: int) -> Path:
    """
    Calibrate detection on `count` synthetic networks of noise, and on recorded noise where there is some; write the table.

    The laws are fitted to noise without defects, that of readings also to noise with glitches on every record, the false-alarm
    probability to noise with the defects of the training data. That of few traces is not below the probability of the evidence itself: too
    few of them hold a disturbance for it to be measured.
    """
    reader = open_models(settings)["offset"]
    recorded, undisturbed = make_noise_networks(settings, 0, CALIBRATION), list(draw_noise_networks(settings, count, defects=()))
    laws = fit_laws(measure_noise(undisturbed), measure_noise(recorded))
    quiet = measure_entropies(undisturbed, laws, reader)
    long = fit_readings(quiet[0], measure_entropies(draw_noise_networks(settings, count, defects=GLITCHES), laws, reader)[0])
    glitches = draw_noise_networks(settings, count, defects=GLITCHES, seconds=SHORT_SECONDS)
    short = fit_readings(quiet[1], measure_entropies(glitches, laws, reader)[1])
    laws = replace(laws, readings=(long, short), reader=reader.version)
    statistics = measure_statistics([*draw_noise_networks(settings, count), *recorded], laws, reader)
    few = statistics[:, 0] < MIN_STATIONS
    start, decay = fit_false_alarms(statistics[few, 1])
    false_alarm = ((max(start, 0.0), decay), fit_false_alarms(statistics[~few, 1]))
    return write_noise_table(replace(laws, false_alarm=false_alarm, networks=len(statistics)))
