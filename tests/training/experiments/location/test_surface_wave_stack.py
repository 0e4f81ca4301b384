"""The stack is compared on the same events, and apart where it decides."""

import pytest

from tests.support.event_results import make_result
from training.evaluation.event_result import EpicenterResult
from training.experiments.location.surface_wave_stack import describe_stack, format_stack_table, select_stacked

pytestmark = pytest.mark.slow


def test_the_stack_is_compared_where_it_decides():
    pairs = [(make_result(number), make_result(number)) for number in range(4)]
    pairs.append((make_result(9), make_result(9, method="surface-wave-stack", epicenter=EpicenterResult(5.0, 20.0, 80.0, 12.0, 0.1, 0.1))))
    assert select_stacked(pairs) == [pairs[-1]]
    table = format_stack_table(pairs)
    assert "| where the stack decides | 1 | 1 | without | 90 " in table
    assert "|  |  |  | with | 5 " in table
    assert "Class right: 0% (0% to 79%); 0% (0% to 79%)." in describe_stack(pairs)
