"""What the place may say of the class is tried on events whose class is known."""

import pytest

from models.analysis.class_prior import prior_odds
from training.experiments.location.class_prior import TRIED, PriorTrial, add_heading, lines


def test_at_the_ice_the_place_says_nothing_and_away_from_it_all_it_may():
    assert prior_odds(1.0, 5.0) == pytest.approx(1.0)
    assert prior_odds(0.0, 5.0) == pytest.approx(5.0)
    assert 1.0 < prior_odds(0.5, 5.0) < 5.0


def test_a_faint_tectonic_event_away_from_the_ice_is_won_by_larger_odds_and_a_glacial_one_put_there_is_lost():
    faint, misplaced = PriorTrial("earthquake", -1.0, 0.0, 100.0), PriorTrial("glacial", -1.0, 0.0, 100.0)
    at_home = PriorTrial("glacial", -1.0, 1.0, 100.0)
    assert [faint.right(odds) for odds in (1.0, 2.0, 5.0)] == [False, False, True]
    assert [misplaced.right(odds) for odds in (1.0, 2.0, 5.0)] == [True, True, False]
    assert all(at_home.right(odds) for odds in TRIED)


def test_the_table_has_both_shares_and_their_mean_by_radius():
    near = [PriorTrial("earthquake", -1.0, 0.0, 100.0), PriorTrial("earthquake", 1.0, 0.0, 400.0), PriorTrial("glacial", -2.0, 0.0, 500.0)]
    rows = lines([*near, PriorTrial("glacial", -9.0, 0.0, 600.0)])
    assert rows[0] == ("1", "0.50, 1.00: 0.75", "nan, 1.00: nan", "nan, nan: nan")
    assert rows[-1][1] == "1.00, 0.00: 0.50"
    assert add_heading(near, 0.0, 500.0) == "to 500 km (2 and 1)"
    assert add_heading(near, 2000.0, float("inf")) == "beyond 2000 km (0 and 0)"
