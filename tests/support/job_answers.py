"""A job as the interface answers it."""

JOB = {
    "id": "j1",
    "kind": "locate",
    "status": "queued",
    "stage": "queued",
    "progress": 0.0,
    "created_at": "2026-01-01T00:00:00Z",
    "started_at": None,
    "finished_at": None,
    "result": None,
    "problem": None,
    "warnings": [],
    "formats": [],
    "links": {"self": "/jobs/j1", "result": None, "events": "/jobs/j1/events", "figures": []},
}
