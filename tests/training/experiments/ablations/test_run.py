"""Every cell of the ablations differs from the base in what its name says, draws what it says, and its network reads it."""

from functools import cache

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from models.imaging.style import channels
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Gather
from training.config import load_recipe
from training.experiments.ablations.data import SWITCHES, cut_waveforms, draw_ablation_traces, list_styles
from training.experiments.ablations.run import (
    AblationRecipe,
    apply_changes,
    build_network,
    count_multiply_adds,
    count_traces,
    format_offset_table,
    write_tables,
)
from training.experiments.resnet_depth.run import Trial
from training.synthesis.path_effects import PathScatter
from training.synthesis.records import Realism

pytestmark = pytest.mark.slow

PLAN = load_recipe("ablations", AblationRecipe, preset="")


def test_each_cell_differs_from_the_base_and_from_every_other():
    cells = [cell.model_dump_json() for _, cell in PLAN.offset_settings()]
    assert len(set(cells)) == len(cells) > 15
    assert sum(cell == PLAN.offset.model_dump_json() for cell in cells) == 1
    assert all(isinstance(trial, Trial) for _, trial in PLAN.event_type_settings())


def test_a_gpu_runs_every_cell_and_a_cpu_those_of_few_traces():
    large = load_recipe("ablations", AblationRecipe, preset="gpu")
    assert {count_traces(cell) for _, cell in large.offset_settings()} >= {1000, 10_000, 100_000, 1_000_000}
    assert max(count_traces(cell) for _, cell in PLAN.offset_settings()) <= PLAN.largest_training_set < 100_000
    base = {"48 rows and 512 columns, as declared", "100,000 traces"}
    assert {cell.name for cell in PLAN.offset_cells} - set(dict(large.offset_settings())) == base


def test_the_cell_of_the_declared_picture_is_the_base_where_that_is_declared():
    large, name = load_recipe("ablations", AblationRecipe, preset="gpu"), "48 rows and 512 columns, as declared"
    assert name in dict(PLAN.offset_settings())
    assert name not in dict(large.offset_settings())
    assert (large.offset.data.rows, large.offset.data.columns) == (48, 512)
    assert {"24 rows", "256 columns"} <= set(dict(large.offset_settings()))


def test_a_change_of_something_that_is_not_there_is_refused():
    with pytest.raises(ValidationError):
        apply_changes(PLAN.offset, {"data": {"colour": 3}})


@pytest.mark.parametrize("name", sorted(SWITCHES))
def test_each_switch_changes_one_thing(name):
    whole = Realism(PathScatter())
    without = SWITCHES[name](whole)
    assert sum(getattr(without, field) != getattr(whole, field) for field in vars(whole)) == 1


@pytest.mark.parametrize("picture", ["frequency", "amplitude", "both", "waveform"])
def test_a_network_reads_what_its_cell_draws(picture, settings):
    data = PLAN.offset.data.model_copy(
        update={"picture": picture, "store": ("greens_50s",), "events_per_shard": 2, "traces_per_event": 3, "columns": 128}
    )
    shard = draw_ablation_traces(data, settings, 1)
    cell = PLAN.offset.model_copy(update={"data": data, "architecture": "waves" if picture == "waveform" else "alexnet"})
    size = shard["pictures"].shape[1:]
    network = build_network(cell, size[0])
    assert count_multiply_adds(network, size) > 1
    with torch.no_grad():
        distance = network.eval()(torch.from_numpy(shard["pictures"]))[0]
    assert distance.shape == shard["truth"][:, 0].shape
    assert ((shard["truth"][:, 0] >= 3) & (shard["truth"][:, 0] <= 176)).all()
    if picture != "waveform":
        assert size[0] == sum(channels(style) for style in list_styles(data))


@pytest.mark.parametrize("preset", ["", "gpu"])
def test_no_cells_picture_is_too_small_for_its_network(preset):
    for name, cell in load_recipe("ablations", AblationRecipe, preset=preset).offset_settings():
        if cell.architecture != "waves":
            count = sum(channels(style) for style in list_styles(cell.data))
            assert count_cost(cell.architecture, cell.fit.width, (count, cell.data.rows, cell.data.columns)) > 1, name


@cache
def count_cost(architecture, width, size):
    """Millions of multiply-adds of the network of a cell; many cells have the same network."""
    fit = PLAN.offset.fit.model_copy(update={"width": width})
    cell = PLAN.offset.model_copy(update={"architecture": architecture, "fit": fit})
    return count_multiply_adds(build_network(cell, size[0]), size)


def test_the_peer_on_the_record_costs_as_much_as_the_network_on_the_picture():
    picture = count_multiply_adds(build_network(PLAN.offset, 1), (1, 48, 512))
    record = count_multiply_adds(build_network(PLAN.offset.model_copy(update={"architecture": "waves"}), 1), (1, 1, 5120))
    assert record == pytest.approx(picture, rel=0.15)


def test_a_record_is_its_roots_with_rest_in_the_middle_and_nothing_where_there_is_nothing():
    samples = np.array([[0.0, 1.0, -0.25, np.nan]], dtype=np.float32)
    gather = Gather((TraceId("XX", "A", "", "LHZ"),), 100.0, 1.0, samples, np.zeros(1), np.zeros(1))
    assert cut_waveforms(gather, 100.0, 5.0)[0, 0, 0].tolist() == [128, 255, 64, 0, 0]
    assert cut_waveforms(gather, 99.0, 4.0)[0, 0, 0].tolist() == [0, 128, 255, 64]


def test_the_page_says_what_was_not_run(tmp_path):
    found = {"median": 1.5, "median_low": 1.2, "median_high": 1.9, "p90": 7.0, "within": 0.8, "traces": 3900, "cost": 118, "seconds": 90}
    results = [found, *[None] * (len(PLAN.offset_settings()) - 1)]
    assert "| base | 1.50 (1.20 to 1.90) | 7.0 | 80% | 3,900 | 118 | 1.5 |" in format_offset_table(PLAN.offset_settings(), results)
    none = [None] * len(PLAN.event_type_cells)
    text = write_tables(tmp_path / "page.md", "python -m training experiment ablations", PLAN, results, none).read_text()
    assert f"{len(results) + len(none) - 1} of {len(results) + len(none)} cells are missing" in text
    assert "reduced, for a CPU" in text
