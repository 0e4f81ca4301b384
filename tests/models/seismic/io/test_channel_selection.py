"""Selection of one vertical record for each station."""

import numpy as np
import pytest

from models.seismic.io.channel_selection import select_channels
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Record


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


def test_one_record_of_each_station_is_selected_in_any_order() -> None:
    records = [record(name) for name in ("II.KDAK.00.BHZ", "IU.ANMO.00.BHZ", "II.KDAK.10.BHZ", "IU.COLA.00.BH1")]
    chosen, _ = select_channels(records)
    assert chosen == select_channels(records[::-1])[0]
    assert [one.trace_id.station for one in chosen] == ["KDAK", "ANMO"]
