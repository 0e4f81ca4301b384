"""Weights of the inversion in the class: chosen where they help, and comparisons kept between runs."""

import numpy as np

from training.experiments.source.class_weights import OFFSETS, WEIGHTS, KindComparison, choose_weights, measure_loss, read_lines

OPEN = (0.5, 0.4, 0.1)  # earthquake, glacial, other


def compare(kind, difference):
    return KindComparison(kind, OPEN, 1.0, difference, 40.0)


def test_differences_that_tell_the_kinds_apart_get_a_weight_and_others_none():
    telling = [compare("glacial", value) for value in (12.0, 20.0)] + [compare("earthquake", value) for value in (-9.0, -2.0)]
    losses = choose_weights(telling)
    assert WEIGHTS[np.unravel_index(np.argmin(losses), losses.shape)[0]] > 0.2
    assert losses.shape == (len(WEIGHTS), len(OFFSETS))

    misleading = [compare(one.kind, value) for one in telling for value in (-one.difference, one.difference)]
    losses = choose_weights(misleading)
    assert losses.min() > 0.9 * measure_loss(misleading, 0.0, 0.0)


def test_both_kinds_weigh_alike_whatever_their_number():
    few = [compare("glacial", 0.0), compare("earthquake", 0.0)]
    many = [compare("glacial", 0.0), *[compare("earthquake", 0.0)] * 9]
    assert measure_loss(few, 0.2, 0.0) == measure_loss(many, 0.2, 0.0)


def test_kept_comparisons_are_read_again_unless_the_models_are_others(tmp_path):
    path = tmp_path / "kept.jsonl"
    assert read_lines(path, {"edition": 1}) == {}
    with path.open("a") as file:
        file.write('["7", null]\n["9", {"kind": "glacial"}]\n')

    assert read_lines(path, {"edition": 1}) == {"7": None, "9": {"kind": "glacial"}}
    assert read_lines(path, {"edition": 2}) == {}
