"""Explosions and collapses at few stations: what is counted, and of all events."""

from training.experiments.source.surface_sources import EventRatios, describe_events

NAN = float("nan")


def test_events_without_waveforms_count_as_not_doubted_and_evidence_is_added_up_to_its_limit():
    events = [EventRatios(3.0, 3.0, 2.9), EventRatios(NAN, NAN, -1.0), EventRatios(1.0, 1.2, 0.5), EventRatios(-2.0, 1.8, -1.0)]
    assert [one.combined for one in events] == [5.0, -1.0, 1.7, 0.8]
    rows = describe_events("explosion", events)
    assert [row[1:3] for row in rows] == [
        ("waveforms, verticals", "3"),
        ("waveforms, all components", "3"),
        ("Love waves", "4"),
        ("Love waves and waveforms", "4"),
    ]
    assert [row[4].split("%")[0] for row in rows] == ["25", "50", "25", "50"]
