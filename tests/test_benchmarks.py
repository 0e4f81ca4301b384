"""The benchmark's two ways answer the same question about the same bundle."""

import io

import numpy as np
import obspy
import pytest

from benchmarks.baseline_classify import Baseline, prepared, section_picture, trace_picture
from benchmarks.paper_location import draw, error_km, paper
from benchmarks.serving_classify import Serving
from benchmarks.synthetic_bundle import make_bundle
from models.imaging.style import channels
from models.specs.event_type import CLASSES, EVENT_TYPE
from models.specs.offset import OFFSET
from tests.support import toy_models
from workers.settings import Settings

BUNDLE = make_bundle(traces=5, rate_hz=2.0)


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory):
    return toy_models.write_artifacts(tmp_path_factory.mktemp("artifacts"))


def test_the_bundle_is_the_same_for_the_same_seed_and_another_for_another():
    assert make_bundle(traces=2, rate_hz=1.0, seed=5) == make_bundle(traces=2, rate_hz=1.0, seed=5)
    assert make_bundle(traces=2, rate_hz=1.0, seed=5)[0] != make_bundle(traces=2, rate_hz=1.0, seed=6)[0]


def test_the_bundle_is_an_hour_of_steim2():
    (trace, *others) = obspy.read(io.BytesIO(BUNDLE[0]), format="MSEED")  # noqa: TID251 -- the format is named
    assert (trace.stats.npts, trace.stats.mseed.encoding, len(others)) == (7200, "STEIM2", 4)


def test_the_baseline_draws_what_the_networks_read():
    stream = prepared(BUNDLE[0])
    for place, trace in enumerate(stream):
        trace.stats.distance = 1e6 * (place + 1)
    assert trace_picture(stream[0]).shape == (channels(OFFSET.style), OFFSET.style.rows, OFFSET.style.columns)
    assert section_picture(stream).shape == (channels(EVENT_TYPE.style), EVENT_TYPE.style.rows, EVENT_TYPE.style.columns)


def test_both_ways_say_a_class(artifacts):
    settings = Settings(artifacts_dir=artifacts, execution_provider="cpu", threads=1)
    assert Baseline(artifacts, 1).classify(BUNDLE[0]) in CLASSES
    assert Serving(settings).classify(*BUNDLE) in CLASSES


def test_the_papers_iteration_finds_the_source_of_exact_distances_and_outliers_lead_it_astray():
    random = np.random.default_rng(2)
    exact = draw(random, 30, 0.0, 0.0, 0.0)
    assert error_km(*paper(exact, random)) < 20.0
    spoiled = [draw(random, 10, 0.02, 0.1, 0.0) for _ in range(8)]
    assert np.median([error_km(*paper(network, random)) for network in spoiled]) > 200.0
