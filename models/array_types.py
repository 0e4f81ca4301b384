"""Types of numpy arrays by element, for annotations; shapes stand in docstrings, as `[traces, samples]`."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]
Complexes = NDArray[np.complex128]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]
Pictures = NDArray[np.uint8]
PickIndices = NDArray[np.int8]
