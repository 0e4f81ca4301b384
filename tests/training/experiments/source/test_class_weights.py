"""Weights of the inversion in the class: chosen where they help, and comparisons kept between runs."""

import pytest

from training.config import TrainingSettings
from training.experiments.source import class_weights
from training.experiments.source.class_weights import (
    OFFSETS,
    WEIGHTS,
    KindComparison,
    begin_even,
    choose_weights,
    compare_events,
    describe_loss,
    measure_loss,
    tabulate_losses,
)
from training.experiments.unseen_earths import UnseenEarths

OPEN = (0.5, 0.4, 0.1)  # earthquake, glacial, other


def compare(kind, difference):
    return KindComparison(kind, OPEN, 1.0, difference, 40.0, 0.25, f"{kind} {difference}")


def test_differences_that_tell_the_kinds_apart_get_a_weight_and_others_none():
    telling = [compare("glacial", value) for value in (12.0, 20.0)] + [compare("earthquake", value) for value in (-9.0, -2.0)]
    losses = tabulate_losses(telling)
    weight, offset = choose_weights(losses)
    assert weight > 0.2
    assert measure_loss(telling, weight, offset) == losses.min()
    assert losses.shape == (len(WEIGHTS), len(OFFSETS))

    misleading = [compare(one.kind, value) for one in telling for value in (-one.difference, one.difference)]
    losses = tabulate_losses(misleading)
    assert losses.min() > 0.9 * measure_loss(misleading, 0.0, 0.0)


def test_both_kinds_weigh_alike_whatever_their_number():
    few = [compare("glacial", 0.0), compare("earthquake", 0.0)]
    many = [compare("glacial", 0.0), *[compare("earthquake", 0.0)] * 9]
    assert measure_loss(few, 0.2, 0.0) == measure_loss(many, 0.2, 0.0)


def test_even_odds_replace_those_of_the_epicenter():
    earthquake, glacial, _ = compare("glacial", 0.0).probabilities
    even = begin_even(compare("glacial", 0.0))
    assert even.probabilities[0] / even.probabilities[1] == pytest.approx(earthquake / glacial / 0.25)
    assert sum(even.probabilities) == pytest.approx(1.0)
    assert begin_even(even) == even


def test_the_excess_of_the_loss_is_stated_with_what_chance_makes_of_it():
    events = [compare("glacial", value) for value in (12.0, 20.0, 9.0)] + [compare("earthquake", value) for value in (-9.0, -2.0, -5.0)]
    excess = measure_loss(events, 0.0, 0.0) - measure_loss(events, 0.5, 0.0)
    words = describe_loss(events, (0.0, 0.0), (0.5, 0.0)).replace("(", "").replace(")", "").split()
    value, low, high = (float(words[k]) for k in (0, 1, 3))
    assert value == pytest.approx(excess, abs=1e-3)
    assert 0.0 < low < value < high
    assert describe_loss(events * 2, (0.0, 0.0), (0.5, 0.0)) == describe_loss(events, (0.0, 0.0), (0.5, 0.0))
    assert describe_loss(events[:3], (0.0, 0.0), (0.5, 0.0)) == "unknown"


def test_events_of_other_kinds_are_left_out_and_kept_ones_not_compared_again(tmp_path, monkeypatch):
    loaded = []

    def load(self, keys, settings):
        loaded.extend(keys)
        return ((key, key) for key in keys)

    monkeypatch.setattr(UnseenEarths, "load", load)
    monkeypatch.setattr(class_weights, "describe_models", lambda *_, **__: {})
    monkeypatch.setattr(class_weights, "open_models", lambda _: {})
    monkeypatch.setattr(class_weights, "load_earths", lambda _: {})
    monkeypatch.setattr(class_weights, "compare_event", lambda _, __, key: compare("glacial", 1.0) if key.startswith("glacial") else None)
    settings = TrainingSettings(build_dir=tmp_path)
    first, again = (compare_events(settings, UnseenEarths(2, 5, at_ice=True)) for _ in range(2))
    assert loaded == ["earthquake-0", "earthquake-1", "glacial-0", "glacial-1"]
    assert [one.weigh(0.1, 0.0) for one in first] == [one.weigh(0.1, 0.0) for one in again]
    assert [one.event for one in again] == ["unseen-earths-at-ice-5 glacial-0", "unseen-earths-at-ice-5 glacial-1"]
