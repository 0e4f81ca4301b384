"""The verbs that write what serving looks up: travel times, phase velocities, and how deep earthquakes go beneath each place."""
# ruff: noqa: PLC0415  (a verb imports what it needs)

import argparse

from training.config import TrainingSettings


def write_travel_times(_arguments: argparse.Namespace, _settings: TrainingSettings) -> None:
    """Compute the table that serving looks travel times up in."""
    from training.lookup_tables import travel_times

    travel_times.write_travel_times()


def write_rayleigh(_arguments: argparse.Namespace, _settings: TrainingSettings) -> None:
    """Compute the phase velocities that serving takes out of long-period records."""
    from training.lookup_tables import rayleigh_dispersion

    rayleigh_dispersion.write_rayleigh_dispersion()


def write_deepest(_arguments: argparse.Namespace, settings: TrainingSettings) -> None:
    """Tell from the catalog how deep earthquakes go beneath each place."""
    from training.lookup_tables import maximum_depth
    from training.synthesis import catalogs

    if settings.data_dir is None:
        raise SystemExit("set ATLAS_TRAINING_DATA_DIR to a folder with the Global CMT catalog: stated distributions hold no slabs")
    maximum_depth.write_maximum_depth(catalogs.load_earthquakes(settings.data_dir, 0))


def add_lookups(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add them."""
    times = verbs.add_parser("travel-times", help="write models/seismic/earth/travel_times.npz: ak135 by TauP, half a minute")
    times.set_defaults(run=write_travel_times)
    waves = verbs.add_parser(
        "rayleigh", help="write models/seismic/earth/rayleigh_dispersion.npz: Rayleigh-wave phase velocities through PREM by disba"
    )
    waves.set_defaults(run=write_rayleigh)
    slabs = verbs.add_parser(
        "deepest", help="write models/seismic/earth/maximum_depth.npz: how deep cataloged earthquakes go beneath each place"
    )
    slabs.set_defaults(run=write_deepest)
