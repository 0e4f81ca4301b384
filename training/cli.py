"""
The command line `python -m training`: Green's functions, data sets, models, and the pages that show how good they are.

A command receives its arguments and the settings. `training.experiments.commands` adds the group `experiment`.
"""
# ruff: noqa: PLC0415  (a command imports what it needs: the engine's processes import the main module again and must not load PyTorch)

import argparse
import subprocess
import sys
from pathlib import Path

from models.environment import BadSettings, read_environment
from models.registry.store import require_highest
from training.config import TrainingSettings, load_recipe
from training.earth import greens
from training.evaluation.pages import describe_command
from training.experiments import commands as experiments
from training.random_streams import Purpose

MODELS = ("offset", "event_type", "depth", "force_azimuth", "families")
"""In the order of training: the models of sections read distances that the exported distance model (`offset`) predicts."""
VERIFIED_STORES = (*greens.FULL_STORES, "greens_50s", "greens_50s_continental", "greens_50s_oceanic")
STORES = (*VERIFIED_STORES, *greens.UNSEEN_STORES)
MIXTURES = {"anomalies": Purpose.ANOMALIES, "endless": Purpose.ENDLESS}
ARCHIVES = {
    "replica": "the synthetic catalog replica",
    "anomalies": "events of every kind",
    "endless": "events in the proportions of training",
}
TABLES = {
    "travel-times": "models/seismic/earth/travel_times.npz: ak135 by TauP, half a minute",
    "rayleigh-dispersion": "models/seismic/earth/rayleigh_dispersion.npz: Rayleigh-wave phase velocities of PREM by disba",
    "surface-wave-excitation": "models/seismic/earth/surface_wave_excitation.npz: eigenfunctions in three crusts by disba",
    "earthquake-depths": "models/seismic/earth/earthquake_depths.npz: depths of cataloged earthquakes by region",
    "seismicity": "models/seismic/earth/seismicity.npz: how often cataloged earthquakes occur where",
}
Groups = argparse._SubParsersAction


def train_one(arguments: argparse.Namespace, settings: TrainingSettings) -> None:
    """Train, calibrate, export and score one model."""
    from training.tasks.index import find_task
    from training.tasks.training_task import train_model

    require_highest(settings.artifacts_dir, [arguments.name], arguments.version)
    print(f"{arguments.name}: {train_model(find_task(arguments.name), settings, arguments.version)}")


def restore_weights(arguments: argparse.Namespace, settings: TrainingSettings) -> None:
    """Restore the weights of a training run from a shipped artifact."""
    from training.tasks import restore

    print(restore.restore_run(arguments.name, settings, arguments.version))


def run_all(arguments: argparse.Namespace, settings: TrainingSettings) -> None:
    """Run the whole sequence, each command in a process of its own: on several GPUs one process can start the engine only once."""
    require_highest(settings.artifacts_dir, MODELS, arguments.version)
    for words in list_steps(arguments.version, settings, arguments.real):
        print(f"python -m training {' '.join(words)}", flush=True)
        subprocess.run([sys.executable, "-m", "training", *words], check=True)  # noqa: S603


def list_steps(version: str, settings: TrainingSettings, real: Path | None) -> list[list[str]]:
    """List the commands from Green's functions to pages: stores, models, the replica, calibrations of location, cards, pages."""
    archive = settings.build_dir / "archives" / "replica"
    real_events = [] if real is None else ["--real", str(real)]
    return [
        ["build", "greens"],
        *(["train", name, "--version", version] for name in MODELS),
        ["build", "replica", "--out", str(archive)],
        ["experiment", "reading-calibration"],
        ["experiment", "hypocenter-coverage", *real_events],
        ["evaluate", "cards", "--archive", str(archive), *real_events],
        ["evaluate", "location"],
        *([] if real is None else [["evaluate", "real-events", str(real)]]),
    ]


def add_training(groups: "Groups[argparse.ArgumentParser]") -> None:
    """Add `train`, `restore` and `all`."""
    one = groups.add_parser("train", help="train, calibrate, export and score one model (offset first: the others read its predictions)")
    one.add_argument("name", choices=MODELS)
    one.set_defaults(run=train_one)
    again = groups.add_parser("restore", help="restore the weights of a run in build/runs from a shipped artifact, to continue training")
    again.add_argument("name", choices=[name for name in MODELS if name != "families"])
    again.set_defaults(run=restore_weights)
    everything = groups.add_parser("all", help="the whole sequence: stores, models, replica, calibration of regions, cards, pages")
    everything.add_argument("--real", type=Path, help="folder of real events to evaluate on")
    everything.set_defaults(run=run_all)
    for versioned in (one, again, everything):
        versioned.add_argument("--version", default="1", help="version folder of the artifacts (1); a new one is above those that ship")


