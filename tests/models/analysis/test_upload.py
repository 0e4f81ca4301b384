"""Clusters of a whole upload do not depend on gains of instruments, order of events, or order of traces."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.analysis.pipeline import embed_event
from models.clustering.clusters import find_clusters

EVENTS, TRACES = 10, 4
MOMENTS_S = np.arange(2400.0)


def upload(make_gather):
    """Make events of two kinds, an oscillation of 16 s and a pulse of 60 s, at four stations in noise."""
    gathers = []
    for number in range(EVENTS):
        random = np.random.default_rng(number)
        period_s, wide_s = (16.0, 200.0) if number % 2 else (60.0, 40.0)
        wave = np.exp(-(((MOMENTS_S - 1200) / wide_s) ** 2)) * np.sin(2 * np.pi * MOMENTS_S / (period_s * random.uniform(0.9, 1.1)))
        noise = 0.01 * random.normal(size=(TRACES, len(MOMENTS_S)))
        gathers.append(replace(make_gather(traces=TRACES, seed=number), samples=(wave + noise).astype(np.float32)))
    return gathers


def cluster_events(opened, gathers):
    return find_clusters(np.stack([embed_event(opened, gather)[0] for gather in gathers]), 2, 4, 3, 5)


@pytest.fixture(scope="module")
def clustered(opened, make_gather):
    """An upload and its clusters."""
    gathers = upload(make_gather)
    return gathers, cluster_events(opened, gathers)


def test_the_two_kinds_are_separated(clustered):
    assert len(set(zip(np.arange(EVENTS) % 2, clustered[1].labels, strict=True))) == clustered[1].k == 2


@settings(max_examples=2, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_neither_gains_nor_any_order_change_the_clusters(opened, clustered, seed):
    gathers, clusters = clustered
    random = np.random.default_rng(seed)
    changed = []
    for number in (events := random.permutation(EVENTS)):
        traces, gains = random.permutation(TRACES), np.exp2(random.integers(-30, 30, (TRACES, 1))).astype(np.float32)
        gather = gathers[number]
        ids = tuple(gather.trace_ids[k] for k in traces)
        coordinates = {name: getattr(gather, name)[traces] for name in ("latitudes_deg", "longitudes_deg")}
        changed.append(replace(gather, trace_ids=ids, samples=(gather.samples * gains)[traces], **coordinates))
    again = cluster_events(opened, changed)
    np.testing.assert_array_equal(again.labels, clusters.labels[events])
    np.testing.assert_array_equal(again.confidences, clusters.confidences[events])
    assert again.scores == clusters.scores


def test_a_gain_that_is_no_power_of_two_does_not_change_the_clusters(opened, clustered):
    gathers, clusters = clustered
    gains = np.array([[3e-9], [7e5], [0.1], [2e3]], np.float32)
    again = cluster_events(opened, [replace(gather, samples=gather.samples * gains) for gather in gathers])
    np.testing.assert_array_equal(again.labels, clusters.labels)
