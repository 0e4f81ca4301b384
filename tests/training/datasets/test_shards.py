"""Shards are drawn once and read back."""

import numpy as np

from training.datasets.shards import make_shards


def squares(seed):
    return {"values": np.arange(seed, seed + 3) ** 2}


def test_shards_are_drawn_once_and_read_back(tmp_path):
    first = make_shards(squares, tmp_path, "a" * 64, [1, 4], processes=1)
    changed = first.paths[0].stat().st_mtime_ns
    second = make_shards(squares, tmp_path, "a" * 64, [1, 4], processes=1)
    assert second.paths[0].stat().st_mtime_ns == changed
    assert second.load_all(("values",))["values"].tolist() == [1, 4, 9, 16, 25, 36]
