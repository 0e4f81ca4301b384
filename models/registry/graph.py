"""
Detect references of an ONNX file to external data, from its bytes alone.

ONNX files are protocol buffers; the field numbers are those of onnx.proto (release 1.23). Only tags and lengths are decoded, so this needs
neither a library nor memory for the tensors.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

_VARINT, _EIGHT_BYTES, _COUNTED, _FOUR_BYTES = 0, 1, 2, 5
_DATA_LOCATION, _EXTERNAL_DATA, _EXTERNAL = 14, 13, 1
_TENSOR: Final = "tensor"

# For each message the fields that lead to tensors, also those within attributes, functions and sparse tensors.
_FIELDS_WITH_TENSORS: Final[Mapping[str, Mapping[int, str]]] = MappingProxyType(
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
    """Whether any tensor refers to data in another file; raises ValueError for bytes that are not a protocol buffer."""
    for number, value in _iterate_fields(model):
        if message == _TENSOR:
            if number == _EXTERNAL_DATA or (number, value) == (_DATA_LOCATION, _EXTERNAL):
                return True
            continue
        inner = _FIELDS_WITH_TENSORS[message].get(number)
        if inner is not None and isinstance(value, memoryview) and has_external_data(value, inner):
            return True
    return False


def _iterate_fields(view: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Yield number and value of each field: an integer, or the bytes of a field with a length."""
    position = 0
    while position < len(view):
        tag, position = _read_varint(view, position)
        number, kind = tag >> 3, tag & 7
        if kind == _VARINT:
            value, position = _read_varint(view, position)
            yield number, value
        elif kind == _COUNTED:
            length, position = _read_varint(view, position)
            if length > len(view) - position:
                raise ValueError("a protocol buffer field is longer than its message")
            yield number, view[position : position + length]
            position += length
        elif kind in (_FOUR_BYTES, _EIGHT_BYTES):
            position += 4 if kind == _FOUR_BYTES else 8
        else:
            raise ValueError(f"unknown protocol buffer wire type {kind}")


def _read_varint(view: memoryview, position: int) -> tuple[int, int]:
    """Decode a variable-length integer; return it and the position behind it."""
    value = 0
    for shift in range(0, 70, 7):
        if position >= len(view):
            break
        byte = view[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise ValueError("a variable-length integer has no end")
