"""
How explosions, collapses, landslides and earthquakes are answered: by their synthetic sections, and with simulated physical evidence.

Synthetic sections hold vertical motion at 10 s and longer, in which there are neither Love waves nor waves of 1 Hz. What these say is
therefore simulated at the level of amplitudes: random sources of each kind, with the scatter that publications state, measured at networks
of three-component stations whose response is known in noise between Peterson's models, and weighed as served. Waveforms of the same
sources at 28 to 150 s are synthesized and inverted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from tqdm import tqdm

from models.analysis.arrival_times import MANY_STATIONS
from models.analysis.event_class import NO_EVIDENCE, PhysicalEvidence, choose_class, weigh_classes
from models.analysis.physical_evidence import (
    MAX_EXPLOSION_LOG_RATIO,
    MIN_IMPULSIVE,
    SHORT_PERIOD_ODDS,
    weigh_short_periods,
    weigh_surface_depth,
)
from models.analysis.sections import SectionReference
from models.analysis.source import MIN_OPEN_PROBABILITY, add_surface_source
from models.array_types import Floats
from models.registry.inference import OnnxModel
from models.registry.store import open_store
from models.seismic.discriminants import love_rayleigh
from models.seismic.discriminants.first_motions import FirstMotion, first_motion_log_likelihoods, takeoff_angles_deg
from models.seismic.discriminants.magnitude_differences import (
    BODY_SIGMA,
    COMMON_SIGMA,
    EXPLOSION_SIGMA,
    FORCE_DIFFERENCE,
    FORCE_SIGMA,
    LOCAL_SIGMA,
    STATION_SIGMA,
    weigh_explosion_magnitudes,
    weigh_force_magnitudes,
)
from models.seismic.discriminants.station_magnitudes import (
    BODY_WAVE_DEG,
    LOCAL_DEG,
    MEAN_NOISE_DB,
    MIN_SNR,
    NOISE_FREQUENCIES_HZ,
    RAYLEIGH_PERIOD_S,
    SHORT_BAND,
    StationMagnitudes,
    correct_body_wave,
    correct_local,
    correct_surface_wave,
    russell_half_width_hz,
)
from models.seismic.earth.random_sources import EARTHQUAKE_DEPTHS_KM, SURFACE_DEPTH_KM
from models.seismic.earth.seismicity import lies_at_ice_sheet
from models.seismic.earth.surface_wave_excitation import excite_waves
from models.specs.event_type import EVENT_TYPE
from training.config import TrainingSettings, load_recipe
from training.datasets.sections import SectionRecipe, draw_sections
from training.evaluation.metrics import wilson
from training.evaluation.pages import RESULTS, format_table, write_page
from training.experiments.class_waveforms import weigh_waveforms
from training.experiments.source.regional_networks import Simulator, draw_tensor, open_simulator

TEMPLATE: Final = Path(__file__).parent / "templates" / "classes.md"
TESTED: Final = ("earthquake", "explosion", "collapse", "landslide")
AT_ICE: Final = "earthquake at an ice sheet"
SOURCES: Final = {AT_ICE: "earthquake"}
"""Kinds of source of the groups that are named otherwise."""
STATIONS: Final = (4, 8, 16)
SEED: Final = 18  # of the catalogs and noise of waveforms
REPEATS: Final = 2  # simulated networks for each section
DEPTH_ERROR_KM: Final = 15.0
STATION_DISTANCES_DEG: Final = (1.0, 30.0)
FIRST_MOTION_DEG, READ_SHARE = 1.5, 0.15
"""Nearest station for P, and the share of stations where a first motion is read: 35 of 241 observed records at true epicenters."""
NETWORK_NOISE, STATION_NOISE = 0.3, 0.4
"""
Scatter of the logarithm of the noise about Peterson's mean spectrum: from network to network, and from station to station. Together they
leave one station in a hundred outside of his low and high models, which lie 1.25 on either side at 1 Hz.
"""
SEEN: Final = float(np.log10(MIN_SNR))
NOISE_PEAK: Final = 3.0  # largest amplitude of a minute over the root mean square
IMPULSIVE_SNR: Final = 10.0
"""Amplitude of P over the noise from which most onsets are impulsive (`tests/models/seismic/discriminants/test_onsets.py`)."""
FORCE_BODY_DIFFERENCE: Final = FORCE_DIFFERENCE - 0.3  # mb - Ms of landslides: as much below ML as that of earthquakes


@dataclass(frozen=True)
class DrawnWaves:
    """Ms, magnitudes of the stations that show a Rayleigh wave, and the number of stations where P is picked, and where it is impulsive."""

    surface: float
    magnitudes: list[StationMagnitudes]
    picked: int
    impulsive: int


@dataclass(frozen=True)
class DrawnEvent:
    """
    An event at a network: `tensor` [6] (nn, ee, dd, ne, nd, ed), depth, Ms, `stations`: distances and azimuths [n] in degrees.

    `evidence`: what the network measures of it, but for waveforms of long periods.
    """

    kind: str
    tensor: Floats
    depth_km: float
    surface: float
    stations: tuple[Floats, Floats]
    evidence: PhysicalEvidence


def draw_first_motions(tensor: Floats, depth_km: float, stations: tuple[Floats, Floats], random: np.random.Generator) -> list[FirstMotion]:
    """Draw the first motions of a source that are read at stations (distances, azimuths), with the errors that serving assumes."""
    distances, azimuths = stations
    motions = [
        FirstMotion(True, *angles) for angles in zip(azimuths.tolist(), takeoff_angles_deg(distances, depth_km).tolist(), strict=True)
    ]
    upward = [np.exp(first_motion_log_likelihoods([motion], tensor)[0]) for motion in motions]
    drawn = random.uniform(size=(2, len(motions)))
    read = (drawn[1] < READ_SHARE) & (distances >= FIRST_MOTION_DEG)
    return [replace(motion, is_up=bool(u < up)) for motion, u, up, used in zip(motions, drawn[0], upward, read, strict=True) if used]


def draw_love_ratios(tensor: Floats, depth_km: float, azimuths: Floats, random: np.random.Generator) -> list[love_rayleigh.WaveRatio]:
    """Draw the ratios of Love to Rayleigh waves of a source at stations."""
    stations = len(azimuths)
    rayleigh, love = excite_waves(tensor, np.array([depth_km]), random.uniform(size=1), np.radians(azimuths))
    love = np.hypot(love[0], love_rayleigh.SCATTERED_LOVE * np.abs(random.normal()) * rayleigh[0])
    ratios = np.log10(love / np.hypot(rayleigh[0], love_rayleigh.SCATTERED_RAYLEIGH * love))
    ratios += random.normal(0.0, love_rayleigh.STATION_SIGMA, stations) + random.normal(0.0, love_rayleigh.COMMON_SIGMA)
    return [love_rayleigh.WaveRatio(float(ratio), float(azimuth)) for ratio, azimuth in zip(ratios, azimuths % 360.0, strict=True)]


def noise_level(band_hz: tuple[float, float]) -> float:
    """Compute the logarithm of the largest displacement in nanometers of a minute of noise of Peterson's mean spectrum in a band."""
    frequencies = np.linspace(*band_hz, 50)
    decibels = np.interp(np.log10(frequencies), np.log10(NOISE_FREQUENCIES_HZ), MEAN_NOISE_DB)
    power = 10.0 ** (decibels / 10.0) / (2.0 * np.pi * frequencies) ** 4
    return float(np.log10(NOISE_PEAK * 1e9 * np.sqrt(np.trapezoid(power, frequencies))))


