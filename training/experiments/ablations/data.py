"""Traces for ablations: drawn in a stated picture, with single parts of what makes synthetics look real switched off."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

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


def _change_paths(**changes: float) -> Callable[[Realism], Realism]:
    return lambda realism: replace(realism, paths=replace(realism.paths or PathScatter(), **changes))


SWITCHES: dict[str, Callable[[Realism], Realism]] = {
    "paths": lambda realism: replace(realism, paths=None),
    "dispersion": _change_paths(dispersion=0.0),
    "body shifts": _change_paths(body_shift_s=0.0),
    "coda": _change_paths(coda=0.0),
    "attenuation": _change_paths(attenuation=0.0),
    "amplitudes": lambda realism: replace(realism, amplitude_sigma=0.0),
    "noise": lambda realism: replace(realism, noise=False),
    "instruments": lambda realism: replace(realism, instruments=False),
    "defects": lambda realism: replace(realism, defects=False),
}


class TraceSetting(BaseModel):
    """What is drawn of each event: the picture, its size and time window, the Earths, and what is left out of the synthesis."""

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
    """The pictures that lie one behind the other as color channels; none for a waveform. One band is the middle one of three."""
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


def cut_waveforms(gather: Gather, start_s: float, window_s: float) -> NDArray[np.uint8]:
    """Samples [traces, 1, 1, samples] of the window as models.networks.waves reads them: roots, 128 at rest, 0 without data."""
    count = int(window_s * gather.sampling_rate_hz)
    first = round((start_s - gather.start_time_s) * gather.sampling_rate_hz)
    padded = np.pad(gather.samples, ((0, 0), (max(-first, 0), count)), constant_values=np.nan)[:, max(first, 0) : max(first, 0) + count]
    largest = np.nanmax(np.abs(np.where(np.isnan(padded), 0.0, padded)), axis=1, keepdims=True) + 1e-30
    roots = np.sign(padded) * np.sqrt(np.abs(padded) / largest)
    steps = np.nan_to_num(np.round(128 + 127 * roots), nan=0.0)
    return np.asarray(steps.astype(np.uint8)[:, None, None, :])


def _draw_pictures(setting: TraceSetting, gather: Gather, start_s: float) -> NDArray[np.uint8]:
    if setting.picture == "waveform":
        return cut_waveforms(gather, start_s, setting.window_s)
    return np.concatenate([render_traces(style, gather, start_s) for style in list_styles(setting)], axis=1)


def _draw_event(
    setting: TraceSetting, world: EventSampler, random: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.float64]] | None:
    kind = str(random.choice(list(setting.kinds), p=list(setting.kinds.values())))
    source, year, _ = draw_event_source(world, kind, random)
    event = synthesize_event(world, source, year, setting.traces_per_event, RANGE_DEG, random)
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
    seen = pictures.reshape(len(pictures), -1).any(axis=1)
    return pictures[seen], truth[seen]


def draw_ablation_traces(setting: TraceSetting, settings: TrainingSettings, seed: int) -> Arrays:
    """One shard: `pictures` uint8 [n, channels, rows, columns], `truth` [n, 2] (distance [degrees], origin lag [s]), `event` [n]."""
    world = open_sampler(greens.load_stores(settings.build_dir / "greens", setting.store), settings, setting.seed)
    realism = world.realism
    for part in setting.without:
        realism = SWITCHES[part](realism)
    world = replace(world, realism=realism)
    random = np.random.default_rng([setting.seed, 91, seed])
    drawn = [_draw_event(setting, world, random) for _ in range(setting.events_per_shard)]
    kept = [(number, *event) for number, event in enumerate(drawn) if event is not None]
    return {
        "pictures": np.concatenate([pictures for _, pictures, _ in kept]),
        "truth": np.concatenate([truth for _, _, truth in kept]).astype(np.float32),
        "event": np.concatenate([np.full(len(truth), number, dtype=np.int32) for number, _, truth in kept]),
    }


def make_ablation_shards(setting: TraceSetting, settings: TrainingSettings, seeds: list[int]) -> Shards:
    """Shards of those seeds, kept for other cells that draw alike."""
    stores = greens.load_stores(settings.build_dir / "greens", setting.store)
    used = [fingerprint(style) for style in list_styles(setting)]
    mark = combine_fingerprints(setting, *used, greens.fingerprint_stores(stores), str(settings.data_dir is not None))
    return make_shards(
        partial(draw_ablation_traces, setting, settings), settings.build_dir / "data" / "ablations", mark, seeds, settings.processes
    )
