"""
The whole service on well recorded synthetic events, in Earth models that nothing was trained on and the source inversion does not have.

Each path runs through the thin or the thick crust of `training/configs/earth_models.toml` (`python -m training build greens
greens_thin_crust greens_thick_crust`), with the path scatter, noise, instruments and defects of training. Records begin before the origin
time and hold the surface waves, as most users cut them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import batched
from pathlib import Path
from typing import Any, Final

import numpy as np
from scipy.special import ndtr

from models.array_types import Floats
from models.imaging.conditioning import condition
from models.seismic.earth.seismicity import lies_at_ice_sheet
from models.specs.pictures import CONDITIONING
from training.config import TrainingSettings
from training.earth.greens import UNSEEN_STORES, GreensStore, load_stores
from training.evaluation.evaluate import evaluate
from training.evaluation.event_result import NAN, EventResult, Truth, select_kind, select_located
from training.evaluation.event_sources import LabeledEvent
from training.evaluation.location_page import HEADS, split_by_value, summarize_errors
from training.evaluation.metrics import angle_difference_deg, format_fraction, format_median
from training.evaluation.pages import RESULTS, format_table, write_page
from training.random_streams import Purpose, make_generator
from training.synthesis.events import NOISE_MAGNITUDE, EventSampler, SyntheticEvent, draw_event_source, open_sampler, synthesize_event
from training.synthesis.instrument_defects import GAIN_DEVIATION, WRONG_GAIN_PROBABILITY
from training.synthesis.path_effects import share_paths
from training.synthesis.records import ORIGIN_S, scatter_gains, synthesize_in_earths
from training.synthesis.signal_to_noise import median_signal_to_noise
from training.synthesis.sources import NOISE, Source
from training.synthesis.station_geometry import Stations
from training.synthesis.windows import WHOLE_RECORD_S, Window

TEMPLATE: Final = Path(__file__).parent / "templates" / "unseen_earths.md"
STATIONS, DISTANCES_DEG = (10, 46), (5.0, 150.0)
SNR: Final = (5.0, 40.0)  # median of the traces; that of noise alone is 3 to 4
SNR_BORDERS: Final = (8.0, 16.0)
MAGNITUDES: Final = {"glacial": (4.8, 6.8), "earthquake": (4.8, 6.8)}
MAX_SHALLOW_KM: Final = 60.0  # deeper earthquakes are no glacial ones by their depth
SHARING_DEG: Final = 8.0
"""
Length over which stations share Earth model and perturbations of their paths: of two stations 2 degrees apart P is then early or late by a
second against each other. Arrays see plane waves, which with a perturbation of each path for itself they would not.
"""
EARLIEST_S: Final = 600.0  # start of the records before the origin time, at most
KINDS: Final = ("earthquake", "glacial", "explosion", "landslide", NOISE)
RARITY: Final = 2  # explosions, landslides and noise are so many times fewer than earthquakes
BATCH: Final = 10
TOLERANCE: Final = 10.0  # degrees of an azimuth, or kilometers of a depth


def mix_neighboring_earths(
    stores: tuple[GreensStore, ...], source: Source, stations: Stations, one_earth_share: float, random: np.random.Generator
) -> Floats:
    """Synthesize displacement as `synthesize_mixed_displacement` does, with Earth models that are alike for neighboring stations."""
    count = len(stations.distances_deg)
    draws = share_paths(stations.latitudes_deg, stations.longitudes_deg, SHARING_DEG) @ random.normal(size=count)
    draws = np.full(count, draws[0]) if random.uniform() < one_earth_share else draws
    return synthesize_in_earths(stores, source, stations, np.minimum(len(stores) * ndtr(draws), len(stores) - 1).astype(np.int64))


def draw_whole_windows(stations: Stations, _depth_km: float, random: np.random.Generator) -> tuple[Window, ...]:
    """Draw one window for all stations that begins before the origin time and ends where the data do."""
    return (Window(-float(random.uniform(0.0, EARLIEST_S)), WHOLE_RECORD_S),) * len(stations.distances_deg)


def draw_unseen_event(
    sampler: EventSampler, kind: str, random: np.random.Generator, *, at_ice: bool = False
) -> tuple[SyntheticEvent, float | None, float]:
    """
    Draw an event of a kind, again until its signal-to-noise ratio is in the range; returns azimuth of the force and magnitude too.

    Glacial earthquakes are at ice sheets and earthquakes are not, other than in training, where the epicenter is to be no cue. With
    `at_ice` earthquakes are at ice sheets too, and shallow, so that neither epicenter nor depth tell the class.
    """
    while True:
        magnitude = float(random.uniform(*MAGNITUDES[kind])) if kind in MAGNITUDES else NOISE_MAGNITUDE
        drawn = "earthquake" if kind == NOISE else kind
        source, year, azimuth = draw_event_source(sampler, drawn, random, magnitude)
        wanted = at_ice or kind == "glacial"
        if kind in MAGNITUDES and lies_at_ice_sheet(*np.array([[source.latitude_deg], [source.longitude_deg]]))[0] != wanted:
            continue
        if at_ice and source.depth_km > MAX_SHALLOW_KM:
            continue
        count = int(np.exp(random.uniform(*np.log(STATIONS))))
        event = synthesize_event(sampler, source, year, count, DISTANCES_DEG, random, draw_whole_windows)
        if event is not None and (kind == NOISE or SNR[0] <= measure_snr(event) <= SNR[1]):
            return event, azimuth, magnitude


def measure_snr(event: SyntheticEvent) -> float:
    """Measure the median signal-to-noise ratio of the traces; NaN where none is known."""
    source = event.source
    epicenter = (source.latitude_deg, source.longitude_deg)
    return median_signal_to_noise(condition(event.records, CONDITIONING), epicenter, source.depth_km, ORIGIN_S)


@dataclass(frozen=True)
class UnseenEarths:
    """
    Synthetic events by kind and number: `events` earthquakes and glacial earthquakes each, drawn when they are needed.

    `at_ice`: earthquakes are shallow and at ice sheets.
    """

    events: int
    seed: int
    at_ice: bool = False

    @property
    def name(self) -> str:
        """Name of the experiment and the seed."""
        return f"unseen-earths-{'at-ice-' if self.at_ice else ''}{self.seed}"

    def describe(self) -> dict[str, Any]:
        """What the events are drawn from."""
        ice = {"at_ice": MAX_SHALLOW_KM} if self.at_ice else {}
        drawn = ice | {"snr": SNR, "magnitudes": MAGNITUDES, "gains": (GAIN_DEVIATION, WRONG_GAIN_PROBABILITY), "earliest_s": EARLIEST_S}
        places = {"stations": STATIONS, "distances_deg": DISTANCES_DEG, "sharing_deg": SHARING_DEG}
        return {"seed": self.seed, "stores": UNSEEN_STORES, **places, **drawn}

    def batches(self, settings: TrainingSettings) -> list[tuple[str, ...]]:  # noqa: ARG002
        """Kinds and numbers of the events."""
        counts = {kind: self.events if kind in MAGNITUDES else self.events // RARITY for kind in KINDS}
        return [keys for kind, count in counts.items() for keys in batched((f"{kind}-{number}" for number in range(count)), BATCH)]

    def load(self, keys: Sequence[str], settings: TrainingSettings) -> Iterator[tuple[str, LabeledEvent]]:
        """Draw events by key."""
        sampler = open_sampler(load_stores(settings.build_dir / "greens", UNSEEN_STORES), settings, self.seed)
        realism = replace(sampler.realism, gains="equal", sharing_deg=SHARING_DEG, mix_earths=mix_neighboring_earths)
        sampler = replace(sampler, realism=realism)
        for key in keys:
            kind, number = key.split("-")
            random = make_generator(self.seed, Purpose.UNSEEN_EARTHS, 10_000 * KINDS.index(kind) + int(number))
            event, azimuth, magnitude = draw_unseen_event(sampler, kind, random, at_ice=self.at_ice)
            source, place = event.source, (event.source.latitude_deg, event.source.longitude_deg)
            truth = Truth(key, kind, *place, source.depth_km, magnitude, NAN if azimuth is None else azimuth, ORIGIN_S)
            yield key, LabeledEvent(truth, scatter_gains(event.records, random))


def write_unseen_earths_page(settings: TrainingSettings, command: str, events: int, seed: int) -> Path:
    """Classify and locate the events as served; write `unseen_earths.md`."""
    results = list(evaluate(UnseenEarths(events, seed), settings))
    return write_page(
        RESULTS / "unseen_earths.md",
        TEMPLATE,
        command,
        stations=f"{STATIONS[0]} to {STATIONS[1]}",
        snr=f"{SNR[0]:g} to {SNR[1]:g}",
        gain=f"{np.exp(GAIN_DEVIATION):.1f}",
        seed=str(seed),
        sharing=f"{SHARING_DEG:.0f}",
        classes=tabulate_classes(results),
        places=tabulate_places(results),
        depths=tabulate_statements(results, "earthquake"),
        azimuths=tabulate_statements(results, "glacial"),
        signs=describe_signs(select_kind(results, "glacial")),
    )


def _split_kind(results: Sequence[EventResult], kind: str) -> list[tuple[str, list[EventResult]]]:
    """List all events of a kind, and its classes of the signal-to-noise ratio, with labels."""
    own = select_kind(results, kind)
    classes = [] if kind == NOISE else split_by_value(own, lambda result: result.snr, SNR_BORDERS)
    return [(kind, own), *((f"{kind}, signal-to-noise ratio {label}", group) for label, group in classes if group)] if own else []


def tabulate_classes(results: Sequence[EventResult]) -> str:
    """Tabulate how often an event is detected and how often each class is answered, by true kind."""
    answers = ("earthquake", "glacial", "other", "undetermined", "none")
    lines = [
        (
            name,
            str(len(group)),
            format_fraction([result.detected for result in group]),
            *(f"{np.mean([result.event_type == answer for result in group]):.0%}" for answer in answers),
        )
        for kind in KINDS
        for name, group in _split_kind(results, kind)
    ]
    return format_table(("events", "n", "detected", *answers), lines)


def tabulate_places(results: Sequence[EventResult]) -> str:
    """Tabulate errors and coverage of the epicenters, by kind, signal-to-noise ratio, gap and method."""
    lines = []
    for kind in MAGNITUDES:
        located = select_located(select_kind(results, kind))
        lines += [summarize_errors(name, group) for name, group in _split_kind(located, kind)]
        around = [result for result in located if result.epicenter.gap_deg < 180.0]
        lines.append(summarize_errors(f"{kind}, gap below 180 degrees", around))
        for method in sorted({result.method for result in located}):
            lines.append(summarize_errors(f"{kind}, {method}", [result for result in located if result.method == method]))
    return format_table(HEADS, lines)


def tabulate_statements(results: Sequence[EventResult], kind: str) -> str:
    """Tabulate the depths of earthquakes, or force azimuths of glacial earthquakes: by the network for all events, and as served."""
    is_force = kind == "glacial"
    lines = []
    for name, group in _split_kind(results, kind):
        for by in ("network", "served"):
            errors, deviations = collect_errors(group, by, is_force=is_force)
            stated = np.isfinite(errors)
            errors, deviations = errors[stated], deviations[stated]
            lines.append((
                name,
                "network alone" if by == "network" else "as served",
                f"{len(errors)} of {len(group)}",
                format_fraction(list(errors <= TOLERANCE)),
                format_median(errors.tolist(), 1),
                format_fraction(list(errors <= deviations)),
            ))  # fmt: skip
    unit = "degrees" if is_force else "km"
    heads = ("events", "by", "stated for", f"within {TOLERANCE:g} {unit}", f"median error, {unit}", "within the stated deviation")
    return format_table(heads, lines)


def collect_errors(results: Sequence[EventResult], by: str, *, is_force: bool) -> tuple[Floats, Floats]:
    """Collect errors without sign and stated deviations [events] of depths in km, or of azimuths modulo 180 degrees; NaN where none."""
    quantity = "force_azimuth" if is_force else "depth"
    prefix, unit = "network_" if by == "network" else "", "deg" if is_force else "km"
    values = np.array([getattr(result, f"{prefix}{quantity}_{unit}") for result in results], np.float64)
    deviations = np.array([getattr(result, f"{prefix}{quantity}_sigma_{unit}") for result in results], np.float64)
    if is_force:
        return angle_difference_deg(values, np.array([result.truth.force_azimuth_deg for result in results]), 180.0), deviations
    return np.abs(values - np.array([result.truth.depth_km for result in results])), deviations


def describe_signs(results: Sequence[EventResult]) -> str:
    """Describe how often the sign of a stated force is right."""
    turned = angle_difference_deg(
        np.array([result.force_azimuth_deg for result in results]), np.array([result.truth.force_azimuth_deg for result in results]), 360.0
    )
    sure = np.isfinite(turned) & ~np.array([result.force_azimuth_ambiguous for result in results], bool)
    return format_fraction(list(turned[sure] < 90.0))
