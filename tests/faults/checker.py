"""The judge of a history: pure functions, run when everything is over, knowing nothing but what was written down."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from statistics import median

from tests.faults.history import Event

ENDED = ("succeeded", "failed", "canceled")
ESSENTIAL = ("reference", "offered", "accepted", "seen", "fault", "existing")
MAY_BE_REFUSED = (409, 429, 503)
"""With Retry-After: a key in flight, too much at once, something away."""

Check = Callable[[Sequence[Event]], Iterable[str]]


def violations(history: Sequence[Event]) -> list[str]:
    """Everything that should not have happened; empty where the service kept its word."""
    return [said for check in CHECKS for said in check(history)]


def _of(history: Sequence[Event], *names: str) -> list[Event]:
    return [event for event in history if event["event"] in names]


def _about(event: Event) -> str:
    return f"key {event['key']}" if "key" in event else f"job {event['job']}"


def every_key_has_one_job(history: Sequence[Event]) -> Iterable[str]:
    """However often a submission is sent with its key, and no job stands for two keys."""
    jobs, keys = defaultdict(set), defaultdict(set)
    for event in _of(history, "accepted"):
        jobs[event["key"]].add(event["job"])
        keys[event["job"]].add(event["key"])
    yield from (f"key {key} was given {len(found)} jobs" for key, found in jobs.items() if len(found) > 1)
    yield from (f"job {job} stands for {len(found)} keys" for job, found in keys.items() if len(found) > 1)


def everything_offered_is_accepted_in_the_end(history: Sequence[Event]) -> Iterable[str]:
    """A client that tries again gets through."""
    yield from (f"{_about(event)}: the client gave up waiting" for event in _of(history, "gave-up"))
    accepted = {event["key"] for event in _of(history, "accepted")}
    yield from (f"key {event['key']} was never accepted" for event in _of(history, "offered") if event["key"] not in accepted)


def every_refusal_may_be_tried_again(history: Sequence[Event]) -> Iterable[str]:
    """Nothing but what a client can wait for, and it is told how long."""
    for event in _of(history, "refused"):
        if event["status"] not in MAY_BE_REFUSED or event["retry_after"] is None:
            yield f"{_about(event)} was refused with {event['status']}, Retry-After {event['retry_after']}"


def nothing_accepted_is_lost(history: Sequence[Event]) -> Iterable[str]:
    """A job that was accepted is never unknown, neither to its client nor, in the end, to the service."""
    yield from (f"job {event['job']} was unknown at {event['t']} s" for event in _of(history, "seen") if event["status"] is None)
    accepted = {event["job"] for event in _of(history, "accepted")}
    for event in _of(history, "existing"):
        yield from (f"job {job} is gone" for job in sorted(accepted - set(event["jobs"])))
        yield from (f"job {job} was never accepted" for job in sorted(set(event["jobs"]) - accepted))


def every_job_ends_once(history: Sequence[Event]) -> Iterable[str]:
    """In one of the last statuses, and from then on every answer is the same."""
    answers: dict[str, Event] = {}
    for event in _of(history, "seen"):
        known = answers.get(event["job"])
        if known is not None and event["status"] is not None and event["answer"] != known["answer"]:
            yield f"job {event['job']} was {known['status']} and is {event['status']}, or answers otherwise"
        if event["status"] in ENDED:
            answers.setdefault(event["job"], event)
    for job in dict.fromkeys(event["job"] for event in _of(history, "accepted")):
        if job not in answers:
            yield f"job {job} never ended"


def every_answer_is_as_without_faults(history: Sequence[Event]) -> Iterable[str]:
    """The answers compared are without ids and times."""
    expected = {event["case"]: event["answer"] for event in _of(history, "reference")}
    cases = {event["job"]: event["case"] for event in _of(history, "accepted")}
    for event in _of(history, "seen"):
        case = cases.get(event["job"])
        if event["status"] in ENDED and case is not None and event["answer"] != expected.get(case):
            yield f"job {event['job']} ({case}) ended {event['status']} with another answer than without faults: {event['answer']}"


def every_fault_is_recovered_from(history: Sequence[Event]) -> Iterable[str]:
    """In the time that is promised of it."""
    for event in _of(history, "fault"):
        if event["recovered_s"] is None or event["recovered_s"] > event["within_s"]:
            yield f"{event['name']} at {event['t']} s: recovered after {event['recovered_s']} s, not {event['within_s']} s"


def something_was_tried(history: Sequence[Event]) -> Iterable[str]:
    """A run without jobs, faults or a last look proves nothing."""
    counted = Counter(event["event"] for event in history)
    yield from (f"the history has no event {name!r}" for name in ESSENTIAL if not counted[name])


CHECKS: tuple[Check, ...] = (
    something_was_tried,
    every_key_has_one_job,
    everything_offered_is_accepted_in_the_end,
    every_refusal_may_be_tried_again,
    nothing_accepted_is_lost,
    every_job_ends_once,
    every_answer_is_as_without_faults,
    every_fault_is_recovered_from,
)


def summary(history: Sequence[Event]) -> dict[str, object]:
    """The figures of a run."""
    recovered = defaultdict(list)
    for event in _of(history, "fault"):
        recovered[event["name"]].append(event["recovered_s"])
    accepted = {event["job"] for event in _of(history, "accepted")}
    last = {event["job"]: event["status"] for event in _of(history, "seen")}
    return {
        "accepted": len(accepted),
        "ended": dict(Counter(str(last.get(job)) for job in accepted)),
        "lost": sum(last.get(job) not in ENDED for job in accepted),
        "refused": dict(Counter(str(event["status"]) for event in _of(history, "refused"))),
        "unanswered": len(_of(history, "unanswered")),
        "faults": {name: _times(found) for name, found in sorted(recovered.items())},
        "faults_injected": sum(map(len, recovered.values())),
        "left_out": {event["name"]: event["why"] for event in _of(history, "left-out")},
        "seconds": history[-1]["t"] if history else 0.0,
        "violations": violations(history),
    }


def _times(found: Sequence[float | None]) -> dict[str, object]:
    known = [seconds for seconds in found if seconds is not None]
    worst = max(known, default=None) if len(known) == len(found) else None
    return {"injected": len(found), "recovered_median_s": round(median(known), 2) if known else None, "recovered_worst_s": worst}
