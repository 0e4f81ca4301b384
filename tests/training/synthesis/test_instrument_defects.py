"""Each defect changes a trace as documented, with the stated probability."""

import numpy as np
import pytest

from training.synthesis.instrument_defects import DEFECTS, GAIN_DEVIATION, WRONG_GAIN_PROBABILITY, apply_defects, draw_gains

STEP_S = 2.0
NAMED = {defect.__name__.strip("_"): defect for _, defect in DEFECTS}


def wave() -> np.ndarray:
    time = np.arange(2000) * STEP_S
    return np.exp(-(((time - 2000) / 200) ** 2)) * np.cos(2 * np.pi * (time - 2000) / 50)


def apply_defect(name: str, seed: int = 0) -> np.ndarray:
    trace = wave()
    NAMED[name](trace, STEP_S, np.random.default_rng(seed))
    return trace


def test_a_clock_error_shifts_a_trace_by_up_to_a_minute():
    lags = []
    for seed in range(40):
        late = apply_defect("mistime", seed)
        lag = (np.correlate(late, wave(), "full").argmax() - (len(late) - 1)) * STEP_S
        assert np.corrcoef(np.roll(late, -int(lag / STEP_S))[200:-200], wave()[200:-200])[0, 1] > 0.999
        assert np.isfinite(late).all()
        lags.append(lag)
    assert np.abs(lags).min() >= 1
    assert 20 < np.abs(lags).max() <= 62
    assert min(lags) < 0 < max(lags)


def test_a_swapped_component_is_shifted_by_a_quarter_period():
    trace = apply_defect("swap_component")
    near = slice(900, 1100)
    assert abs(np.corrcoef(trace[near], wave()[near])[0, 1]) < 0.35
    quarter = np.roll(wave(), round(50 / 4 / STEP_S))
    assert abs(np.corrcoef(trace[near], quarter[near])[0, 1]) > 0.7


def test_a_gain_step_leaves_earlier_samples_unchanged():
    trace = np.ones(1000)
    NAMED["step_gain"](trace, STEP_S, np.random.default_rng(1))
    values = np.unique(trace)
    assert len(values) == 2
    assert 0.1 <= values[values != 1][0] <= 10
    assert trace[0] == 1


def test_a_clipped_trace_has_a_flat_top():
    trace = apply_defect("clip")
    assert np.count_nonzero(np.abs(trace) == np.abs(trace).max()) > 3


@pytest.mark.parametrize("length", [2, 12, 400])
def test_short_records_survive_every_defect(length):
    for _, defect in DEFECTS:
        trace = np.sin(np.arange(length, dtype=float) + 1)
        defect(trace, STEP_S, np.random.default_rng(2))
        assert len(trace) == length


def test_defects_are_as_rare_as_stated():
    traces = np.random.default_rng(0).normal(size=(4000, 64))
    defective = apply_defects(traces, STEP_S, np.random.default_rng(1))
    changed = np.mean([not np.array_equal(a, b) for a, b in zip(traces, defective, strict=True)])
    assert changed == pytest.approx(1 - np.prod([1 - probability for probability, _ in DEFECTS]), abs=0.025)
    assert np.mean(np.isnan(defective).any(axis=1)) == pytest.approx(0.04, abs=0.01)


def test_gains_scatter_as_stated_and_some_are_wrong():
    logs = np.log(draw_gains(20_000, np.random.default_rng(3)))
    assert np.median(logs) == pytest.approx(0.0, abs=0.02)
    quartiles = np.quantile(logs, (0.25, 0.75))
    assert np.ptp(quartiles) / 1.349 == pytest.approx(GAIN_DEVIATION, abs=0.03)
    beyond = np.mean(np.abs(logs) > 4 * GAIN_DEVIATION)  # a lognormal one in 16,000
    assert 0.4 * WRONG_GAIN_PROBABILITY < beyond < 0.8 * WRONG_GAIN_PROBABILITY  # of the wrong ones 57 %
    assert np.abs(logs).max() < np.log(100) + 5 * GAIN_DEVIATION
