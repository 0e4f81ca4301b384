"""Results of evaluated events, made up."""

from dataclasses import replace

import numpy as np

from training.evaluation.event_result import EpicenterResult, EventResult, TraceResults, Truth


def make_result(number: int, kind: str = "earthquake", **changes: object) -> EventResult:
    """
    Make the result of an event with 6 traces, whose errors grow with its number.

    Distances are 0.1 degrees too large for each number, the SNR is 2 + number, the class is right for even numbers, the epicenter
    error is 10 km for each number, and the regions must be enlarged by 0.02 (68 %) and 0.01 (90 %) for each number.
    """
    true = np.linspace(10.0, 90.0, 6)
    traces = TraceResults(true, true + 0.1 * number, np.full(6, 5.0), np.full(6, 3.0), np.full(6, 2.0 + number), np.zeros(6), true)
    quake = kind == "earthquake"
    truth = Truth(f"e{number}", kind, 10.0, 20.0, 30.0, 5.0 + 0.01 * number, np.nan if quake else 100.0, 0.0)
    probabilities = (0.85, 0.1, 0.05) if quake == (number % 2 == 0) else (0.05, 0.85, 0.1)
    answers: dict[str, object] = (
        {"network_depth_km": 30.0 + number, "network_depth_sigma_km": 20.0, "depth_km": 35.0, "depth_sigma_km": 4.0}
        if quake
        else {"network_force_azimuth_deg": 280.0 + number, "network_force_azimuth_sigma_deg": 5.0}
    )
    epicenter = EpicenterResult(10.0 * number, 20.0, 80.0, 12.0, 0.02 * number, 0.01 * number)
    origin = {"origin_error_s": 2.0, "origin_sigma_s": 0.05 * number + 0.5}
    located = {"method": "distances", "epicenter": epicenter, "by_distances": epicenter, **origin}
    result = EventResult(truth, ("random",), 6, 2, traces, probabilities, 0.5, **located, **answers)  # type: ignore[arg-type]
    return replace(result, **changes)  # type: ignore[arg-type]
