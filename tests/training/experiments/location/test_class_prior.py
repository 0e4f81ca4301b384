"""Prior odds by the epicenter are tried on events whose class is known."""

import numpy as np
import pytest

from models.analysis.event_class import TECTONIC_ODDS_AT_ICE, prior_odds
from tests.support.event_results import make_result
from training.experiments.location.class_prior import TRIED_ODDS, PriorTrial, format_heading, format_recall_table, make_trial

pytestmark = pytest.mark.slow


def test_the_prior_odds_are_small_at_the_ice_and_full_off_it():
    assert prior_odds(1.0, 5.0) == pytest.approx(TECTONIC_ODDS_AT_ICE)
    assert prior_odds(0.0, 5.0) == pytest.approx(5.0)
    assert TECTONIC_ODDS_AT_ICE < prior_odds(0.5, 5.0) < 5.0


def test_larger_odds_recover_tectonic_events_off_the_ice_and_lose_mislocated_glacial_ones():
    weak, mislocated = PriorTrial("earthquake", -1.0, 0.0, 100.0), PriorTrial("glacial", -1.0, 0.0, 100.0)
    at_home = PriorTrial("glacial", -1.0, 1.0, 100.0)
    assert [weak.is_right(odds) for odds in (1.0, 2.0, 5.0)] == [False, False, True]
    assert [mislocated.is_right(odds) for odds in (1.0, 2.0, 5.0)] == [True, True, False]
    assert all(at_home.is_right(odds) for odds in TRIED_ODDS)


def test_the_table_has_both_recalls_and_their_mean_by_radius():
    near = [PriorTrial("earthquake", -1.0, 0.0, 100.0), PriorTrial("earthquake", 1.0, 0.0, 400.0), PriorTrial("glacial", -2.0, 0.0, 500.0)]
    rows = format_recall_table([*near, PriorTrial("glacial", -9.0, 0.0, 600.0)])
    assert rows[0] == ("1", "0.50, 1.00: 0.75", "nan, 1.00: nan", "nan, nan: nan")
    assert rows[-1][1] == "1.00, 0.00: 0.50"
    assert format_heading(near, 0.0, 500.0) == "to 500 km (2 and 1)"
    assert format_heading(near, 2000.0, float("inf")) == "beyond 2000 km (0 and 0)"


def test_the_served_prior_is_taken_out_of_the_probabilities():
    """Off the ice with a radius of 20 km the service multiplies the odds by 20."""
    trial = make_trial(make_result(2, probability_at_ice=0.0))
    assert trial.log_odds == pytest.approx(np.log(0.85 / 0.15) - np.log(20.0))
    assert (trial.kind, trial.radius_km) == ("earthquake", 20.0)
