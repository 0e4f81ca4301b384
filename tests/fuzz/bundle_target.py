"""
The target of `fuzz_bundle`: any bytes as a bundle, read in this process as the limited child would read it.

Run by `python -m tests.fuzz.fuzz_bundle`, which states how often it was executed; arguments are libFuzzer's.
"""

import math
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import atheris
import numpy as np

with atheris.instrument_imports(include=["models", "workers"]):
    from models.errors import AtlasError
    from models.seismic.io import inventory
    from models.seismic.signal.rotation import rotate_to_north_east
    from workers.bundles import parse

LIMITS = parse.ReadLimits(
    max_files=50,
    max_unpacked_bytes=2**22,
    max_expansion_ratio=200.0,
    max_events=20,
    max_traces=20,
    max_segments=50,
    max_samples=200_000,
    max_span_s=86_400.0,
    max_metadata_bytes=2**22,
    memory_bytes=2**31,
    cpu_s=10,
)
SEPARATOR = b"\xff--part--\xff"
NAMES = ("a.mseed", "stations.csv", "b.xml", "c.zip", "d.tar", "e.gz", "f", "g.tar.gz")


def target(folder: Path) -> Callable[[bytes], None]:
    """Bytes to parts (a first byte for each part's name, and for whether they are one event), read to the end."""
    book = inventory.builtin_inventory()
    parse.own_book = lambda: book  # type: ignore[attr-defined]  # it reads a file each time, which is not what is looked at

    def once(data: bytes) -> None:
        pieces = data.split(SEPARATOR)[:4]
        parts = [(NAMES[piece[0] % len(NAMES)], folder / str(number)) for number, piece in enumerate(pieces) if piece]
        for (_, path), piece in zip(parts, (piece for piece in pieces if piece), strict=True):
            path.write_bytes(piece[1:])
        grouped = bool(data[:1] and data[0] & 0x80)
        try:
            for event in parse.parse_bundle(parts, LIMITS, grouped, lambda _: None):
                check(event)
        except AtlasError:
            pass

    return once


def check(event: parse.EventRecords) -> None:
    """What holds of every event, whatever it was read from."""
    assert sum(len(record.samples) for record in event.records) <= LIMITS.max_samples
    for record in event.records:
        if record.horizontals is not None:
            assert record.horizontals.samples.shape == (2, len(record.samples))
            turned = rotate_to_north_east(record.horizontals)
            assert turned is None or not np.isinf(turned).any()
        assert record.sampling_rate_hz > 0
        assert math.isfinite(record.start_time_s)
        assert record.latitude_deg is None or -90 <= record.latitude_deg <= 90
    assert all(isinstance(issue.detail, str) for issue in event.issues)


def main() -> None:
    """Until libFuzzer has had enough; its last lines say how often."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:  # noqa: S108 -- memory, for speed
        atheris.Setup(sys.argv, target(Path(folder)))
        atheris.Fuzz()


if __name__ == "__main__":
    main()
