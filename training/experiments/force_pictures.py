"""Which picture shows where a force pointed: the section ordered by azimuth and beams of trial forces on the same events, as one page."""

from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from models.array_types import Floats
from models.imaging.beam_picture import NOTHING
from models.registry.inference import OnnxModel
from models.registry.store import open_store
from models.specs.force_azimuth import FORCE_AZIMUTH
from training.config import TrainingSettings, load_recipe, read_commit
from training.datasets.force_beams import TRUTH, make_force_shards
from training.datasets.sections import SectionRecipe
from training.datasets.shards import Arrays
from training.evaluation.metrics import bootstrap, wilson
from training.evaluation.section_metrics import angle_difference_deg

Groups = dict[str, NDArray[np.bool_]]
SHARDS = 2
ONE_SIDED, LOW_SNR, HIGH_SNR = 0.75, 5.0, 15.0

HEAD = """# Pictures that show the azimuth of a force

Written by `{command}` at {commit}; do not edit. {count} synthetic glacial earthquakes of `training/configs/force_tests.toml`, drawn
neither for training nor for calibration: instruments, noise, defects and paths as everywhere, seven in ten at an epicenter such as
arrival times leave, three at the one that offsets give. Errors are modulo 180 degrees, brackets hold 95 % intervals. Chance is 45
degrees, 0.11 and one half.

- **Least squares**: the row of the greatest swing in the beams; it has no sign.
- **Network on beams**: force_azimuth as shipped, version {version}.
- **Network on the section**: {section}

Stations surround the source where the mean of their directions is shorter than {one_sided}; elsewhere they stand to one side, and one
cosine says as little of its maximum as any other. Signal to noise is that of `docs/models.md`.

"""


def strongest_deg(beams: NDArray[np.uint8]) -> Floats:
    """Azimuth [events], modulo 180, of the row of the greatest swing: what linear least squares says of the force."""
    swing = ((beams.astype(np.float64) - NOTHING) ** 2).sum(axis=(1, 3))
    return np.asarray((swing.argmax(axis=1) + 0.5) * (360.0 / beams.shape[2]) % 180.0)


def groups_of(truth: Floats) -> Groups:
    """Events by how they are seen; truth [events, 6] as `training.datasets.force_beams` draws it."""
    _, snr, side, _, timed, _ = truth.T
    around = (side < ONE_SIDED) & (timed > 0)
    return {
        "all": np.ones(len(truth), bool),
        "placed by offsets": timed == 0,
        "placed as by times": timed > 0,
        "of these, stations to one side": (side >= ONE_SIDED) & (timed > 0),
        "of these, stations around": around,
        f"around, signal to noise below {LOW_SNR:g}": around & (snr < LOW_SNR),
        f"around, {LOW_SNR:g} to {HIGH_SNR:g}": around & (snr >= LOW_SNR) & (snr < HIGH_SNR),
        f"around, {HIGH_SNR:g} and above": around & (snr >= HIGH_SNR),
    }


def force_table(answers: dict[str, Floats], truth: Floats, signed: tuple[str, ...]) -> list[str]:
    """Lines of a table: of each group and answer the median error, the share within 10 degrees, and of `signed` ones the right signs."""
    lines = ["| events | n | answer | median error, degrees | within 10 degrees | right signs |", "|---|---|---|---|---|---|"]
    for name, rows in groups_of(truth).items():
        for answer, said in answers.items():
            if rows.sum() < 2:
                continue
            error = angle_difference_deg(said, truth[:, 0], 180.0)[rows]
            right = angle_difference_deg(said, truth[:, 0], 360.0)[rows] < 90.0
            cells = (_median(error), _share(error <= 10.0), _share(right) if answer in signed else "")
            lines.append(f"| {name} | {rows.sum()} | {answer} | " + " | ".join(cells) + " |")
    return lines


def _median(error: Floats) -> str:
    value, low, high = bootstrap(lambda rows: float(np.median(error[rows])), np.arange(len(error)))
    return f"{value:.0f} ({low:.0f} to {high:.0f})"


def _share(hits: NDArray[np.bool_]) -> str:
    low, high = wilson(int(hits.sum()), len(hits))
    return f"{hits.mean():.2f} ({low:.2f} to {high:.2f})"


def _drawn(settings: TrainingSettings) -> Arrays:
    plan = load_recipe("force_tests", SectionRecipe)
    return make_force_shards(plan, settings, list(range(SHARDS))).load_all(("beam", "azimuth", "truth"))


def force_page(settings: TrainingSettings, section: Path | None) -> str:
    """The page; `section`: an ONNX network that reads the section ordered by azimuth, to compare with, if it is at hand."""
    drawn = _drawn(settings)
    model = OnnxModel.load(open_store(settings.artifacts_dir), FORCE_AZIMUTH, threads=settings.processes)
    answers = {
        "least squares": strongest_deg(drawn["beam"]),
        "network on beams": model.run(drawn["beam"])["force_azimuth_deg"].astype(np.float64),
    }
    if section is not None:
        session = ort.InferenceSession(section, providers=["CPUExecutionProvider"])
        parts = [
            session.run(["force_azimuth_deg"], {"pictures": drawn["azimuth"][k : k + 16]})[0] for k in range(0, len(drawn["azimuth"]), 16)
        ]
        answers["network on the section"] = np.concatenate(parts).astype(np.float64)
    known = np.isfinite(drawn["truth"][:, TRUTH.index("force azimuth")])
    lines = force_table({name: said[known] for name, said in answers.items()}, drawn["truth"][known], tuple(answers)[1:])
    head = HEAD.format(
        command="python -m training force-pictures" + ("" if section is None else " --section NETWORK"),
        commit=read_commit(),
        count=int(known.sum()),
        version=model.card.version,
        section="the one that was shipped before (version 3), on the section ordered by azimuth." if section else "not at hand.",
        one_sided=ONE_SIDED,
    )
    return head + "\n".join(lines) + "\n"
