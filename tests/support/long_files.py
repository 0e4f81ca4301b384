"""Files of tests that run before the short ones, and folders whose tests wait."""

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