def draw_differences(kind: str, surface: float, random: np.random.Generator) -> tuple[float, float]:
    """Draw mb - Ms and ML - Ms of an event of a kind as published relations have them."""
    common = float(random.normal(0.0, COMMON_SIGMA))
    if kind == "landslide":
        own = float(random.normal(0.0, FORCE_SIGMA))
        return FORCE_BODY_DIFFERENCE + own + common, FORCE_DIFFERENCE + own + common
    shift, sigma = {"explosion": (0.68, EXPLOSION_SIGMA), "collapse": (-0.3, BODY_SIGMA)}.get(kind, (0.0, BODY_SIGMA))
    body = 1.224 - 0.212 * surface + shift + float(random.normal(0.0, sigma)) + common
    return body, 0.75 - 0.33 * (surface - 4.0) + float(random.normal(0.0, LOCAL_SIGMA)) + common


def draw_waves(kind: str, distances_deg: Floats, random: np.random.Generator, assumed_deg: Floats | None = None) -> DrawnWaves:
    """
    Draw what stations measure of an event of a kind, with Ms of 3.5 to 5.5 (explosions 2.5 to 4.5), in noise of its own.

    `assumed_deg`: distances from a wrong epicenter, by which magnitudes are corrected.
    """
    surface = float(random.uniform(2.5, 4.5) if kind == "explosion" else random.uniform(3.5, 5.5))
    body, local = draw_differences(kind, surface, random)
    network = random.normal(0.0, NETWORK_NOISE, 2)
    magnitudes, ratios = [], []
    for distance, assumed in zip(distances_deg.tolist(), (distances_deg if assumed_deg is None else assumed_deg).tolist(), strict=True):
        width, errors = russell_half_width_hz(distance), random.normal(0.0, STATION_SIGMA, 2)
        short, long = network + random.normal(0.0, STATION_NOISE, 2)
        short += noise_level((SHORT_BAND.low_hz, SHORT_BAND.high_hz))
        long += noise_level((1.0 / RAYLEIGH_PERIOD_S - width, 1.0 / RAYLEIGH_PERIOD_S + width)) + correct_surface_wave(distance)
        in_p = surface + body + errors[0] - correct_body_wave(distance) - short
        in_lg = surface + local + errors[1] - correct_local(distance) - short
        ratios.append(in_p)
        if surface < long + SEEN:
            continue
        near, far = LOCAL_DEG[0] <= assumed <= LOCAL_DEG[1], assumed >= BODY_WAVE_DEG[0]
        p = max(in_p, 0.0) + short + correct_body_wave(assumed) if far else np.nan
        lg = max(in_lg, 0.0) + short + correct_local(assumed) if near else np.nan
        measured = surface - correct_surface_wave(distance) + correct_surface_wave(assumed)
        magnitudes.append(StationMagnitudes(measured, p, lg, near and in_lg > SEEN, -1.0, far and in_p > SEEN))
    impulsive = 0 if kind == "landslide" else int((np.array(ratios) > np.log10(IMPULSIVE_SNR)).sum())
    return DrawnWaves(surface, magnitudes, int((np.array(ratios) > SEEN).sum()), impulsive)


