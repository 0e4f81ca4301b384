"""Files of tests that run before the short ones, folders whose tests wait, and files that share what one process loads."""

LONG = (
    "models/seismic/association/test_locate.py",
    "app/demo/test_demo_is_right.py",
    "workers/plots/test_figures.py",
    "test_house.py",
    "models/analysis/test_arrival_times.py",
    "training/evaluation/test_card_metrics.py",
    "training/evaluation/test_card_figures.py",
    "workers/bundles/test_sandbox.py",
)
"""Files of five seconds and more that are not marked slow."""

WAITING = ("app", "client", "end_to_end", "faults", "security", "workers")
"""Folders whose tests wait for other processes, and for time to pass, half of their time."""

TOGETHER = (
    "models/networks/test_heads.py",
    "training/tasks/test_restore.py",
    "training/export/test_artifact.py",
    "training/learning/test_kernel_regression.py",
)
"""Files that convert networks: torch's exporter takes two seconds to load in each process that does."""
