"""Every kind of picture is drawn as the models read it."""

import pytest

from training.experiments.input_figures import draw_input_figures

pytestmark = pytest.mark.slow


def test_every_kind_of_picture_is_drawn(settings, tmp_path):
    paths = draw_input_figures(settings, tmp_path)
    assert [path.name for path in paths] == [f"reads_{name}.png" for name in ("offset", "event_type", "force_azimuth", "families")]
    assert (tmp_path / "reads_event_type.png").stat().st_size > 1000
