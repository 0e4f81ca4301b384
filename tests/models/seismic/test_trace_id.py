"""SEED codes."""

import pytest

from models.seismic.trace_id import TraceId


@pytest.mark.parametrize("text", ["IU.ANMO.00.LHZ", "AK.BAL..BHZ"])
def test_an_id_is_written_as_it_was_read(text: str) -> None:
    assert str(TraceId.parse(text)) == text


@pytest.mark.parametrize("text", ["", "IU.ANMO.LHZ", "IU.ANMO.00.LHZ.x", "IU.AN MO.00.LHZ", "IU.ANMO.00.LHZ\n", "IU.ANMOANMOA.00.LHZ"])
def test_what_is_no_id_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no trace id"):
        TraceId.parse(text)


def test_parts_of_an_id() -> None:
    trace_id = TraceId.parse("IU.ANMO.00.LHZ")
    assert trace_id.station_key == ("IU", "ANMO")
    assert trace_id.component == "Z"
    assert TraceId("", "X", "", "").component == ""
