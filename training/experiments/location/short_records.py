"""
Records cut about P at simulated networks, located by arrival times alone: accepted or not, errors and coverage.

Events and errors of picks are those of `simulated_networks`; each record keeps 30 s before its first arrival and 70 s after it, with false
picks of its own. There are no distances, no peaks of surface waves and no polarization.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from models.analysis.arrival_times import MIN_LOG_EVIDENCE_ALONE, is_significant
from models.array_types import Floats
from models.seismic.association.candidates import Candidates, collect_candidates
from models.seismic.association.locate import ArrivalTimeSolution, locate_by_arrival_times
from models.seismic.association.search import uniform_prior
from models.seismic.earth.travel_times import travel_time_s
from models.seismic.geodesy import KM_PER_DEGREE, destination, distance_deg
from models.seismic.location.origin_time_prior import MAX_LEAD_S
from models.seismic.location.regions import EpicenterRegion
from models.seismic.signal.picker import Picks, pick_record
from models.seismic.signal.rayleigh_envelope import EnvelopePeaks
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import SHORT_RECORD_S, Record
from training.evaluation.metrics import format_fraction
from training.evaluation.pages import RESULTS, format_table, write_page
from training.experiments.location.simulated_networks import (
    Setting,
    SimulatedNetwork,
    make_random_generator,
    scales_to_contain,
    simulate_network,
)

BEFORE_S, AFTER_S = 30.0, 70.0
MEAN_FALSE_PICKS = 1.5
"""Of a record; noise of 100 s has 0.5 to 1 picks, the coda of a local event more."""
TEMPLATE = Path(__file__).parents[1] / "templates" / "short_records.md"
NO_PEAKS = EnvelopePeaks(np.zeros(0), np.zeros(0))
WINDOW_S = (400.0, 1500.0)  # of the simulated records before they are cut

SETTINGS = (
    Setting("local network", (8, 60), (0.0, 2.0), 2.5, (3.0, 30.0), WINDOW_S),
    Setting("local network, one-sided", (8, 60), (2.0, 4.0), 2.0, (3.0, 30.0), WINDOW_S),
    Setting("regional network", (6, 30), (2.0, 8.0), 6.0, (3.0, 60.0), WINDOW_S),
    Setting("deep source beneath", (8, 40), (0.0, 3.0), 5.0, (120.0, 650.0), WINDOW_S),
    Setting("world", (8, 60), (0.0, 20.0), 90.0, (5.0, 600.0), WINDOW_S),
    Setting("one-sided continent", (8, 60), (40.0, 80.0), 20.0, (5.0, 600.0), WINDOW_S),
    Setting("array at 30 to 95", (6, 60), (30.0, 95.0), 2.5, (5.0, 600.0), WINDOW_S),
    Setting("array at 145 to 165", (20, 60), (145.0, 165.0), 5.0, (5.0, 600.0), WINDOW_S),
)
HEADS = (
    *("setting", "events", "located", "median, P90 km", "median stated km", "in 68 % region", "in 90 % region"),
    *("depth within one standard deviation", "origin time within one standard deviation"),
)


@dataclass(frozen=True)
class ShortResult:
    """A located event: error and stated uncertainty of the epicenter, factors its regions need, deviations of depth and origin time."""

    setting: str
    error_km: float
    stated_km: float
    scale_68: float
    scale_90: float
    depth_deviations: float
    time_deviations: float


def cut_picks(network: SimulatedNetwork, random: np.random.Generator) -> list[Picks]:
    """Cut each record from 30 s before its first arrival to 70 s after it, with new false picks."""
    distances = distance_deg(*network.source, network.latitudes, network.longitudes)
    direct_s, core_s = (travel_time_s(phase, distances, network.depth_km) for phase in ("P", "PKP"))
    first_s = np.where((distances <= 100.0) | np.isnan(core_s), direct_s, core_s)
    return [_cut(picks, float(first), random) for picks, first in zip(network.picks, first_s, strict=True)]


def _cut(picks: Picks, first_s: float, random: np.random.Generator) -> Picks:
    start_s, end_s = first_s - BEFORE_S, first_s + AFTER_S
    kept = (picks.times_s > start_s + 10.0) & (picks.times_s < end_s)
    false = random.uniform(start_s + 10.0, end_s, random.poisson(MEAN_FALSE_PICKS))
    times = np.concatenate((picks.times_s[kept], false))
    deviations = np.concatenate((picks.uncertainties_s[kept], random.uniform(0.3, 1.2, len(false))))
    strengths = np.concatenate((picks.strengths[kept], random.uniform(2.0, 3.5, len(false))))
    order, count = np.argsort(times), len(times)
    return Picks(start_s, end_s, times[order], deviations[order], strengths[order], np.ones(count, np.int64), np.zeros(count, np.bool_))


def locate_picks(picks: Sequence[Picks], latitudes: Floats, longitudes: Floats) -> tuple[ArrivalTimeSolution | None, int]:
    """Locate by picks alone, as the service does; returns the solution, accepted or not, and the number of traces with picks."""
    candidates: Candidates | None = collect_candidates(picks, [NO_PEAKS] * len(picks), latitudes, longitudes)
    if candidates is None:
        return None, 0
    solution = locate_by_arrival_times(replace(candidates, usual_lead_s=MAX_LEAD_S), uniform_prior)
    return solution, len(candidates.trace_indices)


def measure_event(setting: Setting, seed: int, number: int) -> ShortResult | None:
    """Simulate, cut and locate one event; None where it is not located."""
    random = make_random_generator(setting, seed, number)
    network = simulate_network(setting, random)
    solution, traces = locate_picks(cut_picks(network, random), network.latitudes, network.longitudes)
    if solution is None or not is_significant(solution, traces, (network.latitudes, network.longitudes), alone=True):
        return None
    regions: tuple[EpicenterRegion, ...] = solution.regions
    joint = solution.depth_time
    return ShortResult(
        setting.name,
        float(distance_deg(*network.source, regions[0].latitude_deg, regions[0].longitude_deg)) * KM_PER_DEGREE,
        regions[0].horizontal_uncertainty_km,
        *scales_to_contain(regions, network.source),
        (joint.depth_km - network.depth_km) / joint.depth_uncertainty_km,
        joint.time_s / joint.time_uncertainty_s,
    )


def locate_noise(seed: int, number: int) -> float:
    """
    Locate picks of noise: 5 to 63 records of 60 s and more in a circle of 1 to 160 degrees; return the log Bayes factor.

    Minus infinity where no source is found. Noise is Gaussian, its amplitude spectrum a power of frequency with a microseism.
    """
    random = np.random.default_rng([seed, number])
    count, rate_hz, length_s = int(random.integers(5, 64)), float(random.choice([1.0, 5.0])), random.uniform(60.0, SHORT_RECORD_S)
    center = np.degrees(np.arcsin(random.uniform(-1.0, 1.0))), random.uniform(-180.0, 180.0)
    latitudes, longitudes = destination(
        *center, random.uniform(0.0, 360.0, count), 10.0 ** random.uniform(0.0, 2.2) * random.uniform(size=count)
    )
    spread_s, samples = random.choice([0.0, 300.0]), int(length_s * rate_hz)
    hertz = np.maximum(np.fft.rfftfreq(2 * samples, 1.0 / rate_hz), 0.5 / length_s)
    picks = []
    for number_of_station, point in enumerate(zip(latitudes.tolist(), longitudes.tolist(), strict=True)):
        amplitude = hertz ** -random.uniform(0.0, 1.0) * (1.0 + 8.0 * np.exp(-0.5 * (np.log(hertz / 0.18) / 0.35) ** 2))
        noise = np.fft.irfft(amplitude * np.exp(2j * np.pi * random.uniform(size=len(hertz))))[:samples].astype(np.float32)
        name = TraceId("XX", f"S{number_of_station}", "", "BHZ")
        picks.append(pick_record(Record(name, random.uniform(0.0, spread_s), rate_hz, noise, *point)))
    solution, _ = locate_picks(picks, latitudes, longitudes)
    return -np.inf if solution is None else solution.log_evidence


def write_short_records_page(command: str, trials: int, seed: int) -> Path:
    """Locate `trials` events of each setting, and as many networks of noise as events in all; write `short_records.md`."""
    results = {setting.name: [measure_event(setting, seed, number) for number in range(trials)] for setting in SETTINGS}
    noise = [locate_noise(seed, number) for number in range(trials * len(SETTINGS))]
    return write_page(
        RESULTS / "short_records.md",
        TEMPLATE,
        command,
        table=format_table(HEADS, format_results(results)),
        evidence=f"{MIN_LOG_EVIDENCE_ALONE:g}",
        networks=str(len(noise)),
        largest=f"{max(noise):.1f}",
    )


def format_results(results: Mapping[str, Sequence[ShortResult | None]]) -> list[tuple[str, ...]]:
    """Format errors and coverage of each setting, and of all together, in the columns of HEADS."""
    groups = {**results, "all": [result for group in results.values() for result in group]}
    lines: list[tuple[str, ...]] = []
    for name, group in groups.items():
        located = [result for result in group if result is not None]
        errors = [result.error_km for result in located]
        lines.append(
            (
                name,
                str(len(group)),
                str(len(located)),
                "{:.0f}, {:.0f}".format(*np.percentile(errors, (50, 90))) if located else "",
                f"{np.median([result.stated_km for result in located]):.0f}" if located else "",
                format_fraction([result.scale_68 <= 1.0 for result in located]),
                format_fraction([result.scale_90 <= 1.0 for result in located]),
                format_fraction([abs(result.depth_deviations) <= 1.0 for result in located]),
                format_fraction([abs(result.time_deviations) <= 1.0 for result in located]),
            )
        )
    return lines
