"""Small bundles of every kind of job, from a seed, for a stream of mixed jobs."""

from typing import NamedTuple

from tests.support import recordings

PATHS = {"classify": "/events/classify", "locate": "/events/locate", "cluster": "/anomalies/cluster"}

Files = tuple[tuple[str, bytes], ...]


class Case(NamedTuple):
    """One request, whose answer is the same each time."""

    name: str
    kind: str
    files: Files
    options: dict[str, str] = {}  # noqa: RUF012 -- never changed


def mixed(variety: int = 4) -> list[Case]:
    """Return `variety` cases of classify and of locate, one broken case of each, and half as many of cluster."""
    cases = [Case(f"classify-{seed}", "classify", event(seed)) for seed in range(variety)]
    cases += [Case(f"locate-{seed}", "locate", event(seed)) for seed in range(variety)]
    cases += [Case(f"broken-{kind}", kind, (("broken.mseed", bytes(4096)),)) for kind in ("classify", "locate")]
    return cases + [Case(f"cluster-{seed}", "cluster", anomalies(seed), {"k_min": "2", "k_max": "3"}) for seed in range((variety + 1) // 2)]


def event(seed: int, stations: int = 4, seconds: int = 1800) -> Files:
    """Stations around the pole at one sample a second."""
    coordinates = [("XX", f"S{number}", 40.0 + 5 * number, 80.0 * number + seed) for number in range(stations)]
    waves = [(f"XX.S{number}.00.LHZ", 0.0, 1.0, recordings.wave(seconds, seed=10 * seed + number)) for number in range(stations)]
    return ("event.mseed", recordings.miniseed(*waves)), ("stations.csv", recordings.stations_csv(*coordinates))


def anomalies(seed: int, events: int = 17) -> Files:
    """Events of two stations each, in more than one batch for the workers."""
    files = []
    for number in range(events):
        waves = [
            (f"XX.S{station}.00.LHZ", 0.0, 1.0, recordings.wave(900, seed=1000 * seed + 10 * number + station)) for station in range(2)
        ]
        files.append((f"anomaly_{number:03d}.mseed", recordings.miniseed(*waves)))
    table = recordings.stations_csv(*[("XX", f"S{station}", 40.0 + 5 * station, 60.0 * station) for station in range(2)])
    return (*files, ("stations.csv", table))
