"""`python -m training`: the store, data sets, models, and the pages that tell how good they are."""
# ruff: noqa: PLC0415  (a verb imports what it needs: the engine's processes import this module again and shall not hold PyTorch)

import argparse
import subprocess
import sys
from pathlib import Path

from training.cli import experiments, reports, tables
from training.config import TrainingSettings, load_recipe
from training.earth import greens
from training.random_streams import Purpose

STORES = (*greens.FULL_STORES, "greens_50s", "greens_50s_continental", "greens_50s_oceanic")
MODELS = ("offset", "event_type", "depth", "force_azimuth", "families")


def known_store(name: str) -> str:
    """The name, if there is a recipe of it (argparse cannot offer choices where no name at all is right, too)."""
    if name not in STORES:
        raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(STORES)}")
    return name


def build_stores(names: list[str], settings: TrainingSettings) -> None:
    """Compute those stores of Green's functions, or what is missing of them; without names the full ones."""
    for name in names or greens.FULL_STORES:
        greens.build_store(load_recipe(name, greens.GreensConfig), settings.build_dir / "greens" / name, settings.processes)


def train_model(name: str, settings: TrainingSettings, version: str) -> None:
    """Train, export and score one model, and print its card's metrics."""
    from training.tasks.index import find_task
    from training.tasks.training_task import train_model as train_task

    print(f"{name}: {train_task(find_task(name), settings, version)}")


def write_archive(verb: str, settings: TrainingSettings, arguments: argparse.Namespace) -> None:
    """Draw the catalog twin, a set of anomalies, or waveforms to train on; a stopped run goes on where it was."""
    from training.datasets import catalog_replica, mixtures

    if verb == "twin":
        catalog_replica.write_replica(load_recipe("twin", catalog_replica.ReplicaRecipe), settings, arguments.out)
    else:
        purpose = {"anomalies": Purpose.ANOMALIES, "endless": Purpose.ENDLESS}[verb]
        mixture = load_recipe(verb, mixtures.MixtureRecipe)
        mixtures.write_mixture(mixture, purpose, arguments.seed, arguments.events, settings, arguments.out)


def fetch_recordings(arguments: argparse.Namespace, _settings: TrainingSettings) -> None:
    """Fetch what is missing of a plan, and tell whether all of it came."""
    from training.fdsn import download

    done = download.fetch_plan(download.read_plan(arguments.plan), arguments.folder)
    print(f"{arguments.folder}: {done.requests} requests, {done.failures} failed{'; run again for the rest' if done.failures else ''}")


def draw_gallery(arguments: argparse.Namespace, settings: TrainingSettings) -> None:
    """Draw synthetic and real sections."""
    from training.experiments import gallery

    out = settings.build_dir / "gallery"
    count = gallery.write_gallery(settings, arguments.folder, out, Path("docs/figures/gallery.png"))
    print(f"{out / 'index.html'}: {count} sections")


def draw_sources(_arguments: argparse.Namespace, _settings: TrainingSettings) -> None:
    """Draw every kind of source."""
    from training.experiments import source_figure

    source_figure.write_sources(Path("docs/figures/sources.png"))


def measure_leakage(arguments: argparse.Namespace, _settings: TrainingSettings) -> None:
    """Tell what trivial cues give away."""
    from training.validation import leakage

    Path("docs/leakage.md").write_text(leakage.leakage_page(arguments.folders, arguments.events), encoding="utf-8")


def measure_physics(_arguments: argparse.Namespace, settings: TrainingSettings) -> None:
    """Hold the stores against disba, TauP and the moment that went in."""
    from training.validation import physics

    Path("docs/physics.md").write_text(physics.physics_page(settings.build_dir / "greens", STORES), encoding="utf-8")


def measure_realism(arguments: argparse.Namespace, settings: TrainingSettings) -> None:
    """Hold synthetics against real records."""
    from training.validation import realism_page

    page = realism_page.realism_page(arguments.folder, settings.build_dir / "realism", Path("docs/figures/realism.png"))
    Path("docs/realism.md").write_text(page, encoding="utf-8")


def measure_families(_arguments: argparse.Namespace, settings: TrainingSettings) -> None:
    """Group mixtures of known kinds by every method."""
    from training.experiments.families import benchmark

    benchmark.write_families_page(settings, Path("docs/families.md"))


