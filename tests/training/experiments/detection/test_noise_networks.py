"""Networks of noise: drawn, and cut from recordings."""

import numpy as np
import pytest

from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Record
from training.experiments.detection.noise_networks import NoiseNetwork, cut_noise_networks, cut_record, draw_noise_network
from training.synthesis.catalogs import load_stations


@pytest.fixture
def record():
    samples = np.random.default_rng(1).normal(size=7200).astype(np.float32)
    return Record(TraceId("XX", "A", "", "LHZ"), 86_400.0 * 100 + 3600.0, 1.0, samples, 1.0, 2.0)


def test_a_drawn_network_has_records_of_one_length_at_different_stations():
    drawn = [draw_noise_network(load_stations(None), None, np.random.default_rng(seed)) for seed in (1, 4, 5, 6)]
    for network in drawn:
        assert len({record.trace_id for record in network.records}) == len(network.records) > 0
        assert len({len(record.samples) for record in network.records}) == 1
        assert 290.0 < network.records[0].duration_s < 18_010.0
        assert not network.holds_event
    assert len({len(network.records) for network in drawn}) > 1


def test_a_cut_record_keeps_its_times_and_is_refused_where_data_are_missing(record):
    cut = cut_record(record, record.start_time_s + 600.0, record.start_time_s + 1800.0)
    assert (cut.start_time_s, len(cut.samples)) == (record.start_time_s + 600.0, 1200)
    np.testing.assert_array_equal(cut.samples, record.samples[600:1800])
    assert cut_record(record, record.start_time_s - 600.0, record.start_time_s + 600.0) is None


def test_windows_are_cut_at_hours_of_the_day_and_with_subsets_of_stations(record, monkeypatch):
    five = tuple(Record(TraceId("XX", name, "", "LHZ"), *start_rate_and_samples(record)) for name in "ABCDE")
    monkeypatch.setattr("training.experiments.detection.noise_networks.read_long_records", lambda _: five)
    networks = list(cut_noise_networks(NAMED, np.random.default_rng(0)))
    assert {len(network.records) for network in networks} == {1, 3, 5}
    assert min(network.hours[0] for network in networks) == pytest.approx(1.0)
    assert max(network.hours[1] for network in networks) <= 3.01


def test_a_window_that_overlaps_a_known_event_holds_it(record):
    def network(hours):
        return NoiseNetwork("window", "noise_19940807a", (record,), hours)

    assert network((14.0, 14.5)).holds_event
    assert not network((12.0, 14.0)).holds_event


class NAMED:
    """A folder by its name alone."""

    name = "recording"


def start_rate_and_samples(record):
    return record.start_time_s, record.sampling_rate_hz, record.samples, record.latitude_deg, record.longitude_deg
