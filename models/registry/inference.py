"""Run a verified artifact with ONNX Runtime: pictures in, named quantities out, independent of how pictures are batched."""

import contextlib
import ctypes
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

# ONNX Runtime keeps a device id in the home folder and reports sessions to its makers, from its import on, where this is not set.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
import onnxruntime as ort

from models.array_types import Pictures
from models.errors import StyleMismatch
from models.imaging.style import channels
from models.registry.card import Card
from models.registry.store import Store
from models.specs.spec import ModelSpec

CPU: Final = "CPUExecutionProvider"
CUDA: Final = "CUDAExecutionProvider"
INPUT: Final = "pictures"

# Every run has the same number of pictures, the last one padded with black: kernels chosen by batch size cannot change an output.
# Traces come by the dozen; there is one section per event, and a backbone gains little from batches on a CPU.
TRACES_PER_RUN: Final = 16
SECTIONS_PER_RUN: Final = 1

# A graph of one Identity node (IR 8, opset 17): CUDA is available if a session of it opens there.
_IDENTITY: Final = (
    b'\x08\x08:/\n\x10\n\x01x\x12\x01y"\x08Identity\x12\x01gZ\x0b\n\x01x\x12\x06\n\x04\x08\x01\x12\x00'
    b"b\x0b\n\x01y\x12\x06\n\x04\x08\x01\x12\x00B\x04\n\x00\x10\x11"
)
_ORT_LOG_SEVERITY_WARNING, _ORT_LOG_SEVERITY_ERROR, _ORT_LOG_SEVERITY_FATAL = 2, 3, 4

Quantities = dict[str, NDArray[np.float32]]


def choose_provider(wanted: str) -> str:
    """
    Choose the execution provider of ONNX Runtime for "auto", "cpu" or "cuda"; returns its name there.

    "auto" chooses CUDA where a session on it opens (the package lists the provider even without a device). Raises ValueError for another
    word, RuntimeError where "cuda" is requested and not available.
    """
    if wanted not in ("auto", "cpu", "cuda"):
        raise ValueError(f"execution provider {wanted!r} is not one of auto, cpu, cuda")
    if wanted == "cpu":
        return CPU
    if _cuda_opens():
        return CUDA
    if wanted == "cuda":
        raise RuntimeError(
            "CUDA is requested, but ONNX Runtime cannot open a session on it: check device, driver, CUDA and cuDNN libraries"
        )
    return CPU


@dataclass(frozen=True)
class OnnxModel:
    """An open ONNX Runtime session of a declared model; `run` may be called from several threads."""

    spec: ModelSpec
    card: Card
    provider: str
    pictures_per_run: int
    _session: ort.InferenceSession

    @classmethod
    def load(cls, store: Store, spec: ModelSpec, provider: str = CPU, threads: int = 1) -> Self:
        """
        Verify the artifact of a declared model and open it.

        Parameters
        ----------
        store : Store
            Artifacts on disk.
        spec : ModelSpec
            The declaration.
        provider : str
            Execution provider, as returned by `choose_provider`.
        threads : int
            Threads of one run.

        Raises
        ------
        UnknownModel, StyleMismatch, DamagedArtifact
            As `Store.verify`; StyleMismatch also for a graph whose input or outputs have other names.

        """
        card = store.verify(spec)
        session = ort.InferenceSession(store.path(spec.name), _options(threads), providers=_providers(provider))
        _check_names(session, spec)
        per_run = SECTIONS_PER_RUN if spec.style.kind == "section" else TRACES_PER_RUN
        return cls(spec, card, session.get_providers()[0], per_run, session)

    @property
    def name(self) -> str:
        """Name of the model as declared."""
        return self.spec.name

    @property
    def version(self) -> str:
        """Version of the artifact."""
        return self.card.version

    def run(self, pictures: Pictures) -> Quantities:
        """
        Run the network on pictures uint8 [n, channels, rows, columns]; returns each declared output, float32 [n, *shape], by name.

        Raises ValueError for pictures of another type or size than those of the declared style.
        """
        self._check(pictures)
        names = [output.name for output in self.spec.outputs]
        runs = [self._session.run(names, {INPUT: batch}) for batch in _iterate_batches(pictures, self.pictures_per_run)]
        return {
            output.name: _concatenate([run[number] for run in runs], len(pictures), output.shape)
            for number, output in enumerate(self.spec.outputs)
        }

    def _check(self, pictures: Pictures) -> None:
        style = self.spec.style
        size = (channels(style), style.rows, style.columns)
        if pictures.dtype != np.uint8 or pictures.ndim != 1 + len(size) or pictures.shape[1:] != size:
            raise ValueError(f"model {self.name} reads pictures uint8 [n, {size}], not {pictures.dtype} {pictures.shape}")


def _iterate_batches(pictures: Pictures, size: int) -> Iterator[Pictures]:
    """Yield batches of `size` pictures, the last one padded with black."""
    for start in range(0, len(pictures), size):
        batch = pictures[start : start + size]
        missing = size - len(batch)
        yield np.ascontiguousarray(batch) if not missing else np.concatenate((batch, np.zeros((missing, *batch.shape[1:]), np.uint8)))


def _concatenate(batches: list[NDArray[np.float32]], count: int, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Concatenate the outputs of batches, without the padding; a graph may return a scalar as [batch, 1]."""
    if not batches:
        return np.zeros((0, *shape), np.float32)
    return np.concatenate(batches)[:count].astype(np.float32, copy=False).reshape(count, *shape)


def _options(threads: int) -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.use_deterministic_compute = True
    options.log_severity_level = _ORT_LOG_SEVERITY_ERROR
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def _providers(provider: str) -> list[str | tuple[str, dict[str, str]]]:
    """Provider options: CUDA without TF32 and without kernels chosen by timing, so that outputs are reproducible."""
    if provider == CUDA:
        return [(CUDA, {"use_tf32": "0", "cudnn_conv_algo_search": "HEURISTIC"}), CPU]
    return [provider]


def _cuda_opens() -> bool:
    """Whether ONNX Runtime opens a session on CUDA."""
    if CUDA not in ort.get_available_providers() or not _driver_has_a_device():
        return False
    options = ort.SessionOptions()
    options.log_severity_level = _ORT_LOG_SEVERITY_FATAL
    ort.set_default_logger_severity(_ORT_LOG_SEVERITY_FATAL)  # the loader of the CUDA library reports to the process-wide logger
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # the next call prints which libraries are missing
            ort.preload_dlls(directory="")  # CUDA and cuDNN of the nvidia wheels, where they are installed
        return bool(ort.InferenceSession(_IDENTITY, options, providers=[CUDA, CPU]).get_providers()[0] == CUDA)
    finally:
        ort.set_default_logger_severity(_ORT_LOG_SEVERITY_WARNING)


def _driver_has_a_device() -> bool:
    """Whether the CUDA driver reports a device: checked first, as loading the CUDA libraries takes a second and hundreds of megabytes."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    count = ctypes.c_int(0)
    return driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0 and count.value > 0


def _check_names(session: ort.InferenceSession, spec: ModelSpec) -> None:
    inputs = [node.name for node in session.get_inputs()]
    outputs = {node.name for node in session.get_outputs()}
    missing = [output.name for output in spec.outputs if output.name not in outputs]
    if inputs != [INPUT] or missing:
        detail = f"the graph of {spec.name} has inputs {inputs} instead of [{INPUT!r}], or lacks outputs {missing}"
        raise StyleMismatch(detail, part=spec.name)
