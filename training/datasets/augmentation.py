"""Augmentation: random transformations of pictures and truth that keep them consistent."""

from collections.abc import Callable

import numpy as np

from models.array_types import Floats32, Pictures

Sections = tuple[Pictures, Floats32]
MAX_SHIFT_COLUMNS = 3
Augment = Callable[[Pictures, Floats32, np.random.Generator], Sections]


def shift_columns(pictures: Pictures, truth: Floats32, random: np.random.Generator) -> Sections:
    """Shift section and close-up in time, each by up to MAX_SHIFT_COLUMNS columns, as another window or origin time would."""
    bands = pictures.shape[1] // 2
    shifted = np.empty_like(pictures)
    for k, picture in enumerate(pictures):
        for half in (slice(0, bands), slice(bands, None)):
            shifted[k, half] = np.roll(picture[half], random.integers(-MAX_SHIFT_COLUMNS, MAX_SHIFT_COLUMNS + 1), axis=2)
    return shifted, truth


def rotate_force(pictures: Pictures, truth: Floats32, random: np.random.Generator) -> Sections:
    """Rotate and mirror the Earth about the epicenter: roll and reverse the rows of the beam, and change the force azimuth with them."""
    rows = pictures.shape[2]
    steps, mirrored = random.integers(0, rows, len(pictures)), random.uniform(size=len(pictures)) < 0.5
    rotated = np.stack([np.roll(picture, step, axis=1) for picture, step in zip(pictures, steps, strict=True)])
    rotated[mirrored] = rotated[mirrored][:, :, ::-1]
    azimuths = truth + (steps * 360.0 / rows)[:, None]
    return rotated, (np.where(mirrored[:, None], -azimuths, azimuths) % 360.0).astype(np.float32)
