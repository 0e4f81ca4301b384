"""The commands that repeat experiments, which decided something once (docs/decisions) and are not served."""
# ruff: noqa: PLC0415  (a command imports what it needs)

import argparse
from pathlib import Path

from training.config import TrainingSettings
from training.evaluation.pages import FIGURES


def run_experiment(arguments: argparse.Namespace, settings: TrainingSettings) -> None:
    """Fill a table of trainings, or compare methods of clustering, and write the page."""
    from training.experiments.ablations.run import write_ablations_page
    from training.experiments.families.page import write_families_page
    from training.experiments.resnet_depth.run import write_depth_page

    if arguments.name == "families":
        print(write_families_page(settings, arguments.command))
    else:
        write = write_ablations_page if arguments.name == "ablations" else write_depth_page
        print(write(settings, arguments.command, arguments.minutes))


def compare_axes(arguments: argparse.Namespace, settings: TrainingSettings) -> None:
    """Compare record sections of fixed axes with those whose axes fit the network."""
    from training.experiments import section_axes

    parts = (arguments.shards, arguments.trials, arguments.epochs)
    print(section_axes.write_section_axes_page(settings, arguments.command, *parts))


def attribute_classes(arguments: argparse.Namespace, settings: TrainingSettings) -> None:
    """Attribute the predicted class to parts of the section."""
    from training.experiments.attribution.page import write_attribution_page

    print(write_attribution_page(settings, arguments.command, arguments.archive, arguments.real, arguments.most))


def compare_versions(arguments: argparse.Namespace, settings: TrainingSettings) -> None:
    """Print metrics of versions of a model on the same test pictures."""
    from training.experiments.compare_versions import score_versions

    print(score_versions(arguments.model, settings, arguments.graphs))


def measure_location(arguments: argparse.Namespace, settings: TrainingSettings) -> None:
    """Measure what a choice of the location rests on."""
    from training.experiments.location import (
        class_prior,
        common_error,
        hypocenter_coverage,
        moment_scale,
        origin_time_errors,
        paper_location,
        pick_delays,
        section_depth,
        short_records,
        simulated_networks,
        surface_wave_stack,
    )

    if arguments.name == "hypocenter-coverage":
        parts = {name: getattr(arguments, name) for name in ("store", "most", "trials", "seed", "real")}
        print(hypocenter_coverage.calibrate_hypocenters(settings, arguments.command, **parts))
    elif arguments.name == "class-prior":
        print(class_prior.write_class_prior_page(settings, arguments.command, arguments.archive, arguments.most))
    elif arguments.name == "surface-waves":
        print(surface_wave_stack.write_surface_waves_page(settings, arguments.command, arguments.archive, arguments.most))
    elif arguments.name == "common-error":
        print(common_error.write_common_error_page(settings, arguments.command, arguments.store, arguments.most))
    elif arguments.name == "moment-scale":
        print(moment_scale.write_moment_scale_page(settings, arguments.command, arguments.most, arguments.scale))
    elif arguments.name == "section-depth":
        print(section_depth.write_section_depth_page(settings, arguments.command, arguments.store, arguments.trials, arguments.seed))
    elif arguments.name == "pick-delays":
        print(pick_delays.write_pick_delays_page(arguments.command, arguments.trials, arguments.seed))
    elif arguments.name == "origin-time-errors":
        print(origin_time_errors.write_origin_time_errors_page(settings, arguments.command, arguments.trials, arguments.seed))
    elif arguments.name == "short-records":
        print(short_records.write_short_records_page(arguments.command, arguments.trials, arguments.seed))
    elif arguments.name == "paper-location":
        print(paper_location.write_paper_location_page(arguments.command, arguments.trials, arguments.seed))
    else:
        print(simulated_networks.write_simulated_networks_page(arguments.command, arguments.trials, arguments.seed))


def simulate_depth_phases(arguments: argparse.Namespace, settings: TrainingSettings) -> None:
    """Read the depths of simulated sources from the phases reflected above them."""
    from training.experiments.location import depth_phases

    print(depth_phases.write_depth_phases_page(settings, arguments.command, arguments.trials, arguments.seed))


def measure_two_events(arguments: argparse.Namespace, settings: TrainingSettings) -> None:
    """Measure how often a second event is found in windows of one event and of two."""
    from training.experiments.location import two_events

    print(two_events.write_two_events_page(settings, arguments.command, arguments.trials, arguments.seed))


