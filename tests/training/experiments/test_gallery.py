"""Galleries embed all pictures, and figures show every kind of source."""

import numpy as np
import pytest
from matplotlib.image import imread

from training.experiments.gallery import GallerySection, draw_gallery_figure, format_gallery, write_gallery
from training.experiments.source_figure import DRAWS, draw_example, draw_sources_figure, normalize_history
from training.synthesis.sources import KINDS

pytestmark = pytest.mark.slow

GROUPS = ("synthetic, glacial", "real")


@pytest.fixture
def sections():
    random = np.random.default_rng(0)
    return [
        GallerySection(group, f"{number} <stations>: 3", random.integers(0, 255, (16, 16, 3), dtype=np.uint8))
        for group in GROUPS
        for number in range(7)
    ]


def test_the_page_holds_every_section_and_loads_nothing(sections):
    text = format_gallery(sections)
    assert text.count('<img src="data:image/png;base64,') == len(sections)
    assert all(f"<h2>{group}</h2>" in text for group in GROUPS)
    assert "<stations>" not in text
    assert "//" not in text.split("base64")[0]


def test_the_sheet_begins_a_row_with_each_group(sections, tmp_path):
    draw_gallery_figure(sections, tmp_path / "figures" / "sheet.png")
    picture = imread(tmp_path / "figures" / "sheet.png")
    assert picture.shape[0] / picture.shape[1] == pytest.approx(4 * 1.62 / (6 * 1.5), rel=0.02), "two rows a group"


@pytest.mark.parametrize("kind", KINDS)
def test_histories_are_drawn_to_their_largest_value(kind):
    for number in range(DRAWS):
        shape, words = normalize_history(draw_example(kind, number, np.random.default_rng(number)))
        assert np.abs(shape).max() == pytest.approx(1.0)
        assert words.startswith("force" if kind in ("glacial", "landslide") else "moment")


def test_the_figure_of_sources_is_small(tmp_path):
    draw_sources_figure(tmp_path / "sources.png")
    assert imread(tmp_path / "sources.png").shape[1] > 800
    assert (tmp_path / "sources.png").stat().st_size < 300_000


def test_synthetic_sections_come_through_the_serving_chain(settings, tmp_path):
    empty = tmp_path / "no_real_events"
    empty.mkdir()
    count = write_gallery(settings, empty, tmp_path / "page", tmp_path / "sheet.png", stores=("greens_50s",), each=1)
    assert count == 2
    assert "synthetic, earthquake" in (tmp_path / "page" / "index.html").read_text()
