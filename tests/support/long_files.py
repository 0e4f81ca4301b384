"""Files of tests that run before the short ones."""

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
