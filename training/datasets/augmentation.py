"""What may be done to pictures and truth together without making either wrong."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Sections = tuple[NDArray[np.uint8], NDArray[np.float32]]
MAX_SHIFT_COLUMNS = 3
Augment = Callable[[NDArray[np.uint8], NDArray[np.float32], np.random.Generator], Sections]


def shift_columns(pictures: NDArray[np.uint8], truth: NDArray[np.float32], random: np.random.Generator) -> Sections:
    """Section and close-up rolled along time, each by up to MAX_COLUMNS: as by another window, and an origin time a little off."""
    bands = pictures.shape[1] // 2
    moved = np.empty_like(pictures)
    for k, picture in enumerate(pictures):
        for part in (slice(0, bands), slice(bands, None)):
            moved[k, part] = np.roll(picture[part], random.integers(-MAX_SHIFT_COLUMNS, MAX_SHIFT_COLUMNS + 1), axis=2)
    return moved, truth


def rotate_force(pictures: NDArray[np.uint8], truth: NDArray[np.float32], random: np.random.Generator) -> Sections:
    """Beams of the Earth turned and mirrored about the epicenter: rows rolled and reversed, the force azimuth with them (exact)."""
    rows = pictures.shape[2]
    steps, mirrored = random.integers(0, rows, len(pictures)), random.uniform(size=len(pictures)) < 0.5
    moved = np.stack([np.roll(picture, step, axis=1) for picture, step in zip(pictures, steps, strict=True)])
    moved[mirrored] = moved[mirrored][:, :, ::-1]
    azimuths = truth + (steps * 360.0 / rows)[:, None]
    return moved, (np.where(mirrored[:, None], -azimuths, azimuths) % 360.0).astype(np.float32)
