"""Records sent by the parsing child with horizontal components; samples, gaps and responses are in `test_sandbox`."""

import numpy as np

from models.seismic.signal.rotation import rotate_to_north_east
from tests.support import recordings
from workers.bundles.sandbox import parse_event_in_sandbox
from workers.settings import Settings

Z = "XX.AAA.00.BHZ"


def test_horizontals_and_their_azimuths_are_sent_to_the_parent() -> None:
    waves = [recordings.wave(seed=seed) for seed in (1, 2, 3)]
    names = [Z, Z[:-1] + "1", Z[:-1] + "2"]
    data = recordings.miniseed(*((name, 0, 1.0, wave) for name, wave in zip(names, waves, strict=True)))
    place = "<Latitude>1</Latitude><Longitude>2</Longitude><Elevation>0</Elevation>"
    channels = "".join(
        f'<Channel code="{name[-3:]}" locationCode="00">{place}<Azimuth>{azimuth}</Azimuth></Channel>'
        for name, azimuth in zip(names[1:], (30.0, 120.0), strict=True)
    )
    (record,) = parse_event_in_sandbox([("a", data), ("b", recordings.stationxml("XX", "AAA", 1, 2, channels))], Settings()).records
    assert record.horizontals is not None
    assert [str(trace_id) for trace_id in record.horizontals.trace_ids] == names[1:]
    assert record.horizontals.azimuths_deg == (30.0, 120.0)
    np.testing.assert_allclose(record.horizontals.samples, [wave - wave.mean() for wave in waves[1:]], atol=1e-3)
    north, east = rotate_to_north_east(record.horizontals)
    np.testing.assert_allclose(np.cos(np.radians(30)) * north + np.sin(np.radians(30)) * east, waves[1] - waves[1].mean(), atol=1e-2)
    (unknown,) = parse_event_in_sandbox([("a", data)], Settings()).records
    assert rotate_to_north_east(unknown.horizontals) is None
