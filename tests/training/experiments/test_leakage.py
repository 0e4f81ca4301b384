"""No trivial cue separates the classes or predicts the distance, and a cue that did would be noticed."""

from dataclasses import replace

import numpy as np
import pytest

from training.config import TrainingSettings
from training.datasets.archive import ArchiveWriter
from training.datasets.mixtures import MixtureRecipe, draw_archived_event
from training.experiments.leakage import (
    EVENT_CUES,
    TRACE_CUES,
    Cues,
    chance_scatter,
    class_auc,
    class_separations,
    collect_cues,
    distance_r2,
    distance_separations,
    find_telling_files,
    write_leakage_page,
)
from training.random_streams import Purpose, make_generator
from training.synthesis.events import open_sampler

MIXTURE = MixtureRecipe(
    store="greens_50s", events_per_shard=8, stations=(3, 5), distances_deg=(3.0, 118.0), kinds={"earthquake": 0.5, "glacial": 0.5}
)
EVENTS = 110
# Chance is 0.5 with a standard deviation of 0.055 for so many events.
MAX_AUC, MAX_FRACTION = 0.68, 0.1
# A few seconds of one core, but a busy machine may take its time.
pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def drawn(store, build_dir):
    world = open_sampler(store, TrainingSettings(data_dir=None, build_dir=build_dir), 1)
    return [
        draw_archived_event(world, MIXTURE, make_generator(1, Purpose.LEAKAGE, number), f"event_{number:06d}") for number in range(EVENTS)
    ]


@pytest.fixture(scope="module")
def cues(drawn):
    return collect_cues(drawn)


def test_no_trivial_cue_separates_glacial_from_tectonic(cues):
    separations = class_separations(cues)
    assert set(separations) == {*EVENT_CUES, "all together"}
    assert {name: auc for name, auc in separations.items() if auc > MAX_AUC} == {}


def test_no_trivial_cue_predicts_the_distance(cues):
    explained = distance_separations(cues)
    assert set(explained) == {*TRACE_CUES, "all together"}
    assert {name: fraction for name, fraction in explained.items() if fraction > MAX_FRACTION} == {}


def test_a_class_of_larger_amplitude_and_a_window_cut_by_distance_are_noticed(cues):
    larger = cues.events.copy()
    column = EVENT_CUES.index("energy")
    larger[cues.kinds == "glacial", column] += 1.5 * larger[:, column].std()
    assert class_auc(larger, cues.kinds == "glacial") > 0.75
    longer = cues.traces.copy()
    longer[:, TRACE_CUES.index("duration")] += 60 * cues.distances_deg
    assert distance_r2(longer, cues.distances_deg, cues.owners) > 0.3


def test_chance_scatters_as_drawn_scores_do():
    random = np.random.default_rng(0)
    ranks = np.array([random.permutation(40)[:15].sum() for _ in range(4000)])
    assert chance_scatter(15, 25) == pytest.approx(((ranks - 15 * 14 / 2) / (15 * 25)).std(), rel=0.05)


def test_uninformative_cues_stay_at_chance():
    random = np.random.default_rng(0)
    noise = Cues(random.normal(size=(300, 12)), np.array(["glacial", "earthquake"] * 150), *(np.empty(0),) * 3)
    assert class_auc(noise.events, noise.kinds == "glacial") < 0.6


def test_a_file_that_names_its_kind_is_found(drawn, tmp_path):
    with ArchiveWriter(tmp_path / "set", {"seed": 1, "commit": "abc"}, 4) as writer:
        for event in drawn[:8]:
            writer.add(event)
    assert find_telling_files(tmp_path) == []
    with ArchiveWriter(tmp_path / "named", {"seed": 1, "commit": "abc"}, 4) as writer:
        writer.add(replace(drawn[0], name="an_Earthquake"))
    assert find_telling_files(tmp_path) == ["named/manifest.json", "named/waveforms/00000.h5"]


def test_the_page_states_every_cue(drawn, tmp_path):
    with ArchiveWriter(tmp_path / "set", {"seed": 1, "commit": "abc"}, 40) as writer:
        for event in drawn[:40]:
            writer.add(event)
    written = write_leakage_page([tmp_path / "set"], 40, "command", tmp_path / "page.md").read_text()
    assert all(f"| {name} |" in written for name in (*EVENT_CUES, "all together"))
    assert "Files that name a kind: none" in written
