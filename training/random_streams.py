"""Random streams by purpose: two purposes, or two numbers of one purpose, never draw the same."""

from enum import IntEnum

import numpy as np


class Purpose(IntEnum):
    """What is drawn; a number once used keeps its meaning."""

    REPLICA_MATCHING = 1
    REPLICA = 2
    ANOMALIES = 3
    ENDLESS = 4
    LEAKAGE = 5
    FAMILIES = 6
    FORCES = 7
    FAMILIES_NOISE = 8


def make_seed_sequence(seed: int, purpose: Purpose, number: int) -> np.random.SeedSequence:
    """
    The seed of one event or shard.

    NumPy keeps keys of spawned sequences apart from every seed that is a plain list of numbers, as pictures of traces and
    sections use; a list alone would not do, for zeros at its end count for nothing.
    """
    return np.random.SeedSequence(seed, spawn_key=(int(purpose), number))


def make_generator(seed: int, purpose: Purpose, number: int) -> np.random.Generator:
    """The generator of one event or shard."""
    return np.random.default_rng(make_seed_sequence(seed, purpose, number))