def check_store(name: str) -> str:
    """Return the name of a store that has a recipe (argparse cannot offer choices where no name at all is valid, too)."""
    if name not in STORES:
        raise argparse.ArgumentTypeError(f"{name!r} is no store; choose from {', '.join(STORES)}")
    return name


def build_stores(arguments: argparse.Namespace, settings: TrainingSettings) -> None:
    """Compute what is missing of stores of Green's functions; without names, of the full ones."""
    for name in arguments.names or greens.FULL_STORES:
        folder = settings.build_dir / "greens" / name
        greens.build_store(load_recipe(name, greens.GreensConfig), folder, settings.processes)


def draw_archive(arguments: argparse.Namespace, settings: TrainingSettings) -> None:
    """Draw the synthetic catalog replica, or a mixture of events; a stopped run continues."""
    from training.datasets import catalog_replica, mixtures

    name, folder = arguments.name, arguments.out or settings.build_dir / "archives" / arguments.name
    if name == "replica":
        catalog_replica.write_replica(load_recipe("replica", catalog_replica.ReplicaRecipe), settings, folder)
    else:
        mixture = load_recipe(name, mixtures.MixtureRecipe)
        mixtures.write_mixture(mixture, MIXTURES[name], arguments.seed, arguments.events, settings, folder)


def write_demo_bundles(arguments: argparse.Namespace, settings: TrainingSettings) -> None:
    """Write the synthetic bundles of the demonstration."""
    from training.experiments import demo_bundles

    demo_bundles.write_bundles(settings, arguments.out)


def fetch_recordings(arguments: argparse.Namespace, _settings: TrainingSettings) -> None:
    """Fetch what is missing of a plan of real recordings."""
    from training.fdsn import download

    done = download.fetch_plan(download.read_plan(arguments.plan), arguments.folder)
    missing = "; run the command again to fetch the rest" if done.failures else ""
    print(f"{arguments.folder}: {done.requests} requests, {done.failures} failed{missing}")


def write_table(arguments: argparse.Namespace, settings: TrainingSettings) -> None:
    """Compute one of the tables that serving looks up."""
    from training.lookup_tables import earthquake_depths, rayleigh_dispersion, seismicity, surface_wave_excitation, travel_times
    from training.synthesis import catalogs

    if arguments.name == "travel-times":
        travel_times.write_travel_times()
    elif arguments.name == "rayleigh-dispersion":
        rayleigh_dispersion.write_rayleigh_dispersion()
    elif arguments.name == "surface-wave-excitation":
        surface_wave_excitation.write_surface_wave_excitation()
    elif settings.data_dir is None:
        raise SystemExit("set ATLAS_TRAINING_DATA_DIR to a folder with catalogs of earthquakes: the built-in distributions are too rough")
    elif arguments.name == "seismicity":
        seismicity.write_seismicity(*catalogs.load_epicenters(settings.data_dir))
    else:
        earthquake_depths.write_earthquake_depths(catalogs.load_earthquakes(settings.data_dir, 0))


def write_serving_greens(arguments: argparse.Namespace, settings: TrainingSettings) -> None:
    """Compute the tables of Green's functions that ship."""
    from training.lookup_tables import source_greens

    print(source_greens.write_source_tables(settings, tuple(arguments.earths)))


def add_builds(commands: "Groups[argparse.ArgumentParser]") -> None:
    """Add the commands of the group `build`."""
    stores = commands.add_parser("greens", help="compute stores of Green's functions (the three full ones); run again to continue")
    stores.add_argument("names", nargs="*", type=check_store, metavar="NAME", help=", ".join(STORES))
    stores.set_defaults(run=build_stores)
    for name, what in ARCHIVES.items():
        archive = commands.add_parser(name, help=f"draw {what} into an archive of waveforms with separate labels; run again to continue")
        archive.add_argument("--out", type=Path, help=f"folder of the archive (build/archives/{name})")
        archive.set_defaults(run=draw_archive)
        if name in MIXTURES:
            archive.add_argument("--events", type=int, default=500)
            archive.add_argument("--seed", type=int, default=3407)
    demo = commands.add_parser("bundles", help="write the synthetic bundles of the demonstration")
    demo.add_argument("--out", type=Path, default=Path("app/demo_bundles"))
    demo.set_defaults(run=write_demo_bundles)
    recordings = commands.add_parser("fdsn", help="fetch real recordings by FDSN web services into an archive; run again to continue")
    recordings.add_argument("plan", type=Path, help="TOML file like training/configs/fdsn_example.toml")
    recordings.add_argument("folder", type=Path)
    recordings.set_defaults(run=fetch_recordings)
    for name, what in TABLES.items():
        commands.add_parser(name, help=f"write {what}").set_defaults(run=write_table)
    serving = commands.add_parser("greens-serving", help="compute the tables of the source inversion: models/artifacts/greens; continues")
    serving.add_argument("earths", nargs="*", help="names of Earth models (all three)")
    serving.set_defaults(run=write_serving_greens)


