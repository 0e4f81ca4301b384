"""`python -m training`: the store, data sets, models, and the pages that tell how good they are."""

import argparse
from collections.abc import Callable
from pathlib import Path

from training import (
    bundles,
    deepcluster,
    fdsn,
    gallery,
    greens,
    leakage,
    mixtures,
    offset,
    physics,
    real_events,
    realism_report,
    report,
    section_models,
    source_figure,
    twin,
)
from training.config import TrainingSettings, recipe
from training.seeds import Purpose

STORES = tuple(f"greens_{period}{crust}" for period in ("10s", "50s") for crust in ("", "_continental", "_oceanic"))
TRAINERS: dict[str, Callable[[TrainingSettings, str], Path]] = {
    "offset": offset.train,
    "event_type": lambda settings, version: section_models.train("event_type", settings, version),
    "depth": lambda settings, version: section_models.train("depth", settings, version),
    "force_azimuth": lambda settings, version: section_models.train("force_azimuth", settings, version),
    "families": deepcluster.train,
}


def build_store(name: str, settings: TrainingSettings) -> None:
    """Compute a Green's function store, or what is missing of it."""
    greens.build(recipe(name, greens.GreensConfig), settings.build_dir / "greens" / name, settings.processes)


def train(name: str, settings: TrainingSettings, version: str) -> None:
    """Train, export and score one model, and print its card's metrics."""
    place = TRAINERS[name](settings, version)
    print(f"{name}: {place}")


def write_archive(verb: str, settings: TrainingSettings, arguments: argparse.Namespace) -> None:
    """Draw the catalog twin, a set of anomalies, or waveforms to train on; a stopped run goes on where it was."""
    if verb == "twin":
        twin.write_twin(recipe("twin", twin.TwinRecipe), settings, arguments.out)
    else:
        purpose = {"anomalies": Purpose.ANOMALIES, "endless": Purpose.ENDLESS}[verb]
        mixture = recipe(verb, mixtures.MixtureRecipe)
        mixtures.write_mixture(mixture, purpose, arguments.seed, arguments.events, settings, arguments.out)


def fetch(arguments: argparse.Namespace, _settings: TrainingSettings) -> None:
    """Fetch what is missing of a plan, and tell whether all of it came."""
    done = fdsn.fetch(fdsn.read_plan(arguments.plan), arguments.folder)
    print(f"{arguments.folder}: {done.requests} requests, {done.failures} failed{'; run again for the rest' if done.failures else ''}")


def draw_gallery(arguments: argparse.Namespace, settings: TrainingSettings) -> None:
    """Draw synthetic and real sections."""
    out = settings.build_dir / "gallery"
    count = gallery.write_gallery(settings, arguments.folder, out, Path("docs/figures/gallery.png"))
    print(f"{out / 'index.html'}: {count} sections")


def draw_sources(_arguments: argparse.Namespace, _settings: TrainingSettings) -> None:
    """Draw every kind of source."""
    source_figure.write_sources(Path("docs/figures/sources.png"))


def measure_leakage(arguments: argparse.Namespace, _settings: TrainingSettings) -> None:
    """Tell what trivial cues give away."""
    Path("docs/leakage.md").write_text(leakage.page(arguments.folders, arguments.events), encoding="utf-8")


def measure_physics(_arguments: argparse.Namespace, settings: TrainingSettings) -> None:
    """Hold the stores against disba, TauP and the moment that went in."""
    Path("docs/physics.md").write_text(physics.report(settings.build_dir / "greens", STORES), encoding="utf-8")


def measure_realism(arguments: argparse.Namespace, settings: TrainingSettings) -> None:
    """Hold synthetics against real records."""
    page = realism_report.report(arguments.folder, settings.build_dir / "realism", Path("docs/figures/realism.png"))
    Path("docs/realism.md").write_text(page, encoding="utf-8")


