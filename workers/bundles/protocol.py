"""What a parsing child sends its parent: JSON headers and the bytes of arrays, never a pickle."""

import json
import socket
import struct
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.seismic.data_issues import DataIssue
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Horizontals, Record, Response
from workers.bundles.parse import EventRecords

MAX_HEADER_BYTES = 64 * 2**20
MAX_RESPONSE_SAMPLES = 10_000

_LENGTH = struct.Struct("!I")


class RecordSender:
    """The child's end."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def message(self, kind: str, **fields: str | None) -> None:
        """A message without arrays."""
        self._header({"kind": kind, **fields})

    def event(self, event: EventRecords) -> None:
        """An event: its header, then each record's samples, those of its horizontals, and its response."""
        issues = [[issue.trace, issue.part, issue.code, issue.detail] for issue in event.issues]
        self._header({"kind": "event", "name": event.name, "issues": issues, "records": [_describe(r) for r in event.records]})
        for record in event.records:
            self._array(record.samples)
            if record.horizontals:
                self._array(record.horizontals.samples)
            if record.response:
                self._array(record.response.frequencies_hz)
                self._array(record.response.velocity_response)

    def _header(self, header: Mapping[str, Any]) -> None:
        data = json.dumps(header).encode()
        self._connection.sendall(_LENGTH.pack(len(data)) + data)

    def _array(self, array: NDArray[Any]) -> None:
        self._connection.sendall(memoryview(np.ascontiguousarray(array)).cast("B"))


class RecordReceiver:
    """
    The parent's end; the child may be in a stranger's hand, so nothing it says is believed beyond the caps.

    Raises TimeoutError when `patience_s` have been spent waiting, all receptions together; EOFError when the child has
    gone; ValueError, KeyError or TypeError where it does not speak as it should.
    """

    def __init__(self, connection: socket.socket, patience_s: float, max_samples: int) -> None:
        self._connection, self._patience_s, self._max_samples = connection, patience_s, max_samples

    def message(self) -> dict[str, Any]:
        """The next header."""
        size = bytearray(_LENGTH.size)
        self._fill(memoryview(size))
        (length,) = _LENGTH.unpack(size)
        if length > MAX_HEADER_BYTES:
            raise ValueError("a header too long")
        data = bytearray(length)
        self._fill(memoryview(data))
        header = json.loads(data)
        if not isinstance(header, dict):
            raise TypeError("a header that is no object")
        return header

    def event(self, header: Mapping[str, Any]) -> EventRecords:
        """The event that a header announces."""
        issues = tuple(DataIssue(_text(trace), _text(part), str(code), str(detail)) for trace, part, code, detail in header["issues"])
        if sum(int(item["samples"]) * (3 if item["horizontals"] else 1) for item in header["records"]) > self._max_samples:
            raise ValueError("more samples than are read")
        return EventRecords(str(header["name"]), tuple(self._record(item) for item in header["records"]), issues)

    def _record(self, item: Mapping[str, Any]) -> Record:
        samples = np.empty(int(item["samples"]), np.float32)
        self._fill(memoryview(samples).cast("B"))
        return Record(
            trace_id=TraceId.parse(item["trace"]),
            start_time_s=float(item["start_time_s"]),
            sampling_rate_hz=float(item["sampling_rate_hz"]),
            samples=samples,
            latitude_deg=_number(item["latitude_deg"]),
            longitude_deg=_number(item["longitude_deg"]),
            elevation_m=_number(item["elevation_m"]),
            horizontals=self._horizontals(item["horizontals"], len(samples)),
            response=self._response(int(item["response"])),
        )

    def _horizontals(self, item: Mapping[str, Any] | None, count: int) -> Horizontals | None:
        if item is None:
            return None
        samples = np.empty((2, count), np.float32)
        self._fill(memoryview(samples).cast("B"))
        (first, second), (one, other) = item["traces"], item["azimuths_deg"]
        return Horizontals((TraceId.parse(first), TraceId.parse(second)), samples, (float(one), float(other)))

    def _response(self, size: int) -> Response | None:
        if size > MAX_RESPONSE_SAMPLES:
            raise ValueError("a response too long")
        frequencies_hz, velocity_response = np.empty(size, np.float64), np.empty(size, np.complex128)
        if size == 0:
            return None
        self._fill(memoryview(frequencies_hz).cast("B"))
        self._fill(memoryview(velocity_response).cast("B"))
        return Response(frequencies_hz, velocity_response)

    def _fill(self, view: memoryview) -> None:
        filled = 0
        while filled < len(view):
            if self._patience_s <= 0:
                raise TimeoutError
            self._connection.settimeout(self._patience_s)
            asked = time.monotonic()
            try:
                count = self._connection.recv_into(view[filled:])
            except ConnectionError as error:
                raise EOFError from error
            finally:
                self._patience_s -= time.monotonic() - asked
            if count == 0:
                raise EOFError
            filled += count


def _describe(record: Record) -> dict[str, Any]:
    return {
        "trace": str(record.trace_id),
        "samples": len(record.samples),
        "start_time_s": record.start_time_s,
        "sampling_rate_hz": record.sampling_rate_hz,
        "latitude_deg": record.latitude_deg,
        "longitude_deg": record.longitude_deg,
        "elevation_m": record.elevation_m,
        "horizontals": None if record.horizontals is None else _describe_horizontals(record.horizontals),
        "response": len(record.response.frequencies_hz) if record.response else 0,
    }


def _describe_horizontals(pair: Horizontals) -> dict[str, Any]:
    return {"traces": list(map(str, pair.trace_ids)), "azimuths_deg": pair.azimuths_deg}


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _number(value: Any) -> float | None:  # noqa: ANN401  # whatever the JSON held
    return None if value is None else float(value)