def evaluate_cards(arguments: argparse.Namespace, settings: TrainingSettings) -> None:
    """Measure on the replica and on real events; update the cards, their figures and their page. `pages` writes the page alone."""
    from training.evaluation import card_metrics, model_cards_page

    if arguments.name == "cards":
        card_metrics.update_cards(settings, arguments.archive, arguments.real, arguments.most, model_cards_page.CARD_FIGURES)
    print(model_cards_page.write_model_cards_page(settings.artifacts_dir, arguments.command))


def evaluate_location(arguments: argparse.Namespace, settings: TrainingSettings) -> None:
    """Locate the test events of the replica."""
    from training.evaluation import location_page

    print(location_page.write_replica_page(settings, arguments.command, arguments.store, arguments.most))


def evaluate_real_events(arguments: argparse.Namespace, settings: TrainingSettings) -> None:
    """Evaluate the real events of a folder; write their page and the summary."""
    from training.evaluation import real_events_page

    if arguments.name == "real-events":
        print(real_events_page.write_real_events_page(settings, arguments.command, arguments.folder))
    print(real_events_page.write_summary(settings, arguments.command, arguments.folder))


def add_evaluations(commands: "Groups[argparse.ArgumentParser]") -> None:
    """Add the commands of the group `evaluate`."""
    cards = commands.add_parser("cards", help="measure on the replica and on real events: cards, figures, docs/reference/model_cards.md")
    cards.add_argument("--real", type=Path, help="folder of real events; without it their metrics stay as they are")
    cards.add_argument("--archive", type=Path, default=Path("build/archives/replica"), help="archive of the replica")
    cards.add_argument("--most", type=int, help="number of events of each file of the archive, at most")
    pages = commands.add_parser("pages", help="write docs/reference/model_cards.md from the cards")
    for command in (cards, pages):
        command.set_defaults(run=evaluate_cards)
    location = commands.add_parser("location", help="locate the replica's test events: docs/results/location_replica.md")
    location.add_argument("--store", help="another store of Green's functions than the recipe's")
    location.add_argument("--most", type=int, help="number of events, at most")
    location.set_defaults(run=evaluate_location)
    for name, what in (("real-events", "real_events.md and docs/results/summary.md"), ("summary", "summary.md")):
        real = commands.add_parser(name, help=f"evaluate real events: docs/results/{what}")
        real.add_argument("folder", type=Path, help="folder of real events, a folder each")
        real.set_defaults(run=evaluate_real_events)


def validate_data(arguments: argparse.Namespace, settings: TrainingSettings) -> None:
    """Validate the stores of Green's functions against physics, or measure how well trivial cues predict class and distance."""
    from training.experiments import leakage, physics

    if arguments.name == "physics":
        print(physics.write_physics_page(settings.build_dir / "greens", VERIFIED_STORES, arguments.command))
    else:
        print(leakage.write_leakage_page(arguments.folders, arguments.events, arguments.command))


def add_validations(commands: "Groups[argparse.ArgumentParser]") -> None:
    """Add the commands of the group `validate`."""
    physics = commands.add_parser("physics", help="test the stores against independent calculations: docs/results/physics.md")
    leakage = commands.add_parser("leakage", help="measure what trivial cues give away in archives: docs/results/leakage.md")
    leakage.add_argument("folders", type=Path, nargs="+")
    leakage.add_argument("--events", type=int, default=300, help="number of events of each archive, at most (300)")
    for command in (physics, leakage):
        command.set_defaults(run=validate_data)


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of all groups of commands."""
    description = "Train and evaluate the models: Green's functions, data sets, networks, and pages of results."
    parser = argparse.ArgumentParser(prog="python -m training", description=description)
    groups = parser.add_subparsers(dest="group", required=True, metavar="COMMAND")
    add_training(groups)
    for name, add_commands, what in (
        ("build", add_builds, "make data: Green's functions, archives, bundles, recordings, lookup tables"),
        ("evaluate", add_evaluations, "evaluate the served models: cards, pages"),
        ("validate", add_validations, "validate synthetic data: physics, leakage"),
        ("experiment", experiments.add_experiments, "repeat an experiment behind a decision"),
    ):
        add_commands(groups.add_parser(name, help=what).add_subparsers(dest="name", required=True, metavar="NAME"))
    return parser


def main() -> None:
    """Parse the command line and run the command; settings that cannot be used end it with a line for each, and status 2."""
    arguments = make_parser().parse_args()
    try:
        settings = read_environment(TrainingSettings)
    except BadSettings as error:
        make_parser().exit(2, f"{error}\n")
    arguments.command = describe_command("training", sys.argv[1:])
    arguments.run(arguments, settings)