def add_measures(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verbs that fetch real recordings and hold the synthetic ones against them and against physics."""
    recordings = verbs.add_parser("fdsn", help="fetch real recordings by FDSN web services into an archive; run again to go on")
    recordings.add_argument("plan", type=Path, help="TOML file as training/configs/fdsn_example.toml")
    recordings.add_argument("folder", type=Path)
    recordings.set_defaults(run=fetch)
    beside = verbs.add_parser("gallery", help="write build/gallery and docs/figures/gallery.png: synthetic sections beside real ones")
    beside.add_argument("folder", type=Path, help="real events, a folder each")
    beside.set_defaults(run=draw_gallery)
    kinds = verbs.add_parser("sources-figure", help="write docs/figures/sources.png: histories and spectra of every kind of source")
    kinds.set_defaults(run=draw_sources)
    guard = verbs.add_parser("leakage", help="write docs/leakage.md: what trivial cues give away in archives")
    guard.add_argument("folders", type=Path, nargs="+")
    guard.add_argument("--events", type=int, default=300, help="most events of each")
    guard.set_defaults(run=measure_leakage)
    laws = verbs.add_parser("physics", help="write docs/physics.md: the stores against disba, TauP and the moment that went in")
    laws.set_defaults(run=measure_physics)
    likeness = verbs.add_parser("realism", help="write docs/realism.md: synthetic against observed records of a folder of real events")
    likeness.add_argument("folder", type=Path)
    likeness.set_defaults(run=measure_realism)


def write_report(_arguments: argparse.Namespace, settings: TrainingSettings) -> None:
    """Write what the cards say."""
    Path("docs/models.md").write_text(report.report(settings.artifacts_dir), encoding="utf-8")
    readme = Path("README.md")
    readme.write_text(report.with_scores(readme.read_text(encoding="utf-8"), report.scores(settings.artifacts_dir)), encoding="utf-8")


def read_real_events(arguments: argparse.Namespace, settings: TrainingSettings) -> None:
    """Read real events with the shipped models."""
    Path("docs/real_events.md").write_text(real_events.report(settings.artifacts_dir, arguments.folder), encoding="utf-8")


def train_all(arguments: argparse.Namespace, settings: TrainingSettings) -> None:
    """The store, then every model in order."""
    build_store("greens_10s", settings)
    for name in TRAINERS:
        train(name, settings, arguments.version)


def add_training(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verbs that make weights, and those that tell how good they are."""
    store = verbs.add_parser("greens", help="compute a Green's function store")
    store.add_argument("name", choices=STORES)
    store.set_defaults(run=lambda given, settings: build_store(given.name, settings))
    one = verbs.add_parser("train", help="train, export and score one model (offset first: the others read its predictions)")
    one.add_argument("name", choices=tuple(TRAINERS))
    one.set_defaults(run=lambda given, settings: train(given.name, settings, given.version))
    everything = verbs.add_parser("all", help="the store and every model, in order")
    everything.set_defaults(run=train_all)
    for versioned in (one, everything):
        versioned.add_argument("--version", default="1", help="version folder of the artifacts")
    cards = verbs.add_parser("report", help="write docs/models.md and the scores in README.md from the cards")
    cards.set_defaults(run=write_report)
    real = verbs.add_parser("real-events", help="write docs/real_events.md from a folder of real events")
    real.add_argument("folder", type=Path)
    real.set_defaults(run=read_real_events)


def add_archives(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verbs that write waveforms."""
    demo = verbs.add_parser("bundles", help="write synthetic bundles for the demonstration")
    demo.add_argument("--out", type=Path, default=Path("app/demo_bundles"))
    demo.set_defaults(run=lambda given, settings: bundles.write_bundles(settings, given.out))
    for verb, what in (("twin", "the catalog twin"), ("anomalies", "events of every kind"), ("endless", "events to train on")):
        archive = verbs.add_parser(verb, help=f"draw {what} into an archive of waveforms, labels apart")
        archive.add_argument("--out", type=Path, default=Path("build/archives") / verb)
        archive.set_defaults(run=lambda given, settings: write_archive(given.verb, settings, given))
        if verb != "twin":
            archive.add_argument("--events", type=int, default=500)
            archive.add_argument("--seed", type=int, default=3407)


def main() -> None:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    add_training(verbs)
    add_archives(verbs)
    add_measures(verbs)
    arguments = parser.parse_args()
    arguments.run(arguments, TrainingSettings())


if __name__ == "__main__":
    main()
