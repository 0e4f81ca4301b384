"""The start of a worker process."""

from redis.exceptions import ConnectionError as RedisConnectionError
from structlog.testing import capture_logs

from workers.runtime.worker import wait_for_queue


class AwayAtFirst:
    """A client of a queue server that answers the third ping."""

    def __init__(self) -> None:
        self.pings = 0

    def ping(self) -> bool:  # noqa: D102
        self.pings += 1
        if self.pings < 3:
            raise RedisConnectionError("refused")
        return True


def test_a_worker_waits_for_the_queue_server_and_says_so_once():
    redis = AwayAtFirst()
    with capture_logs() as logs:
        wait_for_queue(redis, pause_s=0.0)
    assert redis.pings == 3
    assert [line["event"] for line in logs] == ["the queue server does not answer, waiting for it"]
