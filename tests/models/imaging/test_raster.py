import numpy as np
import pytest

from models.imaging.raster import WiggleAxes, draw_wiggle


def draw(values, live=None, columns=8, rows=9, first=0.0, spacing=1.0, center=4.5, scale=1.0, picture=None):
    picture = np.zeros((rows, columns), np.uint16) if picture is None else picture
    values = np.asarray(values, np.float32)
    live = np.ones(len(values), np.bool_) if live is None else np.asarray(live, np.bool_)
    draw_wiggle(picture, values, live, 1, WiggleAxes(first, spacing, center, scale))
    return picture


def test_a_level_line_is_one_pixel_wide():
    picture = draw(np.zeros(9))
    assert np.array_equal(np.flatnonzero(picture.any(axis=1)), [4])
    assert (picture[4] == 255).all()


def test_a_line_between_rows_is_divided_by_covered_fraction():
    picture = draw(np.zeros(9), center=4.75)
    assert (picture[4] == 191).all()
    assert (picture[5] == 64).all()


def test_positive_is_up():
    assert np.flatnonzero(draw(np.full(9, 3.0)).any(axis=1)) == [1]


def test_a_column_is_lit_from_smallest_to_largest_value():
    picture = draw([0, 3, -3, 0], spacing=0.25, columns=2)
    assert (picture[1:8, 0] == 255).all()
    assert not picture[[0, 8], 0].any()


def test_a_steep_line_leaves_no_hole():
    picture = draw([-4.0, 4.0], spacing=8.0)
    lit = picture > 0
    assert lit.any(axis=0).all()
    assert lit.any(axis=1).all()
    assert all(np.any(lit[:, c] & lit[:, c + 1]) for c in range(7))


@pytest.mark.parametrize("spacing", [0.1, 0.25, 1.0, 2.0, 3.7])
def test_a_straight_line_looks_the_same_however_finely_it_is_sampled(spacing):
    times = np.arange(0.0, 8.0 + spacing, spacing)
    picture = draw(times / 2 - 2, spacing=spacing)
    reference = draw(np.arange(0.0, 9.0) / 2 - 2)
    assert np.max(np.abs(picture.astype(int) - reference)) <= 1


def test_nothing_is_drawn_across_dead_samples():
    picture = draw(np.zeros(9), live=[1, 1, 1, 0, 0, 0, 1, 1, 1])
    assert np.array_equal(np.flatnonzero(picture[4]), [0, 1, 2, 6, 7])


def test_values_of_dead_samples_do_not_matter():
    values = np.array([0, 0, np.nan, 1e30, 0, 0], np.float32)
    assert draw(values, live=[1, 1, 0, 0, 1, 1])[4, [0, 1, 4, 5]].all()


def test_a_line_is_clipped_at_the_border_of_the_picture():
    picture = draw([100.0, -100.0] * 40, first=-20.0, spacing=0.5)
    assert (picture == 255).all()


def test_ink_of_several_lines_adds_up():
    picture = draw(np.zeros(9))
    draw(np.zeros(9), picture=picture)
    assert (picture[4] == 510).all()


def test_ink_saturates():
    picture = np.full((9, 8), 65_500, np.uint16)
    draw(np.zeros(9), picture=picture)
    assert (picture[4] == 65_535).all()
    assert (picture[0] == 65_500).all()


def test_an_empty_wiggle_changes_nothing():
    assert not draw([]).any()


def test_live_flags_may_be_finer_than_the_wiggle():
    live = np.array([1, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 1], np.bool_)
    ink = np.zeros((9, 8), np.uint16)
    draw_wiggle(ink, np.zeros(5, np.float32), live, 3, WiggleAxes(0.0, 1.5, 4.5, 1.0))
    assert np.flatnonzero(ink[4]).tolist() == [0, 1, 4, 5, 6]
