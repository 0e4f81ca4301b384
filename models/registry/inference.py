"""A verified artifact held open in ONNX Runtime: pictures in, named quantities out, the same answer whatever the batch."""

import contextlib
import ctypes
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from models.array_types import Pictures
from models.errors import StyleMismatch
from models.imaging.style import channels
from models.registry.card import Card
from models.registry.store import Store
from models.specs.spec import ModelSpec

CPU: Final = "CPUExecutionProvider"
CUDA: Final = "CUDAExecutionProvider"
INPUT: Final = "pictures"

# Every run has the same number of pictures, the last one filled up with black: kernels chosen by size cannot change an answer.
# Traces come by the dozen; sections one an event, and a backbone gains little from batches on a CPU.
TRACES_PER_RUN: Final = 16
SECTIONS_PER_RUN: Final = 1

# A graph of one Identity node (IR 8, opset 17): whether a session with it can be had on CUDA is whether CUDA can be had.
_IDENTITY: Final = (
    b'\x08\x08:/\n\x10\n\x01x\x12\x01y"\x08Identity\x12\x01gZ\x0b\n\x01x\x12\x06\n\x04\x08\x01\x12\x00'
    b"b\x0b\n\x01y\x12\x06\n\x04\x08\x01\x12\x00B\x04\n\x00\x10\x11"
)
_ORT_LOG_FATAL, _ORT_LOG_WARNING = 4, 2

Quantities = dict[str, NDArray[np.float32]]


def choose_provider(wanted: str) -> str:
    """
    ONNX Runtime's name of the execution provider to use, for "auto", "cpu" or "cuda".

    "auto" takes CUDA only where a session on it really opens (the package lists it without a device, too). Raises
    ValueError for another word, RuntimeError where "cuda" is wanted and cannot be had.
    """
    if wanted not in ("auto", "cpu", "cuda"):
        raise ValueError(f"execution provider {wanted!r} is none of auto, cpu, cuda")
    if wanted == "cpu":
        return CPU
    if _cuda_opens():
        return CUDA
    if wanted == "cuda":
        raise RuntimeError("CUDA is wanted and ONNX Runtime cannot open a session on it: no device, driver, CUDA or cuDNN libraries")
    return CPU


@dataclass(frozen=True)
class OnnxModel:
    """An open session of a declared model; `run` may be called from several threads."""

    spec: ModelSpec
    card: Card
    provider: str
    pictures_per_run: int
    _session: ort.InferenceSession

    @classmethod
    def load(cls, store: Store, spec: ModelSpec, provider: str = CPU, threads: int = 1) -> Self:
        """
        Verify an artifact against its declaration and open it on a provider chosen by `choose_provider`.

        Raises what Store.verify raises, and StyleMismatch for a graph whose input or outputs are named otherwise.
        """
        card = store.verify(spec)
        session = ort.InferenceSession(store.path(spec.name), _options(threads), providers=_providers(provider))
        _check_names(session, spec)
        per_run = SECTIONS_PER_RUN if spec.style.kind == "section" else TRACES_PER_RUN
        return cls(spec, card, session.get_providers()[0], per_run, session)

    @property
    def name(self) -> str:
        """The declared name."""
        return self.spec.name

    @property
    def version(self) -> str:
        """The artifact's version."""
        return self.card.version

    def run(self, pictures: Pictures) -> Quantities:
        """
        Every declared output for pictures uint8 [n, channels, rows, columns]: name to float32 [n, *shape].

        Raises ValueError for pictures of another type or size than the declared style draws.
        """
        self._check(pictures)
        names = [output.name for output in self.spec.outputs]
        runs = [self._session.run(names, {INPUT: batch}) for batch in _batches(pictures, self.pictures_per_run)]
        return {
            output.name: _joined([run[place] for run in runs], len(pictures), output.shape)
            for place, output in enumerate(self.spec.outputs)
        }

    def _check(self, pictures: Pictures) -> None:
        style = self.spec.style
        size = (channels(style), style.rows, style.columns)
        if pictures.dtype != np.uint8 or pictures.ndim != 1 + len(size) or pictures.shape[1:] != size:
            raise ValueError(f"{self.name} reads uint8 pictures [n, {size}], not {pictures.dtype} {pictures.shape}")


def _batches(pictures: Pictures, size: int) -> Iterator[Pictures]:
    """Pictures by `size`, the last batch filled up with black ones."""
    for start in range(0, len(pictures), size):
        batch = pictures[start : start + size]
        missing = size - len(batch)
        yield np.ascontiguousarray(batch) if not missing else np.concatenate((batch, np.zeros((missing, *batch.shape[1:]), np.uint8)))


def _joined(parts: list[NDArray[np.float32]], count: int, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Batches one after the other without the filling; a graph may say a scalar as [batch, 1]."""
    if not parts:
        return np.zeros((0, *shape), np.float32)
    return np.concatenate(parts)[:count].astype(np.float32, copy=False).reshape(count, *shape)


def _options(threads: int) -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.use_deterministic_compute = True
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def _providers(provider: str) -> list[str | tuple[str, dict[str, str]]]:
    """CUDA without TF32 and without timing-based choices of kernels: the same bits each time."""
    if provider == CUDA:
        return [(CUDA, {"use_tf32": "0", "cudnn_conv_algo_search": "HEURISTIC"}), CPU]
    return [provider]


def _cuda_opens() -> bool:
    if CUDA not in ort.get_available_providers() or not _driver_has_a_device():
        return False
    options = ort.SessionOptions()
    options.log_severity_level = _ORT_LOG_FATAL
    ort.set_default_logger_severity(_ORT_LOG_FATAL)  # the loader of the CUDA library reports to the process-wide logger
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # and the next call prints what it misses
            ort.preload_dlls(directory="")  # CUDA and cuDNN of the nvidia wheels, where they are installed
        return bool(ort.InferenceSession(_IDENTITY, options, providers=[CUDA, CPU]).get_providers()[0] == CUDA)
    finally:
        ort.set_default_logger_severity(_ORT_LOG_WARNING)


def _driver_has_a_device() -> bool:
    """Asked first, because loading CUDA's libraries in vain costs a second and hundreds of megabytes."""
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
        raise StyleMismatch(f"the graph of {spec.name} reads {inputs} and lacks {missing}", part=spec.name)
