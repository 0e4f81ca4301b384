"""Parameters of fdsnws-event, and which located events they select."""

from collections.abc import Mapping
from math import acos, cos, degrees, radians, sin
from typing import Annotated, Any, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from app.errors import MalformedRequest, validation_message
from workers.contracts import UtcTime
from workers.storage.catalog_documents import event_public_id

_ALIASES: Final = {
    **{"start": "starttime", "end": "endtime", "lat": "latitude", "lon": "longitude", "magtype": "magnitudetype"},
    **{f"{side}{short}": f"{side}{name}" for side in ("min", "max") for short, name in (("lat", "latitude"), ("lon", "longitude"))},
    **{"minmag": "minmagnitude", "maxmag": "maxmagnitude"},
}
MAX_EVENTS: Final = 2_000


Latitude = Annotated[float, Field(ge=-90, le=90)]
Longitude = Annotated[float, Field(ge=-180, le=180)]
Radius = Annotated[float, Field(ge=0, le=180)]


class FdsnQuery(BaseModel):
    """Parameters of a query, as the specification has them; depths in kilometers, radii in degrees."""

    model_config = ConfigDict(extra="forbid")

    starttime: UtcTime | None = None
    endtime: UtcTime | None = None
    minlatitude: Latitude = -90.0
    maxlatitude: Latitude = 90.0
    minlongitude: Longitude = -180.0
    maxlongitude: Longitude = 180.0
    latitude: Latitude = 0.0
    longitude: Longitude = 0.0
    minradius: Radius = 0.0
    maxradius: Radius = 180.0
    mindepth: float | None = None
    maxdepth: float | None = None
    minmagnitude: float | None = None
    maxmagnitude: float | None = None
    magnitudetype: str | None = None
    eventtype: str | None = None
    includeallorigins: bool = False
    includeallmagnitudes: bool = False
    includearrivals: bool = False
    eventid: str | None = None
    limit: int = Field(MAX_EVENTS, ge=1, le=MAX_EVENTS)
    offset: int = Field(1, ge=1)
    orderby: Literal["time", "time-asc", "magnitude", "magnitude-asc"] = "time"
    catalog: str | None = None
    contributor: str | None = None
    updatedafter: UtcTime | None = None
    format: Literal["xml", "quakeml", "text"] = "xml"
    nodata: Literal[204, 404] = 204
    formatted: bool = False

    @model_validator(mode="before")
    @classmethod
    def _read_numbers(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Turn the status of an empty answer, which is one of two numbers, into a number."""
        status = str(values.get("nodata", ""))
        return values | ({"nodata": int(status)} if status.isdigit() else {})

    def selects(self, event: "CatalogEvent") -> bool:
        """Return whether an event fulfills all conditions; one on magnitudes selects no event without a magnitude."""
        chosen = self._selects_identity(event) and self._selects_time(event) and self._selects_place(event)
        return chosen and self._selects_magnitude(event)

    def _selects_magnitude(self, event: "CatalogEvent") -> bool:
        """Return whether a moment magnitude, the only type there is, lies in the range; true without conditions."""
        if self.minmagnitude is None and self.maxmagnitude is None and self.magnitudetype is None:
            return True
        if event.magnitude is None or (self.magnitudetype or "Mw").lower() not in ("mw", "preferred"):
            return False
        low, high = self.minmagnitude, self.maxmagnitude
        return (low is None or event.magnitude >= low) and (high is None or event.magnitude <= high)

    def _selects_identity(self, event: "CatalogEvent") -> bool:
        wanted = () if self.eventtype is None else tuple(kind.strip() for kind in self.eventtype.split(","))
        named = self.eventid in (None, event.id, event_public_id(event.id))
        return named and (not wanted or event.event_type in wanted) and {self.catalog, self.contributor} <= {None, event.agency}

    def _selects_time(self, event: "CatalogEvent") -> bool:
        return (
            (self.starttime is None or event.time >= self.starttime)
            and (self.endtime is None or event.time <= self.endtime)
            and (self.updatedafter is None or event.updated > self.updatedafter)
        )

    def _selects_place(self, event: "CatalogEvent") -> bool:
        west, east = self.minlongitude, self.maxlongitude
        between = west <= event.longitude <= east if west <= east else event.longitude >= west or event.longitude <= east
        radius_deg = great_circle_deg(self.latitude, self.longitude, event.latitude, event.longitude)
        depth = event.depth_km
        return (
            self.minlatitude <= event.latitude <= self.maxlatitude
            and between
            and self.minradius <= radius_deg <= self.maxradius
            and (self.mindepth is None or (depth is not None and depth >= self.mindepth))
            and (self.maxdepth is None or (depth is not None and depth <= self.maxdepth))
        )


class CatalogEvent(BaseModel):
    """A located event, by the first feature of its GeoJSON."""

    id: str
    time: AwareDatetime
    updated: AwareDatetime
    latitude: float
    longitude: float
    depth_km: float | None
    magnitude: float | None
    event_type: str
    place: str
    agency: str


def read_query(parameters: Mapping[str, str]) -> FdsnQuery:
    """Read the parameters of a query, under their names or short names; raises MalformedRequest."""
    try:
        return FdsnQuery.model_validate({_ALIASES.get(name.lower(), name.lower()): value for name, value in parameters.items()})
    except ValidationError as error:
        raise MalformedRequest(validation_message(error.errors())) from error


def great_circle_deg(latitude_1: float, longitude_1: float, latitude_2: float, longitude_2: float) -> float:
    """Compute the distance of two points on the sphere in degrees (plain numbers: the API holds no arrays)."""
    phi_1, phi_2, difference = radians(latitude_1), radians(latitude_2), radians(longitude_2 - longitude_1)
    cosine = sin(phi_1) * sin(phi_2) + cos(phi_1) * cos(phi_2) * cos(difference)
    return degrees(acos(min(max(cosine, -1.0), 1.0)))