def calibrate_readings_as_served(arguments: argparse.Namespace, settings: TrainingSettings) -> None:
    """Fit the factors on the uncertainties of distances as served, into the card."""
    from training.experiments.release_gate import reading_calibration

    print(reading_calibration.calibrate_readings(settings, arguments.most))


def pass_release_gate(arguments: argparse.Namespace, settings: TrainingSettings) -> None:
    """Test the distance reader on synthetic copies of observed geometries, and on shifted and cut records."""
    from training.experiments.release_gate.page import write_release_gate_page

    parts = (arguments.folder, arguments.previous, arguments.copies, arguments.most)
    print(write_release_gate_page(settings, arguments.command, *parts))


def try_reader_ideas(arguments: argparse.Namespace, settings: TrainingSettings) -> None:
    """Train ideas for the distance reader, each alone, and compare each with its base."""
    from training.experiments.reader_ideas.page import write_ideas_page

    print(write_ideas_page(settings, arguments.command, arguments.folder, arguments.only, arguments.minutes))


def measure_detection(arguments: argparse.Namespace, settings: TrainingSettings) -> None:
    """Calibrate the detection of events on noise, or measure what is called an event."""
    from training.experiments.detection import calibrate, page

    if arguments.name == "detection-table":
        print(calibrate.calibrate_detection(settings, arguments.networks))
    else:
        print(page.write_detection_page(settings, arguments.command, arguments.networks, arguments.store, arguments.most))


def measure_classes(arguments: argparse.Namespace, settings: TrainingSettings) -> None:
    """Measure how synthetic explosions, collapses, landslides and earthquakes are answered."""
    from training.experiments import class_evidence

    print(class_evidence.write_classes_page(settings, arguments.command, arguments.store, arguments.most))


def measure_sources(arguments: argparse.Namespace, settings: TrainingSettings) -> None:
    """Measure the source inversion on synthetic events of mixed paths."""
    from training.experiments.source import page

    if arguments.page:
        print(page.write_source_page(settings, arguments.command, arguments.events, arguments.seed))
    else:
        for name, text in page.measure_kinds(settings, arguments.events, arguments.seed, arguments.earths).items():
            print(f"{name}\n{text}")


def measure_unseen_earths(arguments: argparse.Namespace, settings: TrainingSettings) -> None:
    """Classify and locate synthetic events in Earth models that nothing was trained on."""
    from training.experiments import unseen_earths

    print(unseen_earths.write_unseen_earths_page(settings, arguments.command, arguments.events, arguments.seed))


def measure_surface_sources(arguments: argparse.Namespace, settings: TrainingSettings) -> None:
    """Weigh synthetic explosions, collapses and earthquakes at few regional stations."""
    from training.experiments.source import surface_sources

    print(surface_sources.write_surface_sources_page(settings, arguments.command, arguments.events, arguments.seed))


def measure_observed_mechanisms(arguments: argparse.Namespace, settings: TrainingSettings) -> None:
    """Invert real earthquakes and compare their moment tensors with published ones."""
    from training.experiments.source import observed_mechanisms

    print(observed_mechanisms.write_observed_mechanisms_page(settings, arguments.command, arguments.folder))


def choose_class_weights(arguments: argparse.Namespace, settings: TrainingSettings) -> None:
    """Choose the weights of the source inversion in the class."""
    from training.experiments.source import class_weights

    print(class_weights.write_class_weights_page(settings, arguments.command, arguments.most))


def draw_figures(arguments: argparse.Namespace, settings: TrainingSettings) -> None:
    """Draw the gallery of sections, the figure of sources, or the pictures that models read."""
    from training.experiments import gallery, input_figures, source_figure

    if arguments.name == "sources":
        source_figure.draw_sources_figure(FIGURES / "sources.png")
    elif arguments.name == "inputs":
        input_figures.draw_input_figures(settings, FIGURES / "models")
    else:
        out = settings.build_dir / "gallery"
        count = gallery.write_gallery(settings, arguments.folder, out, FIGURES / "gallery.png")
        print(f"{out / 'index.html'}: {count} sections")


def compare_with_observed(arguments: argparse.Namespace, settings: TrainingSettings) -> None:
    """Compare synthetics in each Earth model with observed records."""
    from training.experiments.realism.page import write_realism_page

    print(write_realism_page(arguments.folder, settings.build_dir / "realism", arguments.command))


