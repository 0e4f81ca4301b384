"""Health check of a worker container: succeeds if a worker of this host has sent a heartbeat that has not expired."""

import socket
import sys

from workers.queue.connection import connect
from workers.queue.records import Records
from workers.settings import Settings


def main() -> int:
    """Return the exit status: 0 if a worker of this host is alive, else 1."""
    settings = Settings()
    states = Records(connect(settings), settings).list_workers()
    return 0 if any(state.id.startswith(f"{socket.gethostname()}-") for state in states) else 1


if __name__ == "__main__":
    sys.exit(main())
