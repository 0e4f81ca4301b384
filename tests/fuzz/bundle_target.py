"""
Fuzz target of `fuzz_bundle`: parse arbitrary bytes as a bundle, in this process, as the sandboxed child does.

Run by `python -m tests.fuzz.fuzz_bundle`, which counts the executions; arguments are libFuzzer's.
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
NAMES = ("a.mseed", "stations.csv", "b.xml", "c.zip", "d.tar", "e.gz", "f", "g.tar.gz", "h.sac", "SAC_PZs_XX_AAA_LHZ_00", "i.scml")


def target(folder: Path) -> Callable[[bytes], None]:
    """Return a function that splits bytes into parts, whose first byte chooses the name and the grouping, and parses the bundle."""
    builtin = inventory.builtin_inventory()
    parse.builtin_inventory = lambda: builtin  # it reads a file at each call, which is not what is tested

    def once(data: bytes) -> None:
        contents = data.split(SEPARATOR)[:4]
        parts = [(NAMES[content[0] % len(NAMES)], folder / str(number)) for number, content in enumerate(contents) if content]
        for (_, path), content in zip(parts, (content for content in contents if content), strict=True):
            path.write_bytes(content[1:])
        grouped = bool(data[:1] and data[0] & 0x80)
        try:
            for event in parse.parse_bundle(parts, LIMITS, grouped, lambda _: None):
                check(event)
        except AtlasError:
            pass

    return once


def check(event: parse.EventRecords) -> None:
    """Assert what holds for every event."""
    assert sum(len(record.samples) for record in event.records) <= LIMITS.max_samples
    for record in event.records:
        if record.horizontals is not None:
            assert record.horizontals.samples.shape == (2, len(record.samples))
            rotated = rotate_to_north_east(record.horizontals)
            assert rotated is None or not np.isinf(rotated).any()
        assert record.sampling_rate_hz > 0
        assert math.isfinite(record.start_time_s)
        assert record.latitude_deg is None or -90 <= record.latitude_deg <= 90
    assert all(isinstance(issue.detail, str) for issue in event.issues)


def main() -> None:
    """Run libFuzzer, which prints the number of executions at its end."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:  # noqa: S108 -- memory, for speed
        atheris.Setup(sys.argv, target(Path(folder)))
        atheris.Fuzz()


if __name__ == "__main__":
    main()
