"""Random sources: double couples of unit moment, and sources at the surface with tectonic release."""

import numpy as np

from models.seismic.earth.random_sources import draw_mechanisms, random_sources, to_spherical


def test_double_couples_have_unit_moment_and_neither_volume_nor_clvd():
    nn, ee, dd, ne, nd, ed = draw_mechanisms(50, np.random.default_rng(1)).T
    np.testing.assert_allclose(nn + ee + dd, 0.0, atol=1e-12)
    tensors = np.array([[nn, ne, nd], [ne, ee, ed], [nd, ed, dd]]).transpose(2, 0, 1)
    np.testing.assert_allclose(np.sort(np.linalg.eigvalsh(tensors)), np.tile([-1.0, 0.0, 1.0], (50, 1)), atol=1e-9)


def test_sources_at_the_surface_release_three_tenths_of_their_moment_as_a_double_couple():
    explosions, closing = (random_sources(kind)[0] for kind in ("explosion", "collapse"))
    np.testing.assert_allclose(explosions - closing, np.tile((1.52, 1.52, 2.57, 0.0, 0.0, 0.0), (len(closing), 1)), atol=1e-9)
    release = explosions - (1.0, 1.0, 1.0, 0.0, 0.0, 0.0)
    np.testing.assert_allclose(release[:, :3].sum(axis=1), 0.0, atol=1e-9)
    moments = np.sqrt((release[:, :3] ** 2).sum(axis=1) / 2.0 + (release[:, 3:] ** 2).sum(axis=1))
    assert 0.27 < np.median(moments) < 0.33


def test_axes_up_south_east_are_those_of_north_east_down_turned():
    """A tensor that is the product of a vector with itself is so in the other axes as well."""
    north, east, down = 0.3, -0.5, 0.8
    up, south = -down, -north
    given = np.array([[north**2, east**2, down**2, north * east, north * down, east * down]])
    expected = np.array([[up**2, south**2, east**2, up * south, up * east, south * east]])
    np.testing.assert_allclose(to_spherical(given), expected)
