"""
Attribution of the predicted event type to parts of the section, for the shipped event_type model and sections as served.

Parts of the picture are blackened (as where there are no data) and the section is classified again. The evidence of a part is its Shapley
value (Shapley 1953, doi:10.1515/9781400881970-018; Lundberg & Lee 2017, arXiv:1705.07874): the change of the log-odds of a tectonic
against a glacial earthquake when it is added, averaged over all orders of adding the parts. The evidence of all parts adds up to the
log-odds of the whole section less those of a black one.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import factorial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.analysis.combine import combine_origin_times
from models.analysis.pipeline import Models, classify_event, section_style
from models.analysis.sections import draw_section, section_start_s
from models.array_types import Floats, Pictures
from models.imaging.conditioning import condition
from models.imaging.style import SectionStyle
from models.registry.inference import OnnxModel
from models.seismic.earth.travel_times import first_arrival_s, travel_time_s
from models.seismic.geodesy import KM_PER_DEGREE
from models.seismic.waveforms import Record
from models.specs.event_type import CLASSES
from models.specs.pictures import CONDITIONING

WINDOWS: Final = ("before P", "P to S", "S to surface waves", "surface waves", "after them")
MAX_GROUP_VELOCITY_KM_S, MIN_GROUP_VELOCITY_KM_S = 4.4, 2.8
EARLY_S: Final = 25.0
"""Windows begin before the travel time, by the longest period of the body waves in a section: filtered wave packets do."""
PATCH, STEP = 16, 8


@dataclass(frozen=True)
class Attribution:
    """
    Section of one event and the evidence in it in nats, positive for a tectonic earthquake, by window and by channel.

    `windows` [channels, rows, columns] are indices into WINDOWS; `log_odds` and `blank` the log-odds of the section and of a black one.
    """

    name: str
    kind: str
    picture: Pictures
    windows: NDArray[np.int64]
    log_odds: float
    blank: float
    by_window: Floats
    by_channel: Floats


def compute_shapley_values(value: Callable[[NDArray[np.bool_]], float], players: int) -> Floats:
    """Compute the Shapley value [players] of a function of the set of players that are present, evaluated on all 2^players sets."""
    sets = [np.array(present, bool) for present in product((False, True), repeat=players)]
    values = {tuple(present): value(present) for present in sets}
    found = np.zeros(players)
    for present in sets:
        for player in np.flatnonzero(~present):
            joined = present.copy()
            joined[player] = True
            others = int(present.sum())
            weight = factorial(others) * factorial(players - others - 1) / factorial(players)
            found[player] += weight * (values[tuple(joined)] - values[tuple(present)])
    return found


def window_borders_s(distances_deg: Floats) -> Floats:
    """Beginnings of the windows after the first, in seconds after the origin [4, distances]; none begins before its predecessor."""
    away_km = distances_deg * KM_PER_DEGREE
    first, second = first_arrival_s(distances_deg, 0.0) - EARLY_S, travel_time_s("S", distances_deg, 0.0) - EARLY_S
    surface, end = away_km / MAX_GROUP_VELOCITY_KM_S, away_km / MIN_GROUP_VELOCITY_KM_S + EARLY_S
    second = np.where(np.isfinite(second), second, surface)
    return np.maximum.accumulate(np.stack([first, second, surface, end]), axis=0)


def label_windows(style: SectionStyle, start_after_origin_s: float) -> NDArray[np.int64]:
    """Label every pixel [channels, rows, columns] with an index into WINDOWS; raises ValueError for sections not by distance."""
    if style.vertical_axis != "distance" or style.reduction_velocity_km_s is not None:
        raise ValueError("windows by travel time need a section by distance without reduction velocity")
    distances = 180.0 * ((np.arange(style.rows) + 0.5) / style.rows) ** (1.0 / style.axis_exponent)
    borders = window_borders_s(distances)
    columns = (np.arange(style.columns) + 0.5) / style.columns
    wide = np.broadcast_to(start_after_origin_s + columns * style.window_s, (style.rows, style.columns))
    parts = [np.broadcast_to(_label_times(wide, borders), (len(style.bands), *wide.shape))]
    if style.close_up is not None:
        near = first_arrival_s(distances, 0.0)[:, None] - style.close_up.lead_s + columns * style.close_up.window_s
        parts.append(np.broadcast_to(_label_times(near, borders), (len(style.close_up.bands), *wide.shape)))
    return np.concatenate(parts)


def _label_times(times_s: Floats, borders: Floats) -> NDArray[np.int64]:
    return np.asarray((times_s[None] >= borders[:, :, None]).sum(axis=0), np.int64)


def name_channels(style: SectionStyle) -> tuple[str, ...]:
    """Name each channel by its band; those of the close-up are marked."""
    near = style.close_up.bands if style.close_up else ()
    names = [f"{band.shortest_period_s:g} to {band.longest_period_s:g} s" for band in (*style.bands, *near)]
    return tuple(words if number < len(style.bands) else f"{words}, first arrivals" for number, words in enumerate(names))


def log_odds(model: OnnxModel, pictures: Pictures) -> Floats:
    """Log-odds [n] of a tectonic against a glacial earthquake, by the network alone."""
    probabilities = np.clip(model.run(pictures)["probabilities"].astype(np.float64), 1e-7, 1.0)
    return np.asarray(np.log(probabilities[:, CLASSES.index("earthquake")] / probabilities[:, CLASSES.index("glacial")]))


def attribute_picture(model: OnnxModel, picture: Pictures, windows: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Attribute the log-odds of a picture to windows [windows] and to channels [channels]."""

    def measure_masked(mask: NDArray[np.bool_]) -> float:
        return float(log_odds(model, np.where(mask, picture, np.uint8(0))[None])[0])

    by_window = compute_shapley_values(lambda present: measure_masked(present[windows]), len(WINDOWS))
    by_channel = compute_shapley_values(
        lambda present: measure_masked(np.broadcast_to(present[:, None, None], picture.shape)), len(picture)
    )
    return by_window, by_channel


