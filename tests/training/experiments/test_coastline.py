"""Coastlines keep their bends and lose their seams."""

import numpy as np

from training.experiments.coastline import remove_seams, simplify_lines


def test_a_coast_keeps_its_bends_and_loses_its_seams():
    line = np.array([[0.0, 0.0], [1.0, 0.001], [2.0, 0.0], [2.0, 1.0]])
    assert simplify_lines(line, 0.05).tolist() == [[0.0, 0.0], [2.0, 0.0], [2.0, 1.0]]
    ring = np.array([[170.0, 60.0], [180.0, 61.0], [180.0, 65.0], [170.0, 66.0], [170.0, 60.0]])
    assert [len(part) for part in remove_seams(ring)] == [2, 3]
