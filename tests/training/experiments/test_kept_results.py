"""Results of simulated events are computed once."""

from dataclasses import dataclass

import pytest

from training.experiments.kept_results import continue_results


@dataclass(frozen=True)
class Trial:
    """A simulated event."""

    number: int


def test_a_stopped_run_continues_and_a_finished_one_is_read(tmp_path):
    """Asked for more, fewer or as many results as there are."""
    path, begun = tmp_path / "evaluation" / "trials.jsonl", []

    def run(count):
        def compute(first):
            begun.append(first)
            return (Trial(number) for number in range(first, count))

        return continue_results(path, count, lambda row: Trial(**row), compute)

    stopped = run(5)
    assert [next(stopped), next(stopped)] == [Trial(0), Trial(1)]
    assert [list(run(count)) for count in (4, 3, 4)] == [[Trial(number) for number in range(count)] for count in (4, 3, 4)]
    assert begun == [0, 2]


def test_what_fails_is_not_kept(tmp_path):
    def compute(_):
        yield Trial(0)
        raise ValueError("no event")

    with pytest.raises(ValueError, match="no event"):
        list(continue_results(tmp_path / "kept.jsonl", 2, lambda row: Trial(**row), compute))
    assert (tmp_path / "kept.jsonl").read_text() == '{"number": 0}\n'
