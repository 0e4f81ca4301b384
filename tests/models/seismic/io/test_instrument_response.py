"""Instrument responses from poles and zeros, held against evalresp."""

import gzip
import io
import os
import warnings
from pathlib import Path

import numpy as np
import pytest
from lxml import etree
from obspy.core.inventory import Response as ObspyResponse
from obspy.io.stationxml.core import _read_stationxml

from models.seismic.io.instrument_response import Instrument, read_instrument
from models.seismic.io.inventory import read_stationxml
from models.seismic.trace_id import TraceId

# a broadband seismometer of 120 s corner period
POLES = [-0.03701 + 0.03701j, -0.03701 - 0.03701j, -251.3 + 0j, -131.0 + 467.3j, -131.0 - 467.3j]
ZEROS = [0j, 0j]
SHARED = Path(__file__).resolve().parents[5] / "shared" / "data" / "real_events"


def element(zeros: list[complex], units: str, kind: str = "LAPLACE (RADIANS/SECOND)") -> etree._Element:
    def roots(tag: str, values: list[complex]) -> str:
        return "".join(f"<{tag}><Real>{v.real}</Real><Imaginary>{v.imag}</Imaginary></{tag}>" for v in values)

    return etree.fromstring(
        f"""<Response><InstrumentSensitivity><Value>1.5e9</Value><Frequency>0.05</Frequency><InputUnits><Name>{units}</Name></InputUnits>
        <OutputUnits><Name>count</Name></OutputUnits></InstrumentSensitivity><Stage number="1"><PolesZeros>
        <InputUnits><Name>{units}</Name></InputUnits><OutputUnits><Name>V</Name></OutputUnits>
        <PzTransferFunctionType>{kind}</PzTransferFunctionType><NormalizationFactor>1</NormalizationFactor>
        <NormalizationFrequency>0.05</NormalizationFrequency>{roots("Zero", zeros)}{roots("Pole", POLES)}</PolesZeros>
        <StageGain><Value>1.5e9</Value><Frequency>0.05</Frequency></StageGain></Stage></Response>"""
    )


def test_a_seismometer_is_flat_in_its_band_and_falls_below() -> None:
    instrument = read_instrument(element(ZEROS, "M/S"))
    assert instrument is not None
    response = instrument.evaluate()
    assert response is not None
    size = np.abs(response.velocity_response)
    np.testing.assert_allclose(size[response.frequencies_hz > 0.03], 1.5e9, rtol=0.01)
    corner = np.interp(1 / 120, response.frequencies_hz, size)
    assert corner == pytest.approx(1.5e9 / np.sqrt(2), rel=0.02)


@pytest.mark.parametrize(("units", "zeros", "scale"), [("M", 3, 1.0), ("m/s**2", 1, 1.0), ("nm/s", 2, 1e9), ("M/S", 2, 1.0)])
def test_every_kind_of_ground_motion_is_brought_to_velocity(units: str, zeros: int, scale: float) -> None:
    """One more zero at the origin is one derivative: only the level at the reference frequency differs."""
    instrument = read_instrument(element([0j] * zeros, units))
    assert instrument is not None
    response = instrument.evaluate()
    assert response is not None
    at = np.abs(np.interp(0.05, response.frequencies_hz, np.abs(response.velocity_response)))
    omega = 2 * np.pi * 0.05
    assert at == pytest.approx(1.5e9 * scale * omega ** {"M": -1, "m/s**2": 1}.get(units, 0), rel=0.01)
    velocity = Instrument(1.5e9, 0.05, tuple(POLES), tuple(ZEROS), 1).evaluate()
    assert velocity is not None
    ratio = response.velocity_response / velocity.velocity_response
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-6)


@pytest.mark.parametrize("change", ["units", "polynomial", "list", "no stage", "no number"])
def test_what_poles_and_zeros_do_not_cover_gives_none(change: str) -> None:
    response = element(ZEROS, "V" if change == "units" else "M/S")
    if change == "polynomial":
        etree.SubElement(response, "InstrumentPolynomial")
    elif change == "list":
        etree.SubElement(response[1], "ResponseList")
    elif change == "no stage":
        response.remove(response[1])
    elif change == "no number":
        response[0][0].text = "much"
    assert read_instrument(response) is None


def test_a_response_without_finite_values_gives_none() -> None:
    assert Instrument(0.0, 0.05, (), (), 1).evaluate() is None
    assert Instrument(1.0, 0.0, (), (0j,), 1).evaluate() is None


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.exists(), reason="../shared is absent")
def test_real_instruments_agree_with_evalresp() -> None:
    """Over the periods that pictures use; evalresp prints its warnings from C."""
    compared = 0
    for path in sorted(SHARED.glob("*/stations.xml.gz")):
        data = gzip.decompress(path.read_bytes())
        book = read_stationxml(data, path.name)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            inventory = _read_stationxml(io.BytesIO(data))
        for network in inventory:
            for channel in (channel for station in network for channel in station if channel.code.endswith("Z")):
                station = next(s for s in network if channel in s.channels)
                trace_id = TraceId(network.code, station.code, channel.location_code, channel.code)
                ours = book.response(trace_id, channel.start_date.timestamp + 1)
                if ours is None or not channel.response.response_stages:
                    continue
                band = (ours.frequencies_hz > 1 / 300) & (ours.frequencies_hz < 0.1)
                theirs = quietly(channel.response, ours.frequencies_hz[band])
                np.testing.assert_allclose(np.abs(ours.velocity_response[band]), np.abs(theirs), rtol=0.05, err_msg=str(trace_id))
                turned = np.angle(ours.velocity_response[band] / theirs)
                assert np.abs(turned).max() < 0.35, trace_id
                compared += 1
    assert compared >= 20


def quietly(response: ObspyResponse, frequencies_hz: np.ndarray) -> np.ndarray:
    saved, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return np.asarray(response.get_evalresp_response_for_frequencies(frequencies_hz, output="VEL"))
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(null)
