"""Evidence adds up to the log-odds, is attributed to the pixels that cause it, and follows travel times."""

import numpy as np
import pytest

from models.imaging.style import channels
from models.registry.inference import OnnxModel
from models.registry.store import open_store
from models.seismic.earth.travel_times import travel_time_s
from models.specs.event_type import EVENT_TYPE
from models.specs.pictures import AZIMUTH_SECTION, DISTANCE_SECTION
from training.config import TrainingSettings
from training.datasets.archive import ArchiveWriter
from training.datasets.catalog_replica import ReplicaRecipe, draw_replica
from training.evaluation.evaluate import open_models
from training.experiments.attribution import page as page_module
from training.experiments.attribution.page import attribute_real, format_class_table, write_attribution_page
from training.experiments.attribution.shapley import (
    WINDOWS,
    attribute_picture,
    compute_occlusion_map,
    compute_shapley_values,
    label_windows,
    log_odds,
    name_channels,
    window_borders_s,
)

pytestmark = pytest.mark.slow

REPLICA = ReplicaRecipe(
    store="greens_50s", events_per_shard=2, stations=(4, 6), distances_deg=(3.0, 118.0), magnitude_tolerance=0.1, seed=3407
)


@pytest.fixture(scope="module")
def model(toy_artifacts):
    """Its log-odds are 8 - 16 m, m the mean of the picture over 255: every bit of ink speaks for a glacial earthquake."""
    return OnnxModel.load(open_store(toy_artifacts), EVENT_TYPE)


@pytest.fixture(scope="module")
def picture():
    random = np.random.default_rng(3)
    size = (channels(DISTANCE_SECTION), DISTANCE_SECTION.rows, DISTANCE_SECTION.columns)
    return np.where(random.random(size) < 0.3, random.integers(0, 200, size), 0).astype(np.uint8)


def test_shapley_values_of_a_game_are_those_of_the_books():
    """Three players, two of whom hold a left glove and one the right: (1/6, 1/6, 4/6)."""
    assert compute_shapley_values(lambda there: float(there[2] and (there[0] or there[1])), 3) == pytest.approx([1 / 6, 1 / 6, 4 / 6])


def test_evidence_of_windows_and_channels_is_that_of_their_pixels(model, picture):
    windows = label_windows(DISTANCE_SECTION, -200.0)
    by_window, by_channel = attribute_picture(model, picture, windows)
    ink = picture / 255.0 / picture.size
    assert by_window == pytest.approx([-16 * ink[windows == k].sum() for k in range(len(WINDOWS))], abs=1e-4)
    assert by_channel == pytest.approx([-16 * channel.sum() for channel in ink], abs=1e-4)
    whole, blank = log_odds(model, np.stack([picture, np.zeros_like(picture)]))
    assert by_window.sum() == pytest.approx(whole - blank, abs=1e-4)


def test_windows_begin_with_the_arrivals():
    first, second, surface, end = window_borders_s(np.array([60.0]))[:, 0]
    assert first == pytest.approx(travel_time_s("P", 60.0, 0.0) - 25.0)
    assert second == pytest.approx(travel_time_s("S", 60.0, 0.0) - 25.0)
    assert (surface, end) == pytest.approx((60 * 111.195 / 4.4, 60 * 111.195 / 2.8 + 25.0), rel=1e-3)
    borders = window_borders_s(np.linspace(0.1, 179.9, 500))
    assert np.isfinite(borders).all()
    assert (np.diff(borders, axis=0) >= 0).all()


def test_pixels_of_section_and_close_up_are_labeled_with_their_window():
    windows = label_windows(DISTANCE_SECTION, -300.0)
    style, bands = DISTANCE_SECTION, len(DISTANCE_SECTION.bands)
    assert windows.shape == (channels(style), style.rows, style.columns)
    row = int((60 / 180) ** style.axis_exponent * style.rows)
    distance = 180 * ((row + 0.5) / style.rows) ** (1 / style.axis_exponent)
    seconds = -300.0 + (np.flatnonzero(windows[0, row] == 1)[0] + np.array([-0.5, 0.5])) * style.window_s / style.columns
    assert seconds[0] <= float(travel_time_s("P", distance, 0.0)) - 25.0 <= seconds[1]
    near = style.close_up
    column = np.flatnonzero(windows[bands, row] == 1)[0]
    assert abs(column * near.window_s / style.columns - (near.lead_s - 25.0)) < 2 * near.window_s / style.columns
    with pytest.raises(ValueError, match="travel time"):
        label_windows(AZIMUTH_SECTION, 0.0)


def test_a_map_shows_the_patch_that_changes_the_log_odds(model):
    size = (channels(DISTANCE_SECTION), DISTANCE_SECTION.rows, DISTANCE_SECTION.columns)
    picture = np.zeros(size, np.uint8)
    picture[0, 40:48, 80:88] = 255
    heat = compute_occlusion_map(model, picture, slice(0, 3))
    assert heat[44, 84] < 0 == heat[120, 120]
    assert heat[44, 84] == heat.min()
    assert not compute_occlusion_map(model, picture, slice(3, 6)).any()


@pytest.mark.timeout(300)
def test_the_page_has_every_window_and_channel(settings: TrainingSettings, tmp_path, monkeypatch):
    with ArchiveWriter(tmp_path / "replica", {"seed": 1}, 2) as writer:
        for event in draw_replica(REPLICA, settings, [4, 5]):
            writer.add(event)
    bundles = page_module.BUNDLES.resolve()
    monkeypatch.setattr(page_module, "BUNDLES", bundles)
    monkeypatch.chdir(tmp_path)
    page = write_attribution_page(settings, "python -m training experiment attribution", tmp_path / "replica", None, 1).read_text()
    assert all(f"| {name} |" in page for name in (*WINDOWS, *name_channels(DISTANCE_SECTION)))
    assert 1000 < (tmp_path / "docs/results/figures/attribution.png").stat().st_size < 150_000
    assert attribute_real(open_models(settings), tmp_path) == []
    assert "n = 0" not in format_class_table([], "window", WINDOWS, lambda event: event.by_window)