def add_measures(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verbs that fetch real recordings and hold the synthetic ones against them and against physics."""
    recordings = verbs.add_parser("fdsn", help="fetch real recordings by FDSN web services into an archive; run again to go on")
    recordings.add_argument("plan", type=Path, help="TOML file as training/configs/fdsn_example.toml")
    recordings.add_argument("folder", type=Path)
    recordings.set_defaults(run=fetch_recordings)
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
    kinds_apart = verbs.add_parser("families-benchmark", help="write docs/families.md: mixtures of kinds, grouped by every method")
    kinds_apart.set_defaults(run=measure_families)
    likeness = verbs.add_parser("realism", help="write docs/realism.md: synthetic against observed records of a folder of real events")
    likeness.add_argument("folder", type=Path)
    likeness.set_defaults(run=measure_realism)


def evaluate_locations(arguments: argparse.Namespace, settings: TrainingSettings) -> None:
    """Locate the twin's test part, an archive's with and without stacked surface waves, or real events."""
    from training.evaluation import location_page
    from training.experiments.location import surface_wave_stack

    if arguments.archive is not None:
        surface_wave_stack.report_stack(settings, arguments.archive, arguments.most)
    elif arguments.louder is not None:
        location_page.report_moment_scale(settings, arguments.store, arguments.most, arguments.louder)
    elif arguments.real is None:
        location_page.report_twin(settings, arguments.store, arguments.most)
    else:
        location_page.report_real(settings, arguments.real)


def calibrate_regions(arguments: argparse.Namespace, settings: TrainingSettings) -> None:
    """Fit the factors on stated regions and put them into the offset model's card."""
    from training.evaluation import region_calibration

    print(region_calibration.calibrate_regions(settings, arguments.store, arguments.most))


def measure_shared(arguments: argparse.Namespace, settings: TrainingSettings) -> None:
    """Measure the error that the distances of one event share."""
    from training.experiments.location import common_error

    print(common_error.report_common_error(settings, arguments.store, arguments.most))


def add_location(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verbs that calibrate regions and measure distances and locations."""
    where = verbs.add_parser("location", help="write parts of docs/explanation/location.md: the twin's test events located, or real ones")
    where.add_argument("--real", type=Path, help="real events, a folder each, instead of the twin")
    where.add_argument("--archive", type=Path, help="the twin's archive: its test events with and without stacked surface waves")
    where.add_argument("--louder", type=float, help="the twin's test events so many times as large, in the same noise")
    where.set_defaults(run=evaluate_locations)
    regions = verbs.add_parser("location-regions", help="fit how large regions are stated on the twin's validation events, into the card")
    regions.set_defaults(run=calibrate_regions)
    common = verbs.add_parser("location-shared", help="measure the error that distances of an event share, on the twin's validation events")
    common.set_defaults(run=measure_shared)
    for verb in (where, regions, common):
        verb.add_argument("--store", help="another store of Green's functions than the twin's")
        verb.add_argument("--most", type=int, help="most events")


def restore_weights(arguments: argparse.Namespace, settings: TrainingSettings) -> None:
    """Put a run together from what was shipped."""
    from training.tasks import restore

    print(restore.restore_run(arguments.name, settings, arguments.version))


def train_all(arguments: argparse.Namespace, settings: TrainingSettings) -> None:
    """The stores, then every model in order, each in a process of its own: on several GPUs one can start the engine only once."""
    build_stores([], settings)
    for name in MODELS:
        subprocess.run([sys.executable, "-m", "training", "train", name, "--version", arguments.version], check=True)  # noqa: S603


def add_training(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verbs that make weights."""
    store = verbs.add_parser("greens", help="compute stores of Green's functions (without a name the three full ones); run again to go on")
    store.add_argument("names", nargs="*", type=known_store, metavar="NAME", help=", ".join(STORES))
    store.set_defaults(run=lambda given, settings: build_stores(given.names, settings))
    one = verbs.add_parser("train", help="train, export and score one model (offset first: the others read its predictions)")
    one.add_argument("name", choices=MODELS)
    one.set_defaults(run=lambda given, settings: train_model(given.name, settings, given.version))
    again = verbs.add_parser("restore", help="put weights to train on from together from a shipped artifact, as a run in build/runs")
    again.add_argument("name", choices=[name for name in MODELS if name != "families"])
    again.set_defaults(run=restore_weights)
    everything = verbs.add_parser("all", help="the stores and every model, in order")
    everything.set_defaults(run=train_all)
    for versioned in (one, again, everything):
        versioned.add_argument("--version", default="1", help="version folder of the artifacts")


def write_demo(arguments: argparse.Namespace, settings: TrainingSettings) -> None:
    """Write the bundles of the demonstration."""
    from training.datasets import demo_bundles

    demo_bundles.write_bundles(settings, arguments.out)


def add_archives(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verbs that write waveforms."""
    demo = verbs.add_parser("bundles", help="write synthetic bundles for the demonstration")
    demo.add_argument("--out", type=Path, default=Path("app/demo_bundles"))
    demo.set_defaults(run=write_demo)
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
    add_location(verbs)
    experiments.add_tables(verbs)
    tables.add_lookups(verbs)
    reports.add_showing(verbs)
    arguments = parser.parse_args()
    arguments.run(arguments, TrainingSettings())


if __name__ == "__main__":
    main()
