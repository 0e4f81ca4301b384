"""Outages in the log: one line at the beginning, one at the end."""

from structlog.testing import capture_logs

from workers.logs import QUIET_S, OutageLog


class Attempts:
    """Attempts at something, each at a time in seconds, with what the log says of them."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self._log = OutageLog("lost", "back", clock=lambda: self.now_s)

    def __call__(self, now_s: float, *, failing: bool) -> list[str]:  # noqa: D102
        self.now_s = now_s
        with capture_logs() as lines:
            (self._log.record_failure if failing else self._log.record_success)()
        return [line["event"] for line in lines]


def test_an_outage_is_logged_at_its_beginning_and_at_its_end():
    attempt = Attempts()
    assert attempt(0.0, failing=False) == []
    assert attempt(1.0, failing=True) == ["lost"]
    assert attempt(2.0, failing=True) == []
    assert attempt(1000.0, failing=True) == []
    assert attempt(1001.0, failing=False) == ["back"]
    assert attempt(1002.0, failing=False) == []


def test_outages_that_follow_each_other_are_logged_once_a_minute():
    attempt = Attempts()
    assert [attempt(number, failing=number % 2 == 0) for number in range(4)] == [["lost"], ["back"], [], []]
    assert attempt(QUIET_S, failing=True) == ["lost"]


def test_an_outage_that_lasts_is_logged_although_another_was_a_moment_ago():
    """Else the last line of the log would say that all is well."""
    attempt = Attempts()
    attempt(0.0, failing=True)
    attempt(1.0, failing=False)
    assert attempt(2.0, failing=True) == []
    assert attempt(QUIET_S + 1.0, failing=True) == ["lost"]
    assert attempt(QUIET_S + 2.0, failing=False) == ["back"]
