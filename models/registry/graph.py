"""
What an ONNX file refers to outside itself, told from its bytes alone.

ONNX is protocol buffers; the field numbers are those of onnx.proto (release 1.23). Nothing is decoded but tags and lengths, so
this needs no library, and a file of gigabytes no memory.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

_VARINT, _EIGHT_BYTES, _COUNTED, _FOUR_BYTES = 0, 1, 2, 5
_DATA_LOCATION, _EXTERNAL_DATA, _EXTERNAL = 14, 13, 1
_TENSOR: Final = "tensor"

# Message to its fields that lead to tensors: graphs within attributes, functions and sparse tensors counted in.
_INSIDE: Final[Mapping[str, Mapping[int, str]]] = MappingProxyType(
    {
        "model": {7: "graph", 25: "function"},
        "graph": {1: "node", 5: _TENSOR, 15: "sparse"},
        "function": {7: "node", 11: "attribute"},
        "node": {5: "attribute"},
        "attribute": {5: _TENSOR, 6: "graph", 10: _TENSOR, 11: "graph", 22: "sparse", 23: "sparse"},
        "sparse": {1: _TENSOR, 2: _TENSOR},
    }
)


def has_external_data(model: memoryview, message: str = "model") -> bool:
    """Whether any tensor says that its data lie in another file; raises ValueError for what is no protocol buffer."""
    for number, value in _fields(model):
        if message == _TENSOR:
            if number == _EXTERNAL_DATA or (number, value) == (_DATA_LOCATION, _EXTERNAL):
                return True
            continue
        inner = _INSIDE[message].get(number)
        if inner is not None and isinstance(value, memoryview) and has_external_data(value, inner):
            return True
    return False


def _fields(view: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Number and value of each field: an integer, or the bytes of whatever has a length."""
    place = 0
    while place < len(view):
        tag, place = _varint(view, place)
        number, kind = tag >> 3, tag & 7
        if kind == _VARINT:
            value, place = _varint(view, place)
            yield number, value
        elif kind == _COUNTED:
            length, place = _varint(view, place)
            if length > len(view) - place:
                raise ValueError("a field is longer than its message")
            yield number, view[place : place + length]
            place += length
        elif kind in (_FOUR_BYTES, _EIGHT_BYTES):
            place += 4 if kind == _FOUR_BYTES else 8
        else:
            raise ValueError(f"a field of kind {kind}")


def _varint(view: memoryview, place: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if place >= len(view):
            break
        byte = view[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
    raise ValueError("a number without an end")
