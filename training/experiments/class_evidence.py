"""
How explosions, collapses, landslides and earthquakes are answered: by their synthetic sections, and with simulated physical evidence.

Synthetic records hold vertical motion at 10 s and longer, in which there are neither Love waves nor waves of 1 Hz. What these say is
therefore simulated at the level of amplitudes: random sources of each kind, with the scatter that publications state, measured at networks
of three-component stations whose response is known, and weighed as served.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from models.analysis.event_class import NO_EVIDENCE, PhysicalEvidence, choose_class, weigh_classes
from models.analysis.physical_evidence import MAX_EXPLOSION_LOG_RATIO, SHORT_PERIOD_ODDS, weigh_surface_depth
from models.analysis.sections import SectionReference
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
from models.seismic.discriminants.station_magnitudes import StationMagnitudes
from models.seismic.earth.surface_wave_excitation import excite_waves
from models.specs.event_type import EVENT_TYPE
from training.config import TrainingSettings, load_recipe
from training.datasets.sections import SectionRecipe, draw_sections
from training.evaluation.metrics import wilson
from training.evaluation.pages import RESULTS, format_table, write_page

TEMPLATE: Final = Path(__file__).parent / "templates" / "classes.md"
TESTED: Final = ("earthquake", "explosion", "collapse", "landslide")
STATIONS: Final = (4, 8, 16)
REPEATS: Final = 2  # simulated networks for each section
DEPTH_ERROR_KM: Final = 15.0
FIRST_MOTION_DEG, READ_SHARE = (1.5, 30.0), 0.15
"""Distances of the stations for P, and the share of them where a first motion is read: 35 of 241 observed records at true epicenters."""
NOISE_BOUNDS: Final = (-1.2, 0.2)  # ML - Ms that noise near 1 Hz has where 20 s waves are seen


def draw_tensor(kind: str, random: np.random.Generator) -> tuple[Floats, float]:
    """Draw moment tensor [1, 6] and depth of a source of a kind; a landslide stands for a shallow double couple."""
    tensor, depth_km = love_rayleigh.draw_mechanisms(1, random), random.uniform(*love_rayleigh.EARTHQUAKE_DEPTHS_KM)
    if kind == "earthquake":
        return tensor, depth_km
    release = love_rayleigh.RELEASE_MEDIAN * random.lognormal(0.0, love_rayleigh.RELEASE_SIGMA)
    core = love_rayleigh.SURFACE_TENSORS.get(kind)
    return (tensor if core is None else np.array([core]) + release * tensor), love_rayleigh.SURFACE_DEPTH_KM


def draw_first_motions(tensor: Floats, depth_km: float, azimuths: Floats, random: np.random.Generator) -> list[FirstMotion]:
    """Draw the first motions of a source that are read at stations at 1.5 to 30 degrees, with the errors that serving assumes."""
    nearest, farthest = np.log(FIRST_MOTION_DEG).tolist()
    takeoffs = takeoff_angles_deg(np.exp(random.uniform(nearest, farthest, len(azimuths))), depth_km)
    motions = [FirstMotion(True, float(azimuth), float(takeoff)) for azimuth, takeoff in zip(azimuths, takeoffs, strict=True)]
    upward = [np.exp(first_motion_log_likelihoods([motion], tensor)[0]) for motion in motions]
    drawn = random.uniform(size=(2, len(motions)))
    return [replace(motion, is_up=bool(u < up)) for motion, u, read, up in zip(motions, *drawn, upward, strict=True) if read < READ_SHARE]


def draw_love_ratios(tensor: Floats, depth_km: float, azimuths: Floats, random: np.random.Generator) -> list[love_rayleigh.WaveRatio]:
    """Draw the ratios of Love to Rayleigh waves of a source at stations."""
    stations = len(azimuths)
    rayleigh, love = excite_waves(tensor, np.array([depth_km]), random.uniform(size=1), np.radians(azimuths))
    love = np.hypot(love[0], love_rayleigh.SCATTERED_LOVE * np.abs(random.normal()) * rayleigh[0])
    ratios = np.log10(love / np.hypot(rayleigh[0], love_rayleigh.SCATTERED_RAYLEIGH * love))
    ratios += random.normal(0.0, love_rayleigh.STATION_SIGMA, stations) + random.normal(0.0, love_rayleigh.COMMON_SIGMA)
    return [love_rayleigh.WaveRatio(float(ratio), float(azimuth)) for ratio, azimuth in zip(ratios, azimuths % 360.0, strict=True)]


def draw_station_magnitudes(kind: str, stations: int, random: np.random.Generator) -> list[StationMagnitudes]:
    """Draw magnitudes of an event of a kind at stations: Ms of 3.5 to 5.5 (explosions 2.5 to 4.5) and the published differences."""
    surface = float(random.uniform(2.5, 4.5) if kind == "explosion" else random.uniform(3.5, 5.5))
    shift, sigma = {"explosion": (0.68, EXPLOSION_SIGMA), "collapse": (-0.3, BODY_SIGMA)}.get(kind, (0.0, BODY_SIGMA))
    common = float(random.normal(0.0, COMMON_SIGMA))
    body = 1.224 - 0.212 * surface + shift + float(random.normal(0.0, sigma)) + common
    local = 0.75 - 0.33 * (surface - 4.0) + float(random.normal(0.0, LOCAL_SIGMA)) + common
    if kind == "landslide":
        body, local = float("nan"), float(random.normal(FORCE_DIFFERENCE, FORCE_SIGMA)) + common
    bound = float(random.uniform(*NOISE_BOUNDS))
    errors = random.normal(0.0, STATION_SIGMA, (stations, 2))
    return [
        StationMagnitudes(surface, surface + body + p, surface + max(local + s, bound), local + s > bound + np.log10(2.0), -1.0)
        for p, s in errors.tolist()
    ]


def draw_evidence(kind: str, stations: int, random: np.random.Generator) -> PhysicalEvidence:
    """Draw the evidence that a network measures of an event of a kind, combined as served."""
    magnitudes = draw_station_magnitudes(kind, stations, random)
    azimuths = random.uniform(0.0, 360.0) + random.uniform(0.0, random.uniform(60.0, 360.0), stations)
    source = draw_tensor(kind, random)
    motions = [] if kind == "landslide" else draw_first_motions(*source, azimuths, random)
    ratios = draw_love_ratios(*source, azimuths, random)
    explosion = love_rayleigh.weigh_explosion(ratios, weigh_explosion_magnitudes(magnitudes, 0.0), motions)
    explosion += weigh_surface_depth(abs(float(random.normal(source[1], DEPTH_ERROR_KM))), DEPTH_ERROR_KM)
    force = 0.0 if kind == "landslide" else -float(np.log(SHORT_PERIOD_ODDS))
    return PhysicalEvidence(force, min(explosion, MAX_EXPLOSION_LOG_RATIO), weigh_force_magnitudes(magnitudes, 0.0))


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
    return found


def format_answers(sections: Mapping[str, Sequence[tuple[Floats, SectionReference | None]]]) -> str:
    """Format a row for each kind: answers by the section alone, and with physical evidence of networks of STATIONS."""
    random, rows = np.random.default_rng(16), []
    for kind, events in sections.items():
        cells = [count_answers([choose_class(weigh_classes(network, point, NO_EVIDENCE)) for network, point in events])]
        for stations in STATIONS:
            drawn = [(*event, draw_evidence(kind, stations, random)) for event in events for _ in range(REPEATS)]
            cells.append(count_answers([choose_class(weigh_classes(*one)) for one in drawn]))
        rows.append((f"{kind} ({len(events)})", *cells))
    return format_table(("kind (sections)", "section and epicenter alone", *(f"with {count} stations" for count in STATIONS)), rows)


def write_classes_page(settings: TrainingSettings, command: str, store: str, most: int) -> Path:
    """Draw and classify that many events of each kind; write `classes.md`."""
    return write_page(
        RESULTS / "classes.md", TEMPLATE, command, answers=format_answers(predict_sections(settings, store, most)), store=store
    )
