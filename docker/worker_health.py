"""Health of a worker container: 0 where a worker of this host has sent a heartbeat that still holds."""

import socket
import sys

from workers.queue.connection import connect
from workers.queue.records import Records
from workers.settings import Settings


def main() -> int:
    """Exit status."""
    settings = Settings()
    states = Records(connect(settings), settings).live_workers()
    return 0 if any(state.id.startswith(f"{socket.gethostname()}-") for state in states) else 1


if __name__ == "__main__":
    sys.exit(main())
