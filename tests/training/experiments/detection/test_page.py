"""The page of detection: events of the replica whose signal-to-noise ratio is that of noise alone, and what is missed."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.signal import sosfiltfilt

from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Record
from training.datasets.catalog_replica import ReplicaRecipe
from training.evaluation.event_result import Truth
from training.evaluation.event_sources import LabeledEvent
from training.experiments.detection.page import (
    FILTERS_HZ,
    VISIBLE_RATIO,
    RecordsResult,
    filter_record,
    format_missed,
    format_replica,
    measure_noise_alone,
)

RECIPE = ReplicaRecipe(
    store="none", events_per_shard=1, stations=(1, 1), distances_deg=(1.0, 90.0), magnitude_tolerance=0.1, seed=1, moment_scale=1.0
)
TRUTH = Truth("event", "earthquake", 0.0, 0.0, 10.0, 5.0, float("nan"), 1.6e9)
RESULT = RecordsResult("3", "earthquake", 6, True, True, 2.0, 0.001, "transients", 8.0, 2.0, 480.0)


@dataclass(frozen=True)
class Source:
    """Noise of one station 10 degrees away, and a burst after P that the moment scales."""

    recipe: ReplicaRecipe

    def load(self, keys, _settings):
        """Draw events by number."""
        for key in keys:
            random = np.random.default_rng(int(key))
            samples = random.normal(size=1800)
            samples[800:900] += 300.0 * self.recipe.moment_scale * random.normal(size=100)
            record = Record(TraceId("XX", "A", "", "LHZ"), TRUTH.origin_time_s - 600.0, 1.0, samples.astype(np.float32), 10.0, 0.0)
            yield key, LabeledEvent(TRUTH, (record,))


def test_the_ratio_of_noise_alone_is_measured_without_the_waves_of_the_event():
    results = [replace(RESULT, name="3", snr=100.0), replace(RESULT, name="4", snr=4.0)]
    clear, weak = measure_noise_alone(Source(RECIPE), None, results)
    assert 1.0 < clear.noise_snr < 8.0
    assert clear.is_visible
    assert not replace(clear, snr=1.2 * clear.noise_snr).is_visible
    assert np.isnan(weak.noise_snr)
    assert not weak.is_visible


def test_events_no_higher_than_their_noise_are_left_out_of_the_last_line_alone():
    hidden = replace(RESULT, detected=False, snr=6.0, noise_snr=6.0 / VISIBLE_RATIO + 0.1)
    lines = format_replica([RESULT, RESULT, hidden]).splitlines()
    assert "| 5 and above, together | 3 | 67%" in lines[-2]
    assert f"| these, and {VISIBLE_RATIO:g} times noise alone | 2 | 100%" in lines[-1]


def test_missed_events_are_listed_with_their_length_and_both_ratios():
    missed = replace(RESULT, name="7", detected=False, false_alarm_probability=0.02)
    assert format_missed([RESULT, replace(missed, snr=4.0)]) == "none"
    assert format_missed([RESULT, missed]).splitlines()[-1] == "| earthquake 7 | 6 | 480 | 8.0 | 2.0 | 0.02 |"


def test_records_are_filtered_as_by_users_and_keep_their_gaps():
    times = np.arange(4000.0)
    samples = (np.sin(2.0 * np.pi * times / 40.0) + np.sin(2.0 * np.pi * times / 5.0)).astype(np.float32)
    samples[1000:1010] = np.nan
    record = Record(TraceId("XX", "A", "", "LHZ"), 1.6e9, 1.0, samples, 10.0, 0.0)
    filtered = filter_record(record, *FILTERS_HZ["25 s and longer"], sosfiltfilt).samples
    assert np.isnan(filtered[1000:1010]).all()
    np.testing.assert_allclose(filtered[2000:3000], np.sin(2.0 * np.pi * times[2000:3000] / 40.0), atol=0.05)
