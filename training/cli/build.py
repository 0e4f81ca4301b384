"""The commands that make data: Green's functions, archives of waveforms, bundles, real recordings, lookup tables."""
# ruff: noqa: PLC0415  (a command imports what it needs: the engine's processes import the main module again and must not load PyTorch)

import argparse
from pathlib import Path

from training.config import TrainingSettings, load_recipe
from training.earth import greens
from training.random_streams import Purpose

STORES = (*greens.FULL_STORES, "greens_50s", "greens_50s_continental", "greens_50s_oceanic")
MIXTURES = {"anomalies": Purpose.ANOMALIES, "endless": Purpose.ENDLESS}


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
    if name == "twin":
        catalog_replica.write_replica(load_recipe("twin", catalog_replica.ReplicaRecipe), settings, folder)
    else:
        mixture = load_recipe(name, mixtures.MixtureRecipe)
        mixtures.write_mixture(mixture, MIXTURES[name], arguments.seed, arguments.events, settings, folder)


def write_demo_bundles(arguments: argparse.Namespace, settings: TrainingSettings) -> None:
    """Write the synthetic bundles of the demonstration."""
    from training.datasets import demo_bundles

    demo_bundles.write_bundles(settings, arguments.out)


def fetch_recordings(arguments: argparse.Namespace, _settings: TrainingSettings) -> None:
    """Fetch what is missing of a plan of real recordings."""
    from training.fdsn import download

    done = download.fetch_plan(download.read_plan(arguments.plan), arguments.folder)
    missing = "; run the command again to fetch the rest" if done.failures else ""
    print(f"{arguments.folder}: {done.requests} requests, {done.failures} failed{missing}")


def write_table(arguments: argparse.Namespace, settings: TrainingSettings) -> None:
    """Compute one of the tables that serving looks up."""
    from training.lookup_tables import maximum_depth, rayleigh_dispersion, travel_times
    from training.synthesis import catalogs

    if arguments.name == "travel-times":
        travel_times.write_travel_times()
    elif arguments.name == "rayleigh-dispersion":
        rayleigh_dispersion.write_rayleigh_dispersion()
    elif settings.data_dir is None:
        raise SystemExit("set ATLAS_TRAINING_DATA_DIR to a folder with the Global CMT catalog: the built-in distributions have no slabs")
    else:
        maximum_depth.write_maximum_depth(catalogs.load_earthquakes(settings.data_dir, 0))


TABLES = {
    "travel-times": "models/seismic/earth/travel_times.npz: ak135 by TauP, half a minute",
    "rayleigh-dispersion": "models/seismic/earth/rayleigh_dispersion.npz: Rayleigh-wave phase velocities of PREM by disba",
    "maximum-depth": "models/seismic/earth/maximum_depth.npz: maximum depth of cataloged earthquakes by region",
}


def add_commands(groups: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the group."""
    commands = groups.add_parser("build", help="make data: Green's functions, archives, bundles, recordings, lookup tables").add_subparsers(
        dest="name", required=True, metavar="WHAT"
    )
    stores = commands.add_parser("greens", help="compute stores of Green's functions (the three full ones); run again to continue")
    stores.add_argument("names", nargs="*", type=check_store, metavar="NAME", help=", ".join(STORES))
    stores.set_defaults(run=build_stores)
    for name, what in (
        ("twin", "the synthetic catalog replica"),
        ("anomalies", "events of every kind"),
        ("endless", "events in the proportions of training"),
    ):
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