def draw_class_event(kind: str, stations: int, random: np.random.Generator) -> DrawnEvent:
    """Draw an event of a kind at a network, and the evidence that this measures, combined as served."""
    nearest, farthest = np.log(STATION_DISTANCES_DEG).tolist()
    distances = np.exp(random.uniform(nearest, farthest, stations))
    azimuths = (random.uniform(0.0, 360.0) + random.uniform(0.0, random.uniform(60.0, 360.0), stations)) % 360.0
    waves = draw_waves(kind, distances, random)
    tensor, depth_km = draw_tensor(kind, random, EARTHQUAKE_DEPTHS_KM)
    source = (tensor[None], SURFACE_DEPTH_KM if kind == "landslide" else depth_km)  # a landslide stands for a shallow double couple
    motions = [] if kind == "landslide" else draw_first_motions(*source, (distances, azimuths), random)
    ratios = draw_love_ratios(*source, azimuths, random)
    explosion = love_rayleigh.weigh_explosion(ratios, weigh_explosion_magnitudes(waves.magnitudes, 0.0), motions)
    explosion += weigh_surface_depth(abs(float(random.normal(source[1], DEPTH_ERROR_KM))), DEPTH_ERROR_KM)
    by_arrivals = -float(np.log(SHORT_PERIOD_ODDS)) if waves.picked >= MANY_STATIONS else 0.0
    by_waves = weigh_force_magnitudes(waves.magnitudes, 0.0)
    force, landslide = weigh_short_periods(by_arrivals, by_waves, impulsive=waves.impulsive >= MIN_IMPULSIVE)
    evidence = PhysicalEvidence(force, min(explosion, MAX_EXPLOSION_LOG_RATIO), landslide)
    return DrawnEvent(kind, tensor, source[1], waves.surface, (distances, azimuths), evidence)


