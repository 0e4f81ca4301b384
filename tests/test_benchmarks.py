"""Both ways of the benchmark answer the same question about the same bundle."""

import io

import obspy
import onnx
import pytest

from benchmarks.classify_bundle import Baseline, Serving, draw_section_picture, draw_trace_picture, make_bundle, read_and_filter
from benchmarks.inference_precision import load_pictures, store_as_int8, widen_weights
from models.imaging.style import channels
from models.registry.store import open_store
from models.specs.event_type import CLASSES, EVENT_TYPE
from models.specs.offset import OFFSET
from tests.support import toy_models
from workers.settings import Settings

pytestmark = pytest.mark.slow

BUNDLE = make_bundle(traces=5, rate_hz=2.0)


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory):
    return toy_models.write_artifacts(tmp_path_factory.mktemp("artifacts"))


def test_the_bundle_depends_on_the_seed_alone():
    assert make_bundle(traces=2, rate_hz=1.0, seed=5) == make_bundle(traces=2, rate_hz=1.0, seed=5)
    assert make_bundle(traces=2, rate_hz=1.0, seed=5)[0] != make_bundle(traces=2, rate_hz=1.0, seed=6)[0]


def test_the_bundle_is_an_hour_of_steim2():
    (trace, *others) = obspy.read(io.BytesIO(BUNDLE[0]), format="MSEED")  # noqa: TID251 -- the format is named
    assert (trace.stats.npts, trace.stats.mseed.encoding, len(others)) == (7200, "STEIM2", 4)


def test_the_baseline_draws_pictures_of_the_size_that_the_networks_read():
    stream = read_and_filter(BUNDLE[0])
    for number, trace in enumerate(stream):
        trace.stats.distance = 1e6 * (number + 1)
    assert draw_trace_picture(stream[0]).shape == (channels(OFFSET.style), OFFSET.style.rows, OFFSET.style.columns)
    assert draw_section_picture(stream).shape == (channels(EVENT_TYPE.style), EVENT_TYPE.style.rows, EVENT_TYPE.style.columns)


def test_both_ways_predict_a_class(artifacts):
    settings = Settings(artifacts_dir=artifacts, execution_provider="cpu", threads=1)
    assert Baseline(artifacts, 1).classify(BUNDLE[0]) in CLASSES
    assert Serving(settings).classify(*BUNDLE) in CLASSES


def test_int8_computes_only_the_backbone_in_integers():
    graph = widen_weights(onnx.load(open_store(Settings().artifacts_dir).path(OFFSET.name)))
    quantized = store_as_int8(graph, load_pictures(OFFSET, None)[:8])
    made_by = {name: node.op_type for node in quantized.graph.node for name in node.output}
    (head,) = (node for node in quantized.graph.node if "head.weight" in node.input)
    convolutions = [node for node in quantized.graph.node if node.op_type == "Conv"]
    assert head.op_type == "Gemm"
    assert convolutions
    assert all(made_by[node.input[1]] == "DequantizeLinear" for node in convolutions)
    assert any(weight.data_type == onnx.TensorProto.INT8 for weight in quantized.graph.initializer)
