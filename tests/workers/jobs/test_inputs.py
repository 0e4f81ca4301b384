"""From a bundle's records to the ones that a job works on."""

import numpy as np

from models.seismic.data_issues import DataIssue
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Record
from workers.bundles.parse import EventRecords
from workers.jobs.inputs import data_warnings, select_records


def record(trace_id: str, samples: int = 600) -> Record:
    return Record(TraceId.parse(trace_id), 0.0, 1.0, np.ones(samples, np.float32), 1.0, 2.0)


def test_a_station_with_several_verticals_counts_once_and_says_so() -> None:
    said = DataIssue("IU.ANMO.00.LHZ", None, "gaps", "1 gap")
    records = (record("IU.ANMO.00.LHZ"), record("IU.ANMO.10.LHZ"), record("IU.COLA.00.LHZ"))
    chosen = select_records(EventRecords("event", records, (said,)))

    assert [str(one.trace_id) for one in chosen.records] == ["IU.ANMO.00.LHZ", "IU.COLA.00.LHZ"]
    assert [(warning.trace, warning.code) for warning in data_warnings(chosen.issues)] == [
        ("IU.ANMO.00.LHZ", "gaps"),
        ("IU.ANMO.10.LHZ", "not-chosen"),
    ]


def test_an_event_without_records_stays_one() -> None:
    assert select_records(EventRecords("event", (), ())).records == ()
