"""Selection of one vertical record for each station."""

from dataclasses import replace

import numpy as np
import pytest

from models.seismic.data_issues import DataIssue
from models.seismic.io.channel_selection import select_channels
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Record, Response


def record(name: str, live_s: int = 1000, rate_hz: float = 1.0) -> Record:
    samples = np.zeros(round(1000 * rate_hz), np.float32)
    samples[round(live_s * rate_hz) :] = np.nan
    return Record(TraceId.parse(name), 0.0, rate_hz, samples, None, None)


@pytest.mark.parametrize(
    ("names", "best"),
    [
        (["IU.ANMO.00.LHZ", "IU.ANMO.00.BHZ"], "IU.ANMO.00.BHZ"),
        (["IU.ANMO.00.EHZ", "IU.ANMO.00.LHZ"], "IU.ANMO.00.LHZ"),
        (["IU.ANMO.10.BHZ", "IU.ANMO.00.BHZ"], "IU.ANMO.00.BHZ"),
        (["IU.ANMO.00.BHZ", "IU.ANMO..BHZ"], "IU.ANMO..BHZ"),
        (["IU.ANMO.00.HNZ", "IU.ANMO.00.HHZ"], "IU.ANMO.00.HHZ"),
    ],
)
def test_preference_among_equally_long_records(names: list[str], best: str) -> None:
    chosen, issues = select_channels([record(name) for name in names])
    assert [str(one.trace_id) for one in chosen] == [best]
    assert [(issue.trace, issue.code) for issue in issues] == [(name, "not-chosen") for name in names if name != best]


def test_a_much_longer_record_is_preferred_to_a_better_band() -> None:
    chosen, _ = select_channels([record("IU.ANMO.00.BHZ", 800, 20.0), record("IU.ANMO.00.LHZ", 1000)])
    assert chosen[0].trace_id.channel == "LHZ"


def test_a_slightly_longer_record_is_not_preferred_to_a_better_band() -> None:
    chosen, _ = select_channels([record("IU.ANMO.00.BHZ", 950, 20.0), record("IU.ANMO.00.LHZ", 1000)])
    assert chosen[0].trace_id.channel == "BHZ"


def test_a_record_that_is_not_clipped_is_preferred_if_it_is_half_as_long() -> None:
    clipped = [DataIssue("IU.FURI.00.HHZ", None, "clipped", "cut off")]
    high, low = record("IU.FURI.00.HHZ"), record("IU.FURI.10.HLZ", 600)
    chosen, issues = select_channels([high, low], clipped)
    assert (chosen, [issue.trace for issue in issues]) == ([low], ["IU.FURI.00.HHZ"])
    assert select_channels([high, low])[0] == [high]
    assert select_channels([high, record("IU.FURI.10.HLZ", 400)], clipped)[0] == [high]


def test_an_accelerometer_replaces_a_clipped_record_only_with_its_response() -> None:
    clipped = [DataIssue("IU.FURI.00.HHZ", None, "clipped", "cut off")]
    broadband, unknown = record("IU.FURI.00.HHZ"), record("IU.FURI.20.HNZ")
    known = replace(unknown, response=Response(np.array([0.01, 1.0]), np.ones(2, np.complex128)))
    assert select_channels([broadband, unknown], clipped)[0] == [broadband]
    assert select_channels([broadband, known], clipped)[0] == [known]


def test_where_all_are_clipped_the_codes_decide() -> None:
    records = [record("IU.FURI.00.HHZ"), record("IU.FURI.20.HNZ")]
    assert select_channels(records, [DataIssue(str(one.trace_id), None, "clipped", "cut off") for one in records])[0] == records[:1]


def test_one_record_of_each_station_is_selected_in_any_order() -> None:
    records = [record(name) for name in ("II.KDAK.00.BHZ", "IU.ANMO.00.BHZ", "II.KDAK.10.BHZ", "IU.COLA.00.BH1")]
    chosen, _ = select_channels(records)
    assert chosen == select_channels(records[::-1])[0]
    assert [one.trace_id.station for one in chosen] == ["KDAK", "ANMO"]
