"""Small bundles of every kind of job, from a seed: what a stream of mixed jobs is made of."""

from typing import NamedTuple

from tests.support import recordings

PATHS = {"classify": "/events/classify", "locate": "/events/locate", "cluster": "/anomalies/cluster"}

Files = tuple[tuple[str, bytes], ...]


class Case(NamedTuple):
    """One request as it can be made any number of times; the answer is the same each time."""

    name: str
    kind: str
    files: Files
    options: dict[str, str] = {}  # noqa: RUF012 -- never written


def mixed(variety: int = 4) -> list[Case]:
    """So many that classify, and that locate, one of each broken, and half as many that cluster."""
    found = [Case(f"classify-{seed}", "classify", event(seed)) for seed in range(variety)]
    found += [Case(f"locate-{seed}", "locate", event(seed)) for seed in range(variety)]
    found += [Case(f"broken-{kind}", kind, (("broken.mseed", bytes(4096)),)) for kind in ("classify", "locate")]
    return found + [Case(f"cluster-{seed}", "cluster", anomalies(seed), {"k_min": "2", "k_max": "3"}) for seed in range((variety + 1) // 2)]


def event(seed: int, stations: int = 4, seconds: int = 1800) -> Files:
    """Some stations around the pole at one sample a second."""
    places = [("XX", f"S{number}", 40.0 + 5 * number, 80.0 * number + seed) for number in range(stations)]
    waves = [(f"XX.S{number}.00.LHZ", 0.0, 1.0, recordings.wave(seconds, seed=10 * seed + number)) for number in range(stations)]
    return ("event.mseed", recordings.miniseed(*waves)), ("stations.csv", recordings.stations_csv(*places))


def anomalies(seed: int, events: int = 20) -> Files:
    """Events of two stations each: more than one piece of work for the workers."""
    files = []
    for number in range(events):
        waves = [(f"XX.S{place}.00.LHZ", 0.0, 1.0, recordings.wave(900, seed=1000 * seed + 10 * number + place)) for place in range(2)]
        files.append((f"anomaly_{number:03d}.mseed", recordings.miniseed(*waves)))
    table = recordings.stations_csv(*[("XX", f"S{place}", 40.0 + 5 * place, 60.0 * place) for place in range(2)])
    return (*files, ("stations.csv", table))
