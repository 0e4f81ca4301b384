"""Tables of Green's functions: packing, layout, reading."""

import numpy as np
import pytest

from models.seismic.source.greens_tables import BLOCK, DEPTHS_KM, DISTANCES_DEG, FORCES, STRAINS, layout, load_tables, pack_series


def test_packed_series_keep_body_waves_beside_waves_a_thousand_times_larger(tmp_path):
    """Blocks have their own scale: 0.5 % of each block's maximum, however large the maximum of the series."""
    counts, first_blocks = layout()[1:]
    blocks = int(first_blocks[-1, -1]) + FORCES * -(-int(counts[-1, -1]) // BLOCK)
    mantissas, exponents = np.zeros(blocks * BLOCK, np.int8), np.zeros(blocks, np.int16)
    state, distance = 7, 118
    count = int(counts[state, distance])
    random = np.random.default_rng(1)
    series = 1e-22 * random.normal(size=(STRAINS, count)) * np.where(np.arange(count) < 64, 1.0, 1000.0)
    packed = pack_series(series)
    first = int(first_blocks[state, distance])
    mantissas[first * BLOCK : first * BLOCK + packed[0].size], exponents[first : first + packed[1].size] = (
        packed[0].ravel(),
        packed[1].ravel(),
    )
    np.savez_compressed(tmp_path / "earth.npz", mantissas=mantissas, exponents=exponents)

    read = load_tables(tmp_path / "earth.npz").read(np.array([distance]), np.array([state]), STRAINS)[0, 0] / 1e20

    assert np.abs(read[:, :64] - series[:, :64]).max() < 0.01 * np.abs(series[:, :64]).max()
    assert np.abs(read - series).max() < 0.01 * np.abs(series).max()


def test_a_file_of_another_layout_is_refused(tmp_path):
    np.savez_compressed(tmp_path / "earth.npz", mantissas=np.zeros(64, np.int8), exponents=np.zeros(4, np.int16))

    with pytest.raises(ValueError, match="layout"):
        load_tables(tmp_path / "earth.npz")


def test_series_begin_before_the_first_arrival_and_end_after_rayleigh_waves():
    """At 60 degrees P of a deep source takes 530 s or more, Rayleigh waves of 3.5 km/s 1,900 s."""
    begins_s, counts, _ = layout()
    row = int(np.argmin(np.abs(DISTANCES_DEG - 60.0)))

    assert 400.0 < begins_s[row] < 530.0
    assert begins_s[row] + 10.0 * counts[0, row] > 1950.0
    assert counts.shape == (len(DEPTHS_KM) + 1, len(DISTANCES_DEG))
