"""SAC files, and SAC poles and zeros."""

import contextlib
import io
import struct

import numpy as np
import pytest
from obspy.io.sac import SACTrace

from models.errors import UnreadableMetadata, UnreadableWaveform
from models.seismic.io.inventory import Coordinates, attach_metadata
from models.seismic.io.miniseed import MiniseedLimits, read_records
from models.seismic.io.sac import scan_sac
from models.seismic.io.sac_poles_zeros import read_sac_poles_zeros
from models.seismic.io.volume import TimeWindow
from models.seismic.trace_id import TraceId
from tests.support import recordings

LIMITS = MiniseedLimits(10, 20, 100_000, 21600.0)
ID = TraceId("IU", "ANMO", "00", "BHZ")
START_S = 1_262_304_000.0  # 2010-01-01

POLES_ZEROS = """* **********************************
* NETWORK   (KNETWK): IU
* STATION    (KSTNM): ANMO
* LOCATION   (KHOLE): 00
* CHANNEL   (KCMPNM): BHZ
* START             : 2009-01-01T00:00:00
* END               : 2011-01-01T00:00:00
* LATITUDE          : 34.9459
* LONGITUDE         : -106.4572
* ELEVATION         : 1850.0
* INPUT UNIT        : M
* **********************************
ZEROS 3
POLES 2
 -0.037 0.037
 -0.037 -0.037
CONSTANT 6.0e8
"""


def sac(byteorder: str = "little", text: bool = False, **header: object) -> bytes:
    values = {"knetwk": "IU", "kstnm": "ANMO", "khole": "00", "kcmpnm": "BHZ", "stla": 34.9, "stlo": -106.5, "delta": 0.05}
    trace = SACTrace(data=recordings.wave().astype(np.float32), nzyear=2010, nzjday=1, nzhour=0, nzmin=0, nzsec=0, nzmsec=0, b=0.25)
    for name, value in {**values, **header}.items():
        setattr(trace, name, value)
    stream = io.BytesIO()
    trace.write(stream, ascii=text, byteorder=byteorder)
    return stream.getvalue()


@pytest.mark.parametrize("data", [sac(), sac("big"), sac(text=True)], ids=["little", "big", "ascii"])
def test_a_trace_has_its_samples_codes_time_and_coordinates(data: bytes) -> None:
    volume = scan_sac("a.sac", data)
    (record,), issues = read_records([volume], LIMITS)
    (record,), _ = attach_metadata([record], [volume.inventory])
    assert (str(record.trace_id), record.sampling_rate_hz, issues) == (str(ID), 20.0, [])
    assert record.start_time_s == pytest.approx(START_S + 0.25, abs=1e-4)
    assert (record.latitude_deg, record.longitude_deg) == (pytest.approx(34.9, abs=1e-5), pytest.approx(-106.5, abs=1e-5))
    wave = recordings.wave()
    np.testing.assert_allclose(record.samples, wave - wave.mean(), atol=0.5)


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ({"kstnm": None}, "bad-codes"),
        ({"nzyear": None}, "bad-time"),
        ({"leven": False}, "not-waveform"),
        ({"iftype": "irlim"}, "not-waveform"),
    ],
)
def test_what_is_no_record_of_a_channel_is_left_out_and_reported(header: dict[str, object], code: str) -> None:
    volume = scan_sac("a.sac", sac(**header))
    assert volume.segments == ()
    assert [issue.code for issue in volume.issues] == [code]


@pytest.mark.timeout(30)
def test_a_huge_longitude_is_left_out_and_does_not_hang_the_parser() -> None:
    """ObsPy computes the distance to the event as soon as it reads a header, and takes 360 degrees off a longitude until it is small."""
    data = bytearray(sac(evla=1.0, evlo=2.0, lcalda=True))
    for word, value in ((32, 1e30), (50, -12345.0)):  # longitude of the station; distance, unset
        data[4 * word : 4 * word + 4] = struct.pack("<f", value)
    volume = scan_sac("a.sac", bytes(data))
    assert volume.inventory is None
    assert len(volume.segments) == 1


def test_a_damaged_file_is_unreadable() -> None:
    with pytest.raises(UnreadableWaveform, match=r"a\.sac is not a readable SAC file"):
        scan_sac("a.sac", sac()[:1000])


def test_a_window_cuts_a_trace() -> None:
    (segment,) = scan_sac("a.sac", sac(), TimeWindow(START_S + 10.0, START_S + 20.0)).segments
    assert (segment.start_time_ns * 1e-9 - START_S, segment.end_time_ns * 1e-9 - START_S) == pytest.approx((10.0, 20.0), abs=1e-3)
    assert segment.count == len(segment.packed) == 201
    outside = scan_sac("a.sac", sac(), TimeWindow(start_s=START_S + 3600.0))
    assert (outside.segments, [issue.code for issue in outside.issues]) == ((), ["outside-window"])


