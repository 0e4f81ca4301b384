"""Audit log: who submitted, read and canceled what, and which keys were used or refused; lines of the log with the event `audit`."""

import structlog


def record_audit(action: str, **facts: object) -> None:
    """
    Log an action of the caller; the request binds `request_id`, and `owner` and `key` where a key was used.

    Parameters
    ----------
    action
        `submission`, `download`, `cancellation` or `key-refused`.
    **facts
        What it concerned: `job`, and more by action (docs/how-to/operate.md). No contents, no names of files, no keys.

    """
    structlog.get_logger("atlas.audit").info("audit", action=action, **facts)
