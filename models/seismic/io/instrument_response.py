"""Instrument responses of StationXML by poles, zeros and overall sensitivity."""

import math
from dataclasses import dataclass

import numpy as np
from lxml.etree import _Element as Element

from models.array_types import Complexes, Floats
from models.seismic.waveforms import Response

MIN_FREQUENCY_HZ, MAX_FREQUENCY_HZ, FREQUENCIES = 1.0 / 1000.0, 2.0, 160
"""Range, and number of frequencies at which a response is evaluated, evenly in their logarithm; it covers the band of all pictures."""

_DERIVATIVES = {"M": 0, "METERS": 0, "M/S": 1, "M/SEC": 1, "M/S**2": 2, "M/S/S": 2, "M/(S**2)": 2, "M/SEC**2": 2}
_PREFIXES = {"N": 1e-9, "U": 1e-6, "M": 1e-3, "C": 1e-2}
_RADIANS = {"LAPLACE (RADIANS/SECOND)": 1.0, "LAPLACE (HERTZ)": 2.0 * math.pi}


@dataclass(frozen=True)
class Instrument:
    """
    An analog instrument: poles and zeros in rad/s, and output units per input unit at `reference_hz`.

    `derivative`: 0, 1 or 2 for an instrument that measures displacement, velocity or acceleration in SI units.
    """

    sensitivity: float
    reference_hz: float
    poles: tuple[complex, ...]
    zeros: tuple[complex, ...]
    derivative: int

    def evaluate(self) -> Response | None:
        """
        Evaluate the response in output units per m/s; None where a value is zero or not finite.

        As evalresp does for the analog stages. Digital filters are left out: they are flat well below the Nyquist frequency.
        """
        frequencies_hz = np.geomspace(MIN_FREQUENCY_HZ, MAX_FREQUENCY_HZ, FREQUENCIES)
        with np.errstate(all="ignore"):
            shape = self._shape(frequencies_hz) / abs(self._shape(np.array([self.reference_hz]))[0])
            velocity_response = self.sensitivity * shape * (2j * np.pi * frequencies_hz) ** (self.derivative - 1)
        if not np.all(np.isfinite(velocity_response)) or np.any(velocity_response == 0):
            return None
        return Response(frequencies_hz, velocity_response)

    def _shape(self, frequencies_hz: Floats) -> Complexes:
        """Transfer function of poles and zeros, not normalized."""
        s = 2j * np.pi * frequencies_hz
        shape = np.ones(len(s), np.complex128)
        for zero in self.zeros:
            shape *= s - zero
        for pole in self.poles:
            shape /= s - pole
        return shape


def read_instrument(response: Element) -> Instrument | None:
    """Read the instrument from a StationXML `Response` element; None where poles and zeros do not describe it."""
    if any(response.find(f".//{{*}}{kind}") is not None for kind in ("ResponseList", "Polynomial", "InstrumentPolynomial")):
        return None
    stages = [stage for stage in response.findall("./{*}Stage/{*}PolesZeros") if _text(stage, "PzTransferFunctionType") in _RADIANS]
    if response.find("./{*}Stage") is None:
        return None
    try:
        sensitivity, reference_hz, units = _overall(response)
        scale, derivative = scale_units(units)
        poles = tuple(root for stage in stages for root in _roots(stage, "Pole"))
        zeros = tuple(root for stage in stages for root in _roots(stage, "Zero"))
    except (ValueError, KeyError):
        return None
    return Instrument(sensitivity / scale, reference_hz, poles, zeros, derivative)


def _overall(response: Element) -> tuple[float, float, str]:
    """Sensitivity, its reference frequency and the input units; the product of the stages' gains where it is not stated."""
    stated = response.find("./{*}InstrumentSensitivity")
    if stated is not None:
        return float(_text(stated, "Value")), float(_text(stated, "Frequency")), _text(stated, "InputUnits/Name")
    gains = response.findall("./{*}Stage/{*}StageGain")
    product = math.prod(float(_text(gain, "Value")) for gain in gains)
    return product, float(_text(gains[0], "Frequency") if gains else "nan"), _text(response, "Stage//InputUnits/Name")


def scale_units(name: str) -> tuple[float, int]:
    """Return stated units per SI unit and the order of the derivative; raises KeyError for units other than of ground motion."""
    plain = name.upper().replace(" ", "")
    if plain in _DERIVATIVES:
        return 1.0, _DERIVATIVES[plain]
    return _PREFIXES[plain[:1]], _DERIVATIVES[plain[1:]]


def _roots(stage: Element, kind: str) -> list[complex]:
    factor = _RADIANS[_text(stage, "PzTransferFunctionType")]
    return [factor * complex(float(_text(root, "Real")), float(_text(root, "Imaginary"))) for root in stage.findall(f"./{{*}}{kind}")]


def _text(element: Element, path: str) -> str:
    qualified = "/".join(f"{{*}}{name}" if name else "" for name in path.split("/"))
    return (element.findtext(f"./{qualified}") or "").strip()
