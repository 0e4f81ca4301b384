"""Data issues of the parser become data warnings of the response."""

from models.seismic.data_issues import DataIssue
from workers.contracts import DataWarning
from workers.jobs.inputs import to_warnings


def test_a_data_issue_becomes_a_warning_with_the_same_fields() -> None:
    issues = [DataIssue("IU.ANMO.00.LHZ", None, "gaps", "1 gap"), DataIssue(None, "a.txt", "unsupported-part", "unknown")]
    assert to_warnings(issues) == [
        DataWarning(trace="IU.ANMO.00.LHZ", part=None, code="gaps", detail="1 gap"),
        DataWarning(trace=None, part="a.txt", code="unsupported-part", detail="unknown"),
    ]
