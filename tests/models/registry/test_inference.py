"""Outputs of models do not depend on how pictures are batched."""

import numpy as np
import pytest

from models.errors import StyleMismatch
from models.imaging.style import channels
from models.registry.inference import CPU, CUDA, OnnxModel, choose_provider
from models.registry.store import open_store
from models.specs.event_type import EVENT_TYPE
from models.specs.index import MODELS
from models.specs.offset import OFFSET
from tests.support import toy_models


def pictures_for(spec, count, seed=0):
    rng = np.random.default_rng(seed)
    size = (count, channels(spec.style), spec.style.rows, spec.style.columns)
    top = rng.integers(1, 256, (count, 1, 1, 1))
    return (rng.random(size) * top).astype(np.uint8)


@pytest.fixture(scope="module")
def offset(toy_artifacts):
    return OnnxModel.load(open_store(toy_artifacts), OFFSET, CPU, 1)


@pytest.mark.parametrize("spec", MODELS, ids=lambda spec: spec.name)
def test_every_output_has_its_declared_name_and_shape(toy_artifacts, spec):
    model = OnnxModel.load(open_store(toy_artifacts), spec, CPU, 1)
    outputs = model.run(pictures_for(spec, 3))
    assert {name: (array.shape, array.dtype) for name, array in outputs.items()} == {
        output.name: ((3, *output.shape), np.float32) for output in spec.outputs
    }
    assert (model.name, model.version, model.provider) == (spec.name, "1", CPU)


def test_outputs_are_bit_identical_for_single_pictures_batches_and_any_order(offset):
    pictures = pictures_for(OFFSET, 37)
    together = offset.run(pictures)
    backwards = offset.run(pictures[::-1])
    for name, values in together.items():
        single = np.concatenate([offset.run(pictures[index : index + 1])[name] for index in range(len(pictures))])
        np.testing.assert_array_equal(single, values)
        np.testing.assert_array_equal(backwards[name][::-1], values)


def test_the_toy_model_returns_the_mean_of_the_picture(offset):
    pictures = pictures_for(OFFSET, 2)
    np.testing.assert_allclose(offset.run(pictures)["distance_deg"], pictures.mean((1, 2, 3)) / 255 * 180, rtol=1e-4)


def test_no_pictures_give_empty_outputs(offset):
    assert offset.run(pictures_for(OFFSET, 0))["distance_probabilities"].shape == (0, 180)


def test_pictures_of_another_size_or_type_are_refused(offset):
    good = pictures_for(OFFSET, 1)
    for bad in (good.astype(np.float32), good[:, :, :-1], good[0]):
        with pytest.raises(ValueError, match="offset reads pictures uint8"):
            offset.run(bad)


def test_a_graph_without_a_declared_output_is_refused(tmp_path):
    spec = EVENT_TYPE.model_copy(update={"outputs": EVENT_TYPE.outputs[:1]})
    toy_models.write_artifact(tmp_path, spec)
    path = tmp_path / "event_type" / "1" / "card.json"
    path.write_text(path.read_text().replace(spec.fingerprint(), EVENT_TYPE.fingerprint()))
    with pytest.raises(StyleMismatch, match="novelty"):
        OnnxModel.load(open_store(tmp_path), EVENT_TYPE, CPU, 1)


def test_the_cpu_is_always_available():
    assert choose_provider("cpu") == CPU
    assert choose_provider("auto") in (CPU, CUDA)


def test_cuda_is_refused_where_it_is_not_available_and_chosen_where_it_is(capfd):
    """Nothing is printed: messages of the CUDA loader would look like errors on a machine without a GPU."""
    if choose_provider("auto") == CUDA:
        assert choose_provider("cuda") == CUDA
    else:
        with pytest.raises(RuntimeError, match="CUDA is requested"):
            choose_provider("cuda")
    assert capfd.readouterr() == ("", "")


def test_an_unknown_provider_is_refused():
    with pytest.raises(ValueError, match="not one of auto"):
        choose_provider("tpu")