def add_experiments(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands of the group `experiment`."""
    for name, what in (("ablations", "each choice of picture, data and network"), ("resnet-depth", "five depths of ResNet")):
        table = commands.add_parser(name, help=f"compare trainings: {what}; run again to continue")
        table.add_argument("--minutes", type=float, help="begin no further cell after that time")
        table.set_defaults(run=run_experiment)
    commands.add_parser("families", help="compare methods of clustering on mixtures of kinds").set_defaults(run=run_experiment)
    axes = commands.add_parser(
        "section-axes", help="compare fixed axes of the section with axes that fit the network; run again to continue"
    )
    axes.add_argument("--shards", type=int, default=60, help="number of hundreds of events (60)")
    axes.add_argument("--trials", type=int, default=3, help="number of trainings of each kind (3)")
    axes.add_argument("--epochs", type=int, default=8, help="epochs of each training (8)")
    axes.set_defaults(run=compare_axes)
    attribution = commands.add_parser("attribution", help="attribute the class to parts of the section")
    attribution.add_argument("--most", type=int, default=30, help="number of events of each class, at most (30)")
    attribution.add_argument("--real", type=Path, help="folder of real events")
    _add_archive(attribution)
    attribution.set_defaults(run=attribute_classes)
    _add_release_gate(commands)
    _add_location_experiments(commands)
    _add_detection(commands)
    classes = commands.add_parser("classes", help="measure the classes of explosions, collapses and landslides: docs/results/classes.md")
    classes.add_argument("--store", default="greens_10s", help="store of Green's functions (greens_10s)")
    classes.add_argument("--most", type=int, default=50, help="number of events of each kind (50)")
    classes.set_defaults(run=measure_classes)
    _add_sources(commands)
    versions = commands.add_parser("compare-versions", help="print metrics of versions of a model on the same test pictures")
    versions.add_argument("model", choices=("offset", "event_type", "depth", "force_azimuth"))
    versions.add_argument("graphs", type=Path, nargs="+", metavar="model.onnx")
    versions.set_defaults(run=compare_versions)
    observed = commands.add_parser("realism", help="compare synthetics in each Earth model with observed records: docs/results/realism.md")
    observed.add_argument("folder", type=Path, help="folder of real events, a folder each")
    observed.set_defaults(run=compare_with_observed)
    sections = commands.add_parser("gallery", help="draw sections of synthetic and real events: build/gallery and a figure")
    sections.add_argument("folder", type=Path, help="folder of real events, a folder each")
    sources = commands.add_parser("sources", help="draw every kind of source: a figure")
    inputs = commands.add_parser("inputs", help="draw the pictures that each model reads: figures of the model cards")
    for command in (sections, sources, inputs):
        command.set_defaults(run=draw_figures)


def _add_sources(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    sources = commands.add_parser("source-inversion", help="invert synthetic events of mixed paths: docs/results/source_inversion.md")
    sources.add_argument("--events", type=int, default=60, help="number of events of each kind (60)")
    sources.add_argument("--seed", type=int, default=3411, help="of other events than those that chose the factors of deviations (3411)")
    sources.add_argument(
        "--no-page", dest="page", action="store_false", help="print figures instead, to calibrate by events of another seed"
    )
    sources.add_argument("--earths", type=int, default=3, help="invert with the first Earth models of those that ship (3); without a page")
    sources.set_defaults(run=measure_sources)
    unseen = commands.add_parser("unseen-earths", help="classify and locate events in unknown Earth models: docs/results/unseen_earths.md")
    unseen.add_argument("--events", type=int, default=60, help="number of earthquakes and of glacial earthquakes (60)")
    unseen.add_argument("--seed", type=int, default=3413)
    unseen.set_defaults(run=measure_unseen_earths)
    surface = commands.add_parser("surface-sources", help="weigh explosions and collapses at few stations: docs/results/surface_sources.md")
    surface.add_argument("--events", type=int, default=80, help="number of events of each kind (80)")
    surface.add_argument("--seed", type=int, default=3412, help="of other events than those that chose the temperature (3412)")
    surface.set_defaults(run=measure_surface_sources)
    weights = commands.add_parser("class-weights", help="choose the weights of the source inversion in the class")
    weights.add_argument("--most", type=int, help="number of events of each split of the replica, at most")
    weights.set_defaults(run=choose_class_weights)
    observed = commands.add_parser("observed-mechanisms", help="compare moment tensors of real earthquakes with published ones")
    observed.add_argument("folder", type=Path, help="folder of real events")
    observed.set_defaults(run=measure_observed_mechanisms)


def _add_release_gate(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    readings = commands.add_parser("reading-calibration", help="fit the factors on the uncertainties of distances as served, into the card")
    readings.add_argument("--most", type=int, help="number of synthetic events (300)")
    readings.set_defaults(run=calibrate_readings_as_served)
    gate = commands.add_parser("release-gate", help="test the distance reader before it ships: docs/results/release_gate.md")
    gate.add_argument("folder", type=Path, help="folder of real events, whose geometry is copied and whose records are shifted and cut")
    gate.add_argument("--previous", type=Path, help="folder of artifacts with an earlier version, to compare with")
    gate.add_argument("--copies", type=int, default=100, help="number of copies of each event (100)")
    gate.add_argument("--most", type=int, default=12, help="number of stations of a copy, at most (12)")
    gate.set_defaults(run=pass_release_gate)
    ideas = commands.add_parser("reader-ideas", help="try ideas for the distance reader, each alone: docs/results/reader_ideas.md")
    ideas.add_argument("folder", type=Path, help="folder of real events, whose geometry is copied and whose records are read")
    ideas.add_argument("--only", choices=("scratch", "continued"), help="train the cells of one group; the page is not written")
    ideas.add_argument("--minutes", type=float, help="begin no further training after that time; run again to continue")
    ideas.set_defaults(run=try_reader_ideas)


def _add_location_experiments(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    prior = commands.add_parser("class-prior", help="try prior odds of the class by the epicenter")
    stack = commands.add_parser("surface-waves", help="locate with and without the surface-wave stack")
    for command in (prior, stack):
        command.add_argument("--most", type=int, help="number of events of each file of the archive, at most")
        _add_archive(command)
    common = commands.add_parser("common-error", help="measure the error common to the distances of an event")
    common.add_argument("--store", help="another store of Green's functions than the recipe's")
    scaled = commands.add_parser("moment-scale", help="locate the replica's test events with moments and forces multiplied by a factor")
    scaled.add_argument("--scale", type=float, default=10.0, help="factor on moments and forces (10)")
    coverage = commands.add_parser("hypocenter-coverage", help="calibrate epicenter, origin time and depth; measure their coverage")
    coverage.add_argument("--store", help="another store of Green's functions than the recipe's")
    coverage.add_argument("--real", type=Path, help="folder of real events, which test the result")
    for command in (common, scaled, coverage):
        command.add_argument("--most", type=int, help="number of events, at most")
    paper = commands.add_parser("paper-location", help="compare the paper's iteration with the service's location by distances")
    networks = commands.add_parser("simulated-networks", help="locate arrival times at simulated networks")
    delays = commands.add_parser("pick-delays", help="measure the delay of the picker on synthetic onsets")
    origins = commands.add_parser("origin-time-errors", help="fit simulated origin times with and without the errors that stations share")
    short = commands.add_parser("short-records", help="locate simulated records of 100 s about P by their picks alone")
    phases = commands.add_parser("depth-phases", help="read depths from the phases reflected above simulated sources")
    pairs = commands.add_parser("two-events", help="look for a second event in simulated windows of one event and of two")
    depths = commands.add_parser("section-depth", help="read depths from sections of few stations and of stations on one side")
    depths.add_argument("--store", default="greens_10s", help="store of Green's functions (greens_10s)")
    for command, trials in (
        *((paper, 100), (networks, 40)),
        (delays, 1500),
        (coverage, 300),
        (short, 20),
        (phases, 600),
        (depths, 240),
        (origins, 120),
        (pairs, 150),
    ):
        command.add_argument("--trials", type=int, default=trials, help=f"events of each setting or onsets of each band ({trials})")
        command.add_argument("--seed", type=int, default=3407)
    for command in (prior, stack, common, scaled, paper, networks, delays, coverage, short, depths, origins):
        command.set_defaults(run=measure_location)
    phases.set_defaults(run=simulate_depth_phases)
    pairs.set_defaults(run=measure_two_events)


def _add_detection(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    table = commands.add_parser("detection-table", help="calibrate detection on noise: models/analysis/detection_noise.json")
    found = commands.add_parser("detection", help="measure what is called an event, of noise and of events")
    for command in (table, found):
        command.add_argument("--networks", type=int, default=200, help="number of synthetic networks of noise (200)")
        command.set_defaults(run=measure_detection)
    found.add_argument("--store", help="another store of Green's functions than the replica's")
    found.add_argument("--most", type=int, help="number of events of the replica, at most")


def _add_archive(command: argparse.ArgumentParser) -> None:
    command.add_argument("--archive", type=Path, default=Path("build/archives/replica"), help="archive of the replica")
