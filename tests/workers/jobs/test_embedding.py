"""Embedded events: thumbnails on disk, and a warning for an event that cannot be embedded."""

import numpy as np

from workers.jobs.embedding import EmbeddedEvents, make_thumbnail


def test_thumbnails_are_read_by_index_and_errors_become_warnings():
    kept, pictures = EmbeddedEvents(), np.random.default_rng(0).integers(0, 255, (4, 3, 8, 8), dtype=np.uint8)
    batch = {
        "names": np.array(list("abcd")),
        "errors": np.array(["", "", "no data", ""]),
        "embeddings": np.eye(4, dtype=np.float32),
        "thumbnails": pictures,
    }
    kept.add_batch(batch)
    kept.add_batch({name: values[:1] for name, values in batch.items()})
    assert kept.names == ["a", "b", "d", "a"]
    np.testing.assert_array_equal(kept.thumbnails([2, 0]), pictures[[3, 0]])
    kept.close()
    assert [(warning.part, warning.code) for warning in kept.warnings] == [("c", "no-usable-trace")]


def test_a_thumbnail_keeps_thin_lines():
    section = np.zeros((3, 160, 160), np.uint8)
    section[1, 33, :] = 200
    assert make_thumbnail(section)[1, 16].tolist() == [200] * 80
