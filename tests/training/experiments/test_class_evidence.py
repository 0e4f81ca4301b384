"""Simulated evidence of classes: of the right sign, and counted with its interval."""

import numpy as np

from models.analysis.event_class import choose_class, weigh_classes
from models.analysis.sections import SectionReference
from training.experiments.class_evidence import AT_ICE, TESTED, count_answers, draw_event, format_answers, lies_at_ice

SAHARA = SectionReference(20.0, 10.0, "given")
SURE = np.array([0.99, 0.01])


def draw_answers(kind, draws=15):
    random = np.random.default_rng(1)
    return [choose_class(weigh_classes(SURE, SAHARA, draw_event(kind, 8, random).evidence)) for _ in range(draws)]


def test_most_explosions_and_landslides_and_few_earthquakes_are_doubted():
    assert draw_answers("earthquake").count("earthquake") >= 13
    assert draw_answers("explosion").count("earthquake") <= 8
    assert draw_answers("landslide").count("earthquake") <= 9


def test_answers_are_counted_with_their_interval():
    assert count_answers(["other", "undetermined", "earthquake", "earthquake"]) == "50 % (15 % to 85 %); other 25 %"


def test_each_kind_has_a_row():
    table = format_answers({kind: [(SURE, SAHARA)] for kind in (*TESTED, AT_ICE)})
    assert [line.split(" |")[0] for line in table.splitlines()[2:]] == [f"| {kind} (1)" for kind in (*TESTED, AT_ICE)]


def test_earthquakes_at_an_ice_sheet_are_counted_apart():
    assert lies_at_ice(SectionReference(66.4, -38.2, "given"))
    assert not lies_at_ice(SAHARA)
    assert not lies_at_ice(None)