def test_poles_and_zeros_have_channel_time_coordinates_and_response_to_velocity() -> None:
    inventory = read_sac_poles_zeros(POLES_ZEROS.encode(), "a.pz")
    (epoch,) = inventory.epochs["IU", "ANMO"]
    assert (epoch.location, epoch.channel, epoch.coordinates) == ("00", "BHZ", Coordinates(34.9459, -106.4572, 1850.0))
    assert inventory.response(ID, START_S + 400 * 86400) is None
    response = inventory.response(ID, START_S)
    s = 2j * np.pi * response.frequencies_hz
    expected = 6.0e8 * s**3 / ((s + 0.037 - 0.037j) * (s + 0.037 + 0.037j)) / s
    np.testing.assert_allclose(response.velocity_response, expected, rtol=1e-9)


def test_an_empty_location_code_is_the_empty_code() -> None:
    inventory = read_sac_poles_zeros(POLES_ZEROS.replace("(KHOLE): 00", "(KHOLE): ").encode(), "a.pz")
    (epoch,) = inventory.epochs["IU", "ANMO"]
    assert (epoch.location, epoch.channel) == ("", "BHZ")


RDSEED_4 = """** FILE SAC_PZs_CZ_DPC_LHZ__2000.163.11.00.00.0000_2008.307.23.59.59.99999
* **********************************
* Network   (KNETWK): CZ
* Station   (KSTNM) : DPC
* Component (KCMPNM): LHZ
* Location  (KHOLE) :
* Start             : 2000,163,11:00:00
* End               : 2008,307,23:59:59
* Input Units       : METERS
* Output Units      : COUNTS
* Latitude          :  50.358300
* Longitude         :   16.411100
* Elevation         :   760.0
* Depth             : 760.0
* Dip               : -90.0
* Azimuth           :   0.0
* **********************************
ZEROS 3
POLES 2
-0.0356  -0.0369
-0.0356  0.0369
CONSTANT 3.755104e+16
"""


def test_comments_in_the_style_of_older_rdseed_name_channel_time_and_units() -> None:
    inventory = read_sac_poles_zeros(2 * RDSEED_4.encode(), "responses.txt")
    epoch, same = inventory.epochs["CZ", "DPC"]
    assert epoch == same
    assert (epoch.location, epoch.channel, epoch.coordinates) == ("", "LHZ", Coordinates(50.3583, 16.4111, 760.0))
    assert (epoch.start_s, epoch.end_s) == (960_721_200.0, 1_225_670_399.0)  # 2000-06-11 11:00:00, 2008-11-02 23:59:59
    assert inventory.response(TraceId("CZ", "DPC", "", "LHZ"), 1e9) is not None


def test_the_end_of_an_epoch_is_read_from_enddate_too() -> None:
    inventory = read_sac_poles_zeros(POLES_ZEROS.replace("* END    ", "* ENDDATE").encode(), "a.pz")
    (epoch,) = inventory.epochs["IU", "ANMO"]
    assert epoch.end_s == START_S + 365 * 86400


def test_the_name_of_a_file_names_the_channel_where_comments_do_not() -> None:
    plain = POLES_ZEROS[POLES_ZEROS.index("ZEROS") :].encode()
    inventory = read_sac_poles_zeros(plain, "archive.zip/SAC_PZs_IU_ANMO_BHZ_00_2009.001")
    assert inventory.response(ID, START_S) is not None
    with pytest.raises(UnreadableMetadata, match="SAC_PZs_NET_STA_CHA_LOC"):
        read_sac_poles_zeros(plain, "response.txt")


@pytest.mark.parametrize("text", ["ZEROS many\n", "POLES\n", "POLES 1\n1\nCONSTANT 1\n", "POLES 1\n1 x\nCONSTANT 1\n", "hello\n"])
def test_other_text_is_not_poles_and_zeros(text: str) -> None:
    with pytest.raises(UnreadableMetadata):
        read_sac_poles_zeros(text.encode(), "a.pz")


def test_a_few_bytes_cannot_ask_for_the_memory_of_many_zeros() -> None:
    many = POLES_ZEROS.replace("ZEROS 3", "ZEROS 2000000000")
    assert many != POLES_ZEROS
    with pytest.raises(UnreadableMetadata, match="2000000000 zeros, at most 1000 are read"):
        read_sac_poles_zeros(many.encode(), "a.pz")


@pytest.mark.parametrize("seed", range(20))
def test_changed_bytes_are_read_or_refused_and_nothing_else(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for original, read in ((sac(), scan_sac), (POLES_ZEROS.encode(), read_sac_poles_zeros)):
        data = bytearray(original)
        size = min(len(data), 632)
        for position in rng.integers(0, size, 8):
            data[position] = rng.integers(256)
        with contextlib.suppress(UnreadableWaveform, UnreadableMetadata):
            read(*(("changed", bytes(data)) if read is scan_sac else (bytes(data), "changed")))
