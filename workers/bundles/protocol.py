"""
Protocol of the parsing child to its parent: messages are JSON headers with a length prefix, followed by the bytes of arrays.

A pickle would let a compromised child run code in the parent.
"""

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
    """The sending end, in the child."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def send_message(self, kind: str, **fields: str | None) -> None:
        """Send a message without arrays."""
        self._send_header({"kind": kind, **fields})

    def send_event(self, event: EventRecords) -> None:
        """Send an event: its header, then the samples, horizontal samples and response of each record."""
        issues = [[issue.trace, issue.part, issue.code, issue.detail] for issue in event.issues]
        self._send_header({"kind": "event", "name": event.name, "issues": issues, "records": [_describe(r) for r in event.records]})
        for record in event.records:
            self._send_array(record.samples)
            if record.horizontals:
                self._send_array(record.horizontals.samples)
            if record.response:
                self._send_array(record.response.frequencies_hz)
                self._send_array(record.response.velocity_response)

    def _send_header(self, header: Mapping[str, Any]) -> None:
        data = json.dumps(header).encode()
        self._connection.sendall(_LENGTH.pack(len(data)) + data)

    def _send_array(self, array: NDArray[Any]) -> None:
        self._connection.sendall(memoryview(np.ascontiguousarray(array)).cast("B"))


class RecordReceiver:
    """
    The receiving end, in the parent. The child may be compromised, so sizes are limited and all values are checked.

    Every method raises TimeoutError after `timeout_s` of waiting, summed over all calls; EOFError if the child has ended;
    ValueError, KeyError or TypeError for a malformed message.
    """

    def __init__(self, connection: socket.socket, timeout_s: float, max_samples: int) -> None:
        self._connection, self._timeout_s, self._max_samples = connection, timeout_s, max_samples

    def receive_message(self) -> dict[str, Any]:
        """Receive the header of the next message."""
        size = bytearray(_LENGTH.size)
        self._fill(memoryview(size))
        (length,) = _LENGTH.unpack(size)
        if length > MAX_HEADER_BYTES:
            raise ValueError("header too long")
        data = bytearray(length)
        self._fill(memoryview(data))
        header = json.loads(data)
        if not isinstance(header, dict):
            raise TypeError("header is not a JSON object")
        return header

    def receive_event(self, header: Mapping[str, Any]) -> EventRecords:
        """Receive the arrays of an event message, and return the event."""
        issues = tuple(DataIssue(_text(trace), _text(part), str(code), str(detail)) for trace, part, code, detail in header["issues"])
        if sum(int(item["samples"]) * (3 if item["horizontals"] else 1) for item in header["records"]) > self._max_samples:
            raise ValueError("more samples than the maximum")
        return EventRecords(str(header["name"]), tuple(self._receive_record(item) for item in header["records"]), issues)

    def _receive_record(self, item: Mapping[str, Any]) -> Record:
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
            horizontals=self._receive_horizontals(item["horizontals"], len(samples)),
            response=self._receive_response(int(item["response"])),
        )

    def _receive_horizontals(self, item: Mapping[str, Any] | None, count: int) -> Horizontals | None:
        if item is None:
            return None
        samples = np.empty((2, count), np.float32)
        self._fill(memoryview(samples).cast("B"))
        (trace_1, trace_2), (azimuth_1, azimuth_2) = item["traces"], item["azimuths_deg"]
        return Horizontals((TraceId.parse(trace_1), TraceId.parse(trace_2)), samples, (float(azimuth_1), float(azimuth_2)))

    def _receive_response(self, size: int) -> Response | None:
        if size > MAX_RESPONSE_SAMPLES:
            raise ValueError("response too long")
        frequencies_hz, velocity_response = np.empty(size, np.float64), np.empty(size, np.complex128)
        if size == 0:
            return None
        self._fill(memoryview(frequencies_hz).cast("B"))
        self._fill(memoryview(velocity_response).cast("B"))
        return Response(frequencies_hz, velocity_response)

    def _fill(self, view: memoryview) -> None:
        """Receive exactly as many bytes as the view holds."""
        filled = 0
        while filled < len(view):
            if self._timeout_s <= 0:
                raise TimeoutError
            self._connection.settimeout(self._timeout_s)
            start_s = time.monotonic()
            try:
                count = self._connection.recv_into(view[filled:])
            except ConnectionError as error:
                raise EOFError from error
            finally:
                self._timeout_s -= time.monotonic() - start_s
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


def _number(value: Any) -> float | None:  # noqa: ANN401  # any JSON value
    return None if value is None else float(value)