def answer_event(
    network: Floats, point: SectionReference | None, event: DrawnEvent, simulator: Simulator | None, random: np.random.Generator
) -> str:
    """
    Answer the class of a drawn event as served, by the probabilities of the network and all evidence.

    With a `simulator` the waveforms of long periods are synthesized and inverted for a moment tensor where the service would; of a
    landslide, which is none, and without an epicenter they are not.
    """
    probabilities = weigh_classes(network, point, event.evidence)
    answer = choose_class(probabilities)
    is_tried = answer != "other" and (answer != "glacial" or probabilities["earthquake"] >= MIN_OPEN_PROBABILITY)
    if simulator is None or point is None or event.kind == "landslide" or not is_tried:
        return answer
    epicenter = (point.latitude_deg, point.longitude_deg)
    mechanism = (event.tensor, event.depth_km)
    log_ratio = weigh_waveforms(simulator, event.kind, mechanism, event.surface, epicenter, event.stations, random)
    return answer if log_ratio is None else choose_class(add_surface_source(probabilities, event.evidence, log_ratio)[0])


def count_answers(answers: Sequence[str]) -> str:
    """Format how many answers are other or undetermined, with Wilson's interval, and how many are `other`."""
    doubted = sum(answer in ("other", "undetermined") for answer in answers)
    low, high = wilson(doubted, len(answers))
    return f"{doubted / len(answers):.0%} ({low:.0%} to {high:.0%}); other {answers.count('other') / len(answers):.0%}".replace("%", " %")


def predict_sections(settings: TrainingSettings, store: str, most: int) -> dict[str, list[tuple[Floats, SectionReference | None]]]:
    """Draw sections of each kind, and predict the network's classes; each with the epicenter that it was drawn at."""
    network = OnnxModel.load(open_store(settings.artifacts_dir), EVENT_TYPE, threads=1)
    found = {}
    for number, kind in enumerate(TESTED):
        recipe = load_recipe("sections", SectionRecipe).model_copy(update={"store": store, "kinds": {kind: 1.0}, "events_per_shard": most})
        arrays = draw_sections(recipe, settings, 9000 + number)
        probabilities = network.run(np.asarray(arrays["distance"], np.uint8))["probabilities"].astype(np.float64)
        points = [SectionReference(float(row[5]), float(row[6]), "given") if np.isfinite(row[5]) else None for row in arrays["truth"]]
        found[kind] = list(zip(probabilities, points, strict=True))
    at_ice = [event for event in found["earthquake"] if lies_at_ice(event[1])]
    found["earthquake"] = [event for event in found["earthquake"] if not lies_at_ice(event[1])]
    return found | {AT_ICE: at_ice}


def lies_at_ice(point: SectionReference | None) -> bool:
    """Whether an epicenter is given and lies at an ice sheet."""
    return point is not None and bool(lies_at_ice_sheet(np.array([point.latitude_deg]), np.array([point.longitude_deg]))[0])


def format_answers(sections: Mapping[str, Sequence[tuple[Floats, SectionReference | None]]], simulator: Simulator | None = None) -> str:
    """Format a row for each kind: answers by the section alone, and with physical evidence of networks of STATIONS."""
    random, waveforms, rows = np.random.default_rng(16), np.random.default_rng(17), []
    for kind, events in sections.items():
        cells = [count_answers([choose_class(weigh_classes(network, point, NO_EVIDENCE)) for network, point in events])]
        for stations in STATIONS:
            drawn = [(event, draw_class_event(SOURCES.get(kind, kind), stations, random)) for event in events for _ in range(REPEATS)]
            progress = tqdm(drawn, f"{kind}, {stations} stations")
            cells.append(count_answers([answer_event(network, point, seen, simulator, waveforms) for (network, point), seen in progress]))
        rows.append((f"{kind} ({len(events)})", *cells))
    return format_table(("kind (sections)", "section and epicenter alone", *(f"with {count} stations" for count in STATIONS)), rows)


def write_classes_page(settings: TrainingSettings, command: str, store: str, most: int) -> Path:
    """Draw and classify that many events of each kind; write `classes.md`."""
    answers = format_answers(predict_sections(settings, store, most), open_simulator(settings, SEED))
    return write_page(RESULTS / "classes.md", TEMPLATE, command, answers=answers, store=store)
