"""Traces for ablations: drawn in a stated kind of picture, with single effects of the synthesis switched off."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from models.array_types import Floats, Pictures
from models.errors import UnusableData
from models.imaging.conditioning import condition
from models.imaging.render import render_traces
from models.imaging.style import AmplitudeStyle, FrequencyStyle, fingerprint
from models.seismic.waveforms import Gather
from models.specs.pictures import TRACE_AMPLITUDE, TRACE_FREQUENCY
from training.config import TrainingSettings
from training.datasets.shards import Arrays, Shards, combine_fingerprints, make_shards
from training.earth import greens
from training.synthesis.events import EventSampler, draw_event_source, open_sampler, synthesize_event
from training.synthesis.path_effects import PathScatter
from training.synthesis.records import ORIGIN_S, Realism

RANGE_DEG = (3.0, 176.0)


def _change_paths(**changes: Any) -> Callable[[Realism], Realism]:  # noqa: ANN401  (fields of PathScatter)
    return lambda realism: replace(realism, paths=replace(realism.paths or PathScatter(), **changes))


SWITCHES: dict[str, Callable[[Realism], Realism]] = {
    "paths": lambda realism: replace(realism, paths=None),
    "dispersion": _change_paths(dispersion=0.0),
    "body shifts": _change_paths(body_shift_s=0.0, stretch=0.0),
    "coda": _change_paths(coda=0.0),
    "attenuation": _change_paths(attenuation=0.0),
    "amplitudes": lambda realism: replace(realism, amplitude_sigma=0.0),
    "noise": lambda realism: replace(realism, noise=False),
    "instruments": lambda realism: replace(realism, instruments=False),
    "defects": lambda realism: replace(realism, defects=False),
}


class TraceSetting(BaseModel):
    """Picture, its size and time window, Earth models, effects switched off (`without`), and numbers of events and traces."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    picture: Literal["frequency", "amplitude", "both", "waveform"]
    columns: int
    rows: int
    window_s: float
    bands: Literal[1, 3]
    store: tuple[str, ...]
    without: tuple[str, ...]
    kinds: dict[str, float]
    events_per_shard: int
    traces_per_event: int
    seed: int


def list_styles(setting: TraceSetting) -> tuple[AmplitudeStyle | FrequencyStyle, ...]:
    """List the styles of the pictures that are stacked as channels; none for waveforms. One band is the middle one of three."""
    size = {"columns": setting.columns, "rows": setting.rows, "window_s": setting.window_s}
    bands = TRACE_AMPLITUDE.bands if setting.bands == 3 else TRACE_AMPLITUDE.bands[1:2]
    frequency, amplitude = TRACE_FREQUENCY.model_copy(update=size), TRACE_AMPLITUDE.model_copy(update={**size, "bands": bands})
    chosen: dict[str, tuple[AmplitudeStyle | FrequencyStyle, ...]] = {
        "frequency": (frequency,),
        "amplitude": (amplitude,),
        "both": (frequency, amplitude),
        "waveform": (),
    }
    return chosen[setting.picture]


def cut_waveforms(gather: Gather, start_s: float, window_s: float) -> Pictures:
    """Cut a window of samples uint8 [traces, 1, 1, samples]: signed square roots of the normalized trace, 128 is zero, 0 is no data."""
    count = int(window_s * gather.sampling_rate_hz)
    first = round((start_s - gather.start_time_s) * gather.sampling_rate_hz)
    padded = np.pad(gather.samples, ((0, 0), (max(-first, 0), count)), constant_values=np.nan)[:, max(first, 0) : max(first, 0) + count]
    largest = np.nanmax(np.abs(np.where(np.isnan(padded), 0.0, padded)), axis=1, keepdims=True) + 1e-30
    roots = np.sign(padded) * np.sqrt(np.abs(padded) / largest)
    steps = np.nan_to_num(np.round(128 + 127 * roots), nan=0.0)
    return np.asarray(steps.astype(np.uint8)[:, None, None, :])


def _draw_pictures(setting: TraceSetting, gather: Gather, start_s: float) -> Pictures:
    if setting.picture == "waveform":
        return cut_waveforms(gather, start_s, setting.window_s)
    return np.concatenate([render_traces(style, gather, start_s) for style in list_styles(setting)], axis=1)


def _draw_event(setting: TraceSetting, sampler: EventSampler, random: np.random.Generator) -> tuple[Pictures, Floats] | None:
    kind = str(random.choice(list(setting.kinds), p=list(setting.kinds.values())))
    source, year, _ = draw_event_source(sampler, kind, random)
    event = synthesize_event(sampler, source, year, setting.traces_per_event, RANGE_DEG, random)
    if event is None:
        return None
    try:
        gather = condition(event.records, TRACE_FREQUENCY.conditioning)
    except UnusableData:
        return None
    spare = gather.duration_s - setting.window_s
    start = gather.start_time_s + (float(random.uniform(0, spare)) if spare > 0.05 * setting.window_s else 0.0)
    pictures = _draw_pictures(setting, gather, start)
    truth = np.stack([event.stations.distances_deg, np.full(len(pictures), ORIGIN_S - start)], axis=1)
    usable = pictures.reshape(len(pictures), -1).any(axis=1)
    return pictures[usable], truth[usable]


def draw_ablation_traces(setting: TraceSetting, settings: TrainingSettings, seed: int) -> Arrays:
    """Draw one shard: `pictures` uint8 [n, channels, rows, columns], `truth` [n, 2] (degrees; origin lag in s), `event` [n]."""
    sampler = open_sampler(greens.load_stores(settings.build_dir / "greens", setting.store), settings, setting.seed)
    realism = sampler.realism
    for effect in setting.without:
        realism = SWITCHES[effect](realism)
    sampler = replace(sampler, realism=realism)
    random = np.random.default_rng([setting.seed, 91, seed])
    drawn = [_draw_event(setting, sampler, random) for _ in range(setting.events_per_shard)]
    usable = [(number, *event) for number, event in enumerate(drawn) if event is not None]
    return {
        "pictures": np.concatenate([pictures for _, pictures, _ in usable]),
        "truth": np.concatenate([truth for _, _, truth in usable]).astype(np.float32),
        "event": np.concatenate([np.full(len(truth), number, dtype=np.int32) for number, _, truth in usable]),
    }


def make_ablation_shards(setting: TraceSetting, settings: TrainingSettings, seeds: list[int]) -> Shards:
    """Make the shards of some seeds; cells with the same setting share them."""
    stores = greens.load_stores(settings.build_dir / "greens", setting.store)
    used = [fingerprint(style) for style in list_styles(setting)]
    mark = combine_fingerprints(setting, *used, greens.fingerprint_stores(stores), str(settings.data_dir is not None))
    return make_shards(
        partial(draw_ablation_traces, setting, settings), settings.build_dir / "data" / "ablations", mark, seeds, settings.processes
    )
