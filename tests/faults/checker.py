"""Checks of a history: pure functions of the recorded events, run after the test."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from statistics import median

from tests.faults.history import Event

ENDED = ("succeeded", "failed", "canceled")
ESSENTIAL = ("reference", "offered", "accepted", "seen", "fault", "existing")
MAY_BE_REFUSED = (409, 429, 503)
"""Statuses of a refusal with Retry-After: a key in use, too many requests or jobs, a part of the service unavailable."""

Check = Callable[[Sequence[Event]], Iterable[str]]


def violations(history: Sequence[Event]) -> list[str]:
    """Return all violations of the service's guarantees."""
    return [violation for check in CHECKS for violation in check(history)]


def _select(history: Sequence[Event], *names: str) -> list[Event]:
    return [event for event in history if event["event"] in names]


def _subject(event: Event) -> str:
    return f"key {event['key']}" if "key" in event else f"job {event['job']}"


def every_key_has_one_job(history: Sequence[Event]) -> Iterable[str]:
    """A key has one job however often it is submitted, and no job has two keys."""
    jobs, keys = defaultdict(set), defaultdict(set)
    for event in _select(history, "accepted"):
        jobs[event["key"]].add(event["job"])
        keys[event["job"]].add(event["key"])
    yield from (f"key {key} has {len(found)} jobs" for key, found in jobs.items() if len(found) > 1)
    yield from (f"job {job} stands for {len(found)} keys" for job, found in keys.items() if len(found) > 1)


def every_submission_is_accepted_in_the_end(history: Sequence[Event]) -> Iterable[str]:
    """Every submission is accepted when the client repeats it."""
    yield from (f"{_subject(event)}: the client gave up waiting" for event in _select(history, "gave-up"))
    accepted = {event["key"] for event in _select(history, "accepted")}
    yield from (f"key {event['key']} was never accepted" for event in _select(history, "offered") if event["key"] not in accepted)


def every_refusal_is_retryable(history: Sequence[Event]) -> Iterable[str]:
    """Every refusal has a retryable status and Retry-After."""
    for event in _select(history, "refused"):
        if event["status"] not in MAY_BE_REFUSED or event["retry_after"] is None:
            yield f"{_subject(event)} was refused with {event['status']}, Retry-After {event['retry_after']}"


def no_accepted_job_is_lost(history: Sequence[Event]) -> Iterable[str]:
    """An accepted job is never unknown to its client, and at the end the service knows all of them."""
    yield from (f"job {event['job']} was unknown at {event['t']} s" for event in _select(history, "seen") if event["status"] is None)
    accepted = {event["job"] for event in _select(history, "accepted")}
    for event in _select(history, "existing"):
        yield from (f"job {job} is gone" for job in sorted(accepted - set(event["jobs"])))
        yield from (f"job {job} was never accepted" for job in sorted(set(event["jobs"]) - accepted))


def every_job_ends_once(history: Sequence[Event]) -> Iterable[str]:
    """Every job reaches a terminal status, after which its answer does not change."""
    answers: dict[str, Event] = {}
    for event in _select(history, "seen"):
        first = answers.get(event["job"])
        if first is not None and event["status"] is not None and event["answer"] != first["answer"]:
            yield f"job {event['job']} was {first['status']} and is {event['status']}, or answers otherwise"
        if event["status"] in ENDED:
            answers.setdefault(event["job"], event)
    for job in dict.fromkeys(event["job"] for event in _select(history, "accepted")):
        if job not in answers:
            yield f"job {job} never ended"


def every_answer_equals_the_reference(history: Sequence[Event]) -> Iterable[str]:
    """Answers equal those without faults; ids and times are not compared."""
    expected = {event["case"]: event["answer"] for event in _select(history, "reference")}
    cases = {event["job"]: event["case"] for event in _select(history, "accepted")}
    for event in _select(history, "seen"):
        case = cases.get(event["job"])
        if event["status"] in ENDED and case is not None and event["answer"] != expected.get(case):
            yield f"job {event['job']} ({case}) ended {event['status']} with another answer than without faults: {event['answer']}"


def every_fault_is_recovered_from(history: Sequence[Event]) -> Iterable[str]:
    """Every fault is recovered from within its time limit."""
    for event in _select(history, "fault"):
        if event["recovered_s"] is None or event["recovered_s"] > event["within_s"]:
            yield f"{event['name']} at {event['t']} s: recovered after {event['recovered_s']} s, not {event['within_s']} s"


def the_history_is_complete(history: Sequence[Event]) -> Iterable[str]:
    """A run without jobs, faults or the final query proves nothing."""
    counted = Counter(event["event"] for event in history)
    yield from (f"the history has no event {name!r}" for name in ESSENTIAL if not counted[name])


CHECKS: tuple[Check, ...] = (
    the_history_is_complete,
    every_key_has_one_job,
    every_submission_is_accepted_in_the_end,
    every_refusal_is_retryable,
    no_accepted_job_is_lost,
    every_job_ends_once,
    every_answer_equals_the_reference,
    every_fault_is_recovered_from,
)


def summary(history: Sequence[Event]) -> dict[str, object]:
    """Return the report of a run."""
    recovered = defaultdict(list)
    for event in _select(history, "fault"):
        recovered[event["name"]].append(event["recovered_s"])
    accepted = {event["job"] for event in _select(history, "accepted")}
    last = {event["job"]: event["status"] for event in _select(history, "seen")}
    return {
        "accepted": len(accepted),
        "ended": dict(Counter(str(last.get(job)) for job in accepted)),
        "lost": sum(last.get(job) not in ENDED for job in accepted),
        "refused": dict(Counter(str(event["status"]) for event in _select(history, "refused"))),
        "unanswered": len(_select(history, "unanswered")),
        "faults": {name: _recovery_times(times) for name, times in sorted(recovered.items())},
        "faults_injected": sum(map(len, recovered.values())),
        "left_out": {event["name"]: event["why"] for event in _select(history, "left-out")},
        "seconds": history[-1]["t"] if history else 0.0,
        "violations": violations(history),
    }


def _recovery_times(times: Sequence[float | None]) -> dict[str, object]:
    finite = [seconds for seconds in times if seconds is not None]
    worst = max(finite, default=None) if len(finite) == len(times) else None
    return {"injected": len(times), "recovered_median_s": round(median(finite), 2) if finite else None, "recovered_worst_s": worst}
