"""The attacks of `python -m tests.faults.connections`, shorter, on the service's own server with 1,024 file descriptors."""

import pytest

from tests.faults import connections

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

SETTINGS = {"ATLAS_MAX_HEAD_S": "2"}


def test_neither_floods_of_headers_nor_silent_connections_nor_slow_heads_impair_the_service(tmp_path):
    connections.raise_descriptor_limit(4 * connections.DESCRIPTORS)
    with connections.run_server("atlas", tmp_path, SETTINGS) as (pid, port):
        report = {
            "header_flood": connections.flood_headers(pid, port),
            "silent_connections": connections.hold_silent(port, 3),
            "slow_heads": connections.drip_heads(port, 4),
        }
    assert connections.find_violations(report) == []