def attribute_event(models: Models, records: Sequence[Record], name: str, kind: str) -> Attribution:
    """Draw the section of an event as served, and attribute its log-odds; raises NoUsableTrace."""
    model = models["event_type"]
    style = section_style(model)
    gather = condition(records, CONDITIONING)
    found = classify_event(models, gather, records=records)
    picture = draw_section(style, gather, found.readings, found.reference)
    windows = label_windows(style, section_start_s(style, found.readings) - combine_origin_times(found.readings).time_s)
    whole, blank = log_odds(model, np.stack([picture, np.zeros_like(picture)]))
    return Attribution(name, kind, picture, windows, float(whole), float(blank), *attribute_picture(model, picture, windows))


def list_patches(picture: Pictures) -> Iterator[tuple[int, int]]:
    """List the upper left corners (row, column) of overlapping patches that are not black."""
    for row in range(0, picture.shape[1] - PATCH + 1, STEP):
        for column in range(0, picture.shape[2] - PATCH + 1, STEP):
            if picture[:, row : row + PATCH, column : column + PATCH].any():
                yield row, column


def compute_occlusion_map(model: OnnxModel, picture: Pictures, channels: slice) -> Floats:
    """
    Map the decrease of the log-odds when a patch of some channels is blackened [rows, columns], in nats.

    The mean over the patches that contain a pixel (Zeiler & Fergus 2014, arXiv:1311.2901); 0 where all are black already.
    """
    whole = log_odds(model, picture[None])[0]
    total, count = np.zeros(picture.shape[1:]), np.zeros(picture.shape[1:])
    for row, column in list_patches(picture[channels]):
        changed = picture.copy()
        changed[channels, row : row + PATCH, column : column + PATCH] = 0
        spot = (slice(row, row + PATCH), slice(column, column + PATCH))
        total[spot] += whole - log_odds(model, changed[None])[0]
        count[spot] += 1
    return total / np.maximum(count, 1)
