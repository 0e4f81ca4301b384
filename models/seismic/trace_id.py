"""SEED identifiers of a trace: network, station, location and channel codes (NSLC; SEED 2.4 manual, appendix A)."""

import re
from typing import NamedTuple, Self

_CODE = re.compile(r"[A-Za-z0-9-]{0,8}")


class TraceId(NamedTuple):
    """NSLC codes, written `IU.ANMO.00.LHZ`; the location may be empty (`AK.BAL..BHZ`)."""

    network: str
    station: str
    location: str
    channel: str

    def __str__(self) -> str:
        return ".".join(self)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Split `NET.STA.LOC.CHA`; raises ValueError for any other form."""
        codes = text.split(".")
        if len(codes) != 4 or not all(_CODE.fullmatch(code) for code in codes):
            raise ValueError(f"{text!r} is no trace id of the form IU.ANMO.00.LHZ")
        return cls(*codes)

    @property
    def station_key(self) -> tuple[str, str]:
        """Network and station codes, by which metadata is looked up."""
        return self.network, self.station

    @property
    def component(self) -> str:
        """The orientation code: the last letter of the channel (Z is vertical)."""
        return self.channel[-1:]
