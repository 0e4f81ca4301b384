"""
What in a section speaks for a tectonic and what for a glacial earthquake, by the shipped event_type model on sections as served.

Parts of the picture are taken away (black, as where there are no data) and the model is asked again. The evidence of a part is its
Shapley value (Shapley 1953, doi:10.1515/9781400881970-018; Lundberg & Lee 2017, arXiv:1705.07874): what its presence adds to the
log-odds of an earthquake against a glacial one, averaged over all orders of adding the parts. The parts' evidence adds up to the
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
from models.imaging.record_section import first_arrivals_s
from models.imaging.style import SectionStyle
from models.registry.inference import OnnxModel
from models.seismic.earth.travel_times import travel_time_s
from models.seismic.geodesy import KM_PER_DEGREE
from models.seismic.waveforms import Record
from models.specs.event_type import CLASSES
from models.specs.pictures import CONDITIONING

WINDOWS: Final = ("before P", "P to S", "S to surface waves", "surface waves", "after them")
MAX_GROUP_VELOCITY_KM_S, MIN_GROUP_VELOCITY_KM_S = 4.4, 2.8
# A wave packet begins before its travel time says, by the longest period of the body waves that a section shows.
EARLY_S: Final = 25.0
PATCH, STEP = 16, 8


@dataclass(frozen=True)
class Attributed:
    """
    One event: its section, where windows lie in it, and the evidence in nats (positive: for an earthquake) by window and channel.

    `windows` int [channels, rows, columns] index into WINDOWS; `log_odds` of the whole section and of a black one.
    """

    name: str
    kind: str
    picture: Pictures
    windows: NDArray[np.int64]
    log_odds: float
    blank: float
    by_window: Floats
    by_channel: Floats


def shapley(value: Callable[[NDArray[np.bool_]], float], players: int) -> Floats:
    """The Shapley value [players] of a function of which of them are there (every one of 2^players sets is asked once)."""
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
    """Seconds after the origin [4, distances] at which the windows after the first begin; each no earlier than the one before."""
    away_km = distances_deg * KM_PER_DEGREE
    first, second = first_arrivals_s(distances_deg) - EARLY_S, travel_time_s("S", distances_deg, 0.0) - EARLY_S
    surface, end = away_km / MAX_GROUP_VELOCITY_KM_S, away_km / MIN_GROUP_VELOCITY_KM_S + EARLY_S
    second = np.where(np.isfinite(second), second, surface)
    return np.maximum.accumulate(np.stack([first, second, surface, end]), axis=0)


def windows_of(style: SectionStyle, start_after_origin_s: float) -> NDArray[np.int64]:
    """Index into WINDOWS of every pixel [channels, rows, columns]; sections by distance only, else ValueError."""
    if style.vertical_axis != "distance" or style.reduction_velocity_km_s is not None:
        raise ValueError("windows follow travel times in sections by distance that are not reduced")
    distances = 180.0 * ((np.arange(style.rows) + 0.5) / style.rows) ** (1.0 / style.axis_exponent)
    borders = window_borders_s(distances)
    columns = (np.arange(style.columns) + 0.5) / style.columns
    wide = np.broadcast_to(start_after_origin_s + columns * style.window_s, (style.rows, style.columns))
    parts = [np.broadcast_to(_place(wide, borders), (len(style.bands), *wide.shape))]
    if style.close_up is not None:
        near = first_arrivals_s(distances)[:, None] - style.close_up.lead_s + columns * style.close_up.window_s
        parts.append(np.broadcast_to(_place(near, borders), (len(style.close_up.bands), *wide.shape)))
    return np.concatenate(parts)


def _place(times_s: Floats, borders: Floats) -> NDArray[np.int64]:
    return np.asarray((times_s[None] >= borders[:, :, None]).sum(axis=0), np.int64)


def channel_names(style: SectionStyle) -> tuple[str, ...]:
    """Each channel's band, those of the close-up marked."""
    near = style.close_up.bands if style.close_up else ()
    said = [f"{band.shortest_period_s:g} to {band.longest_period_s:g} s" for band in (*style.bands, *near)]
    return tuple(words if number < len(style.bands) else f"{words}, first arrivals" for number, words in enumerate(said))


def log_odds(model: OnnxModel, pictures: Pictures) -> Floats:
    """Of an earthquake against a glacial one [n], by the model alone."""
    probabilities = np.clip(model.run(pictures)["probabilities"].astype(np.float64), 1e-7, 1.0)
    return np.asarray(np.log(probabilities[:, CLASSES.index("earthquake")] / probabilities[:, CLASSES.index("glacial")]))


def attribute_picture(model: OnnxModel, picture: Pictures, windows: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Evidence by window [windows] and by channel [channels]."""

    def kept(mask: NDArray[np.bool_]) -> float:
        return float(log_odds(model, np.where(mask, picture, np.uint8(0))[None])[0])

    by_window = shapley(lambda present: kept(present[windows]), len(WINDOWS))
    by_channel = shapley(lambda present: kept(np.broadcast_to(present[:, None, None], picture.shape)), len(picture))
    return by_window, by_channel


def attribute(models: Models, records: Sequence[Record], name: str, kind: str) -> Attributed:
    """One event through the served chain to its section, and the evidence in that; raises NoUsableTrace."""
    model = models["event_type"]
    style = section_style(model)
    gather = condition(records, CONDITIONING)
    told = classify_event(models, gather, records=records)
    picture = draw_section(style, gather, told.readings, told.reference)
    windows = windows_of(style, section_start_s(style, told.readings) - combine_origin_times(told.readings).time_s)
    whole, blank = log_odds(model, np.stack([picture, np.zeros_like(picture)]))
    return Attributed(name, kind, picture, windows, float(whole), float(blank), *attribute_picture(model, picture, windows))


def patches(picture: Pictures) -> Iterator[tuple[int, int]]:
    """Upper left corners of patches, one overlapping the next, that hold any ink."""
    for row in range(0, picture.shape[1] - PATCH + 1, STEP):
        for column in range(0, picture.shape[2] - PATCH + 1, STEP):
            if picture[:, row : row + PATCH, column : column + PATCH].any():
                yield row, column


def evidence_map(model: OnnxModel, picture: Pictures, channels: slice) -> Floats:
    """
    How much the log-odds of an earthquake fall when a patch of those channels is blackened [rows, columns], in nats.

    The mean over the patches that hold a pixel (Zeiler & Fergus 2014, arXiv:1311.2901); 0 where there is nothing to blacken.
    """
    whole = log_odds(model, picture[None])[0]
    total, count = np.zeros(picture.shape[1:]), np.zeros(picture.shape[1:])
    for row, column in patches(picture[channels]):
        changed = picture.copy()
        changed[channels, row : row + PATCH, column : column + PATCH] = 0
        spot = (slice(row, row + PATCH), slice(column, column + PATCH))
        total[spot] += whole - log_odds(model, changed[None])[0]
        count[spot] += 1
    return total / np.maximum(count, 1)
