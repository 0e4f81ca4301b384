"""Dataless SEED, RESP and SeisComP XML, read by ObsPy under the name of their format, as an inventory of this service."""

import io
import math
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, Literal

from models.errors import UnreadableMetadata
from models.seismic.data_issues import describe_cause
from models.seismic.io.instrument_response import Instrument, scale_units
from models.seismic.io.inventory import Coordinates, Epoch, Inventory, check_metadata_size, parse_xml

if TYPE_CHECKING:
    from obspy import Inventory as ObspyInventory
    from obspy.core.inventory import Channel, Station
    from obspy.core.inventory import Response as ObspyResponse

MetadataFormat = Literal["SEED", "RESP", "SCML"]
"""Names of ObsPy for dataless SEED, RESP, and SeisComP XML."""

_NAMES: Final[dict[MetadataFormat, str]] = {"SEED": "dataless SEED volume", "RESP": "RESP file", "SCML": "SeisComP inventory"}
_UNKNOWN_ELEVATION_M: Final = 123456.0
"""Elevation, and sign of missing coordinates, that ObsPy fills in where a RESP file states none."""
_ANALOG: Final = {"LAPLACE (RADIANS/SECOND)": 1.0, "LAPLACE (HERTZ)": 2.0 * math.pi}


def read_by_obspy(data: bytes, part: str, max_bytes: float, name: MetadataFormat) -> Inventory:
    """
    Read station metadata of a named format; nothing is guessed, resolved or fetched.

    Parameters
    ----------
    data, part
        Content and name of the file.
    max_bytes
        Largest size that is read.
    name
        ObsPy's name of the format.

    Returns
    -------
    Inventory
        Epochs of stations and channels; those of RESP have no coordinates.

    Raises
    ------
    UnreadableMetadata
        If ObsPy cannot read it, or it describes no station.
    LimitExceeded
        Above `max_bytes`.

    """
    check_metadata_size(data, part, max_bytes)
    if name == "SCML":
        root = parse_xml(data, part)  # refuses what ObsPy's parser would not: document types with their entities
        if root.find("./{*}Inventory") is None:
            raise UnreadableMetadata(f"{part} is SeisComP XML without an Inventory; events are not read", part=part)
    import obspy  # noqa: PLC0415 -- takes a second, and most bundles need it not

    try:
        with warnings.catch_warnings(action="ignore"):
            found = obspy.read_inventory(io.BytesIO(data), format=name)
            return _convert(found, part)
    except (MemoryError, UnreadableMetadata):
        raise
    except Exception as error:
        raise UnreadableMetadata(f"{part} cannot be read as a {_NAMES[name]} ({describe_cause(error)})", part=part) from error


def _convert(found: "ObspyInventory", part: str) -> Inventory:
    epochs: dict[tuple[str, str], list[Epoch]] = {}
    for network in found:
        for station in network:
            key = (network.code or "").strip(), (station.code or "").strip()
            if key[1]:
                epochs.setdefault(key, []).extend(_station_epochs(station, part))
    if not any(epochs.values()):
        raise UnreadableMetadata(f"{part} describes no station", part=part)
    return Inventory(epochs)


def _station_epochs(station: "Station", part: str) -> Iterator[Epoch]:
    coordinates = _read_position(station)
    if coordinates is not None:
        yield Epoch(None, None, *_read_dates(station), coordinates, part=part)
    for channel in station:
        location = (channel.location_code or "").strip().replace("--", "")
        instrument = None if channel.response is None else _read_instrument(channel.response)
        azimuth = None if channel.azimuth is None else float(channel.azimuth)
        position = _read_position(channel) or coordinates
        yield Epoch(location, channel.code.strip(), *_read_dates(channel), position, instrument, azimuth, part)


def _read_position(item: "Station | Channel") -> Coordinates | None:
    """Coordinates of a station or channel; None where ObsPy has filled them in."""
    latitude, longitude, elevation = float(item.latitude), float(item.longitude), float(item.elevation)
    if elevation == _UNKNOWN_ELEVATION_M and latitude == longitude == 0.0:
        return None
    if not (-90.0 <= latitude <= 90.0 and -180.0 <= longitude <= 360.0):
        return None
    return Coordinates(latitude, longitude - 360.0 if longitude > 180.0 else longitude, elevation)


def _read_dates(item: "Station | Channel") -> tuple[float, float]:
    start_s = -math.inf if not item.start_date else item.start_date.timestamp
    return start_s, math.inf if not item.end_date else item.end_date.timestamp


def _read_instrument(response: "ObspyResponse") -> Instrument | None:
    """Read the analog instrument of a response; None where poles and zeros do not describe it, as in `read_instrument`."""
    from obspy.core.inventory.response import (  # noqa: PLC0415 -- as above
        PolesZerosResponseStage,
        PolynomialResponseStage,
        ResponseListResponseStage,
    )

    stages = response.response_stages or []
    if not stages or any(isinstance(stage, PolynomialResponseStage | ResponseListResponseStage) for stage in stages):
        return None
    analog = [stage for stage in stages if isinstance(stage, PolesZerosResponseStage) and stage.pz_transfer_function_type in _ANALOG]
    overall = response.instrument_sensitivity
    try:
        if overall is not None and overall.value:
            sensitivity, reference_hz = float(overall.value), float(overall.frequency)
            units = overall.input_units or stages[0].input_units
        else:
            sensitivity = math.prod(float(stage.stage_gain) for stage in stages if stage.stage_gain)
            reference_hz, units = float(stages[0].stage_gain_frequency), stages[0].input_units
        scale, derivative = scale_units(units)
    except (TypeError, KeyError, ValueError, AttributeError):
        return None
    poles = tuple(_ANALOG[stage.pz_transfer_function_type] * complex(root) for stage in analog for root in stage.poles)
    zeros = tuple(_ANALOG[stage.pz_transfer_function_type] * complex(root) for stage in analog for root in stage.zeros)
    return Instrument(sensitivity / scale, reference_hz, poles, zeros, derivative)
