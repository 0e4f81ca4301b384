"""Beams of synthetic forces: reproducible, strongest along the force, and rotated and mirrored with it."""

from dataclasses import replace

import numpy as np
import pytest

from models.analysis.sections import compute_placement
from models.imaging.beam_picture import NOTHING
from models.imaging.conditioning import condition
from models.imaging.render import render_beam
from models.seismic.geodesy import destination
from models.specs.pictures import CONDITIONING, FORCE_BEAM
from training.datasets.force_beams import STYLES, TRUTH, draw_force_beams
from training.datasets.sections import SectionRecipe
from training.synthesis.records import ORIGIN_S, Realism, synthesize_records
from training.synthesis.sources import make_glacial
from training.synthesis.station_geometry import Stations
from training.synthesis.windows import Window
from training.tasks.sections import rotate_force

FORCES = SectionRecipe(
    store="greens_50s",
    events_per_shard=2,
    stations=(6, 8),
    near_share=0.0,
    small_share=0.0,
    timed_share=1.0,
    shortest_window_s=0.0,
    longest_window_s=18000.0,
    kinds={"glacial": 1.0},
    seed=3,
)


def strongest_deg(beams):
    """Azimuth [events], modulo 180 degrees, of the row of the largest amplitude in beams [events, bands, rows, columns]."""
    energy = ((beams.astype(np.float64) - NOTHING) ** 2).sum(axis=(1, 3))
    return (energy.argmax(axis=1) + 0.5) * (360.0 / beams.shape[2]) % 180.0


def surround(store, epicenter):
    """Stations on sixteen great circles, exactly at stored distances."""
    azimuths = np.arange(16) * 22.5 + 10.0
    indices = np.abs(store.forces.distances_deg[None] - np.linspace(30, 80, 16)[:, None]).argmin(axis=1)
    distances = store.forces.distances_deg[indices]
    latitudes, longitudes = destination(*epicenter, azimuths, distances)
    return Stations((), np.asarray(latitudes), np.asarray(longitudes), distances, azimuths, indices)


@pytest.mark.parametrize("azimuth_deg", [20.0, 110.0, 250.0])
def test_the_strongest_row_is_the_direction_of_a_synthetic_force(store, azimuth_deg):
    """To within the spacing of stations, for amplitudes are lost. The generator knows nothing of the picture."""
    epicenter = (68.0, -33.0)
    source = make_glacial(epicenter, 5e15, azimuth_deg, store.time_step_s, np.random.default_rng(1))
    stations = surround(store, epicenter)
    named = replace(stations, trace_ids=tuple(f"S{k}" for k in range(16)))
    quiet = Realism(paths=None, noise=True, instruments=False, defects=False)
    records = synthesize_records(
        (store,), source, named, (Window(-1500.0, 5400.0),) * len(named.distances_deg), quiet, np.random.default_rng(2)
    )
    gather = condition(records, CONDITIONING)
    picture = render_beam(FORCE_BEAM, gather, ORIGIN_S, compute_placement(gather, *epicenter))
    assert abs((strongest_deg(picture[None])[0] - azimuth_deg + 90) % 180 - 90) < 22.5


def test_shards_are_reproducible(settings):
    one, other = (draw_force_beams(FORCES, settings, 4) for _ in range(2))
    assert one["truth"].shape == (2, len(TRUTH))
    assert one["beam"].shape[1:] == (len(FORCE_BEAM.bands), FORCE_BEAM.rows, FORCE_BEAM.columns)
    assert all(np.array_equal(one[name], other[name], equal_nan=True) for name in (*STYLES, "truth"))
    assert not np.array_equal(one["truth"], draw_force_beams(FORCES, settings, 5)["truth"], equal_nan=True)


def test_augmentation_rotates_and_mirrors_beam_and_force_together():
    angles = (np.arange(36) + 0.5) * 10.0
    azimuths = np.random.default_rng(0).uniform(0, 360, 40)
    waves = np.cos(np.radians(angles[None, :] - azimuths[:, None]))
    pictures = np.rint(NOTHING + 120 * waves[:, None, :, None] * np.ones((1, 2, 1, 8))).astype(np.uint8)
    moved, truth = rotate_force(pictures, azimuths[:, None].astype(np.float32), np.random.default_rng(1))
    assert np.abs((strongest_deg(moved) - truth[:, 0] + 90) % 180 - 90).max() <= 5.5
    assert len(np.unique(np.round((truth[:, 0] - azimuths) % 360))) > 10
