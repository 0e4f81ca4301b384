"""Random streams by purpose: those of two purposes, or of two numbers of one purpose, are independent."""

from enum import IntEnum

import numpy as np


class Purpose(IntEnum):
    """What is drawn; a number keeps its meaning forever, because data sets must stay reproducible."""

    REPLICA_MATCHING = 1
    REPLICA = 2
    ANOMALIES = 3
    ENDLESS = 4
    LEAKAGE = 5
    FAMILIES = 6
    FORCES = 7
    FAMILIES_NOISE = 8
    DETECTION = 9
    SOURCES = 10
    UNSEEN_EARTHS = 11


def make_seed_sequence(seed: int, purpose: Purpose, number: int) -> np.random.SeedSequence:
    """
    Make the seed sequence of one event or shard.

    NumPy keeps the keys of spawned sequences distinct from seeds that are plain lists of numbers, as pictures of traces and sections use.
    A list would not do here, because trailing zeros in it are ignored.
    """
    return np.random.SeedSequence(seed, spawn_key=(int(purpose), number))


def make_generator(seed: int, purpose: Purpose, number: int) -> np.random.Generator:
    """Make the random generator of one event or shard."""
    return np.random.default_rng(make_seed_sequence(seed, purpose, number))
