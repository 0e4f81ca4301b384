"""
`python -m benchmarks.classify_bundle`: one bundle classified by the usual script and by the service's own path, in one run.

The ways take turns, so that a busy machine slows all of them; the ratio of the medians is what counts. All have their models
open. "and draw" is the service's path with the figure for people that a job leaves besides its answer.
"""

import argparse
import statistics
import time
from collections.abc import Callable

SEED = 3407


def main() -> None:
    """Print both times, their ratio, and both peaks of memory."""
    # The child that reads bundles imports this module again, as Python's forkserver does with any main module: a worker's is
    # light, and so this one must be.
    from benchmarks.baseline_classify import Baseline  # noqa: PLC0415
    from benchmarks.memory import WAYS, peak_of  # noqa: PLC0415
    from benchmarks.serving_classify import Serving  # noqa: PLC0415
    from benchmarks.synthetic_bundle import DURATION_S, RATE_HZ, make_bundle  # noqa: PLC0415
    from workers.settings import Settings  # noqa: PLC0415

    given = _arguments()
    waveforms, stations = make_bundle(given.traces, seed=given.seed, signal=given.signal)
    print(f"bundle    {given.traces} traces, {RATE_HZ:g} Hz, {DURATION_S:g} s, {len(waveforms) / 1e6:.1f} MB Steim2")
    print(f"event     signal {given.signal:g}, seed {given.seed}")
    settings = Settings()
    baseline, serving = Baseline(settings.artifacts_dir, settings.threads), Serving(settings)
    print(f"threads   {settings.threads} for ONNX Runtime on both sides")
    ways: dict[str, Callable[[], object]] = {
        "baseline": lambda: baseline.classify(waveforms),
        "serving": lambda: serving.classify(waveforms, stations),
        "and draw": lambda: serving.classify_and_draw(waveforms, stations),
    }
    times = _taking_turns(ways, given.rounds)
    for way, seconds in times.items():
        print(f"{way:<9} {statistics.median(seconds):6.2f} s median of {given.rounds} ({min(seconds):.2f} to {max(seconds):.2f})")
    for way in ("serving", "and draw"):
        print(f"ratio     {statistics.median(times['baseline']) / statistics.median(times[way]):6.1f} ({way})")
    for way in WAYS if given.memory else ():
        peak = peak_of(way, waveforms, stations)
        print(f"memory    {way:<9} {peak.process_mib:5.0f} MiB, with children at one moment {peak.together_mib:.0f} MiB")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--traces", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--signal", type=float, default=1.0, help="1: an event that is seen everywhere; 0: noise, which takes longest")
    parser.add_argument("--memory", action=argparse.BooleanOptionalAction, default=True)
    return parser.parse_args()


def _taking_turns(ways: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each round of each way, after one round each that does not count."""
    times: dict[str, list[float]] = {way: [] for way in ways}
    for number in range(rounds + 1):
        for way, classify in ways.items():
            begun = time.perf_counter()
            classify()
            if number:
                times[way].append(time.perf_counter() - begun)
    return times


if __name__ == "__main__":
    main()
