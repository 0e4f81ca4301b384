"""Families on the page, in a real browser: cards, the map of the embedding with its labels, and how their number is chosen."""

import numpy as np
import pytest

from tests.support.browser import IS_INSTALLED, READY, START_READY, check_accessibility, check_quiet
from tests.support.page_results import submit_job
from workers.contracts import DataWarning
from workers.exports.figure_data import write_families_data
from workers.results import ClusterResult

pytestmark = [pytest.mark.skipif(not IS_INSTALLED, reason="no Chromium is installed"), pytest.mark.slow, pytest.mark.timeout(240)]


def make_families(names: list[str], k: int) -> ClusterResult:
    """Make an answer of k families, to which the events belong in turn."""
    return ClusterResult.model_validate(
        {
            "k": k,
            "structure_found": True,
            "assignments": [{"event": name, "cluster": number % k, "confidence": 0.9} for number, name in enumerate(names)],
            "selection": [{"k": k, "loss": 0.1, "stability": 0.9, "silhouette": 0.7, "excess": 0.25}],
            "clusters": [{"cluster": number, "size": len(names[number::k]), "representatives": names[number::k]} for number in range(k)],
            "model": {"name": "families", "version": "4"},
            "fine_tuned": False,
        }
    )


def test_families_are_shown_once_each_with_their_waveforms(page, service, worker):
    names = [f"a{number}" for number in range(6)]
    result = make_families(names, 2)
    waves = np.random.default_rng(0).integers(-100, 100, (6, 3, 600)).astype(np.int8)
    data = write_families_data(names, np.random.default_rng(1).standard_normal((6, 2)), dict(enumerate(waves)))
    job_id = submit_job(service, "/anomalies/cluster")
    worker.succeed(job_id, figure_data={"families": data}, result=result.model_dump(mode="json"))
    page.open(f"{service.base_url}/#job={job_id}", f"{READY} === '{job_id}'")
    assert page.text("#result h2") == "2 families in 6 events"
    assert page.run("[...document.querySelectorAll('.family')].map((one) => one.querySelectorAll('svg path').length)") == [9, 9]
    assert page.run("document.querySelector('input[name=task]:checked').value") == "cluster"
    page.run("[...document.querySelectorAll('summary')].find((one) => one.innerText.startsWith('Choice of')).click()")
    page.wait("/largest excess is chosen/.test(document.querySelector('details[open] .quiet')?.innerText)")
    assert page.text("details[open] thead").split() == ["k", "Loss", "Stability", "Silhouette", "Excess"]
    check_accessibility(page)
    check_quiet(page, service)


def test_more_families_than_colors_differ_by_rings_and_a_number_at_its_limit_is_a_caution(page, service, worker):
    names = [f"a{number}" for number in range(24)]
    data = write_families_data(names, np.random.default_rng(1).standard_normal((24, 2)), {})
    limit = DataWarning(trace=None, part=None, code="most-families", detail="the largest number of families that was tried, 12, fits best")
    job_id = submit_job(service, "/anomalies/cluster")
    worker.succeed(job_id, figure_data={"families": data}, result=make_families(names, 12).model_dump(mode="json"), warnings=[limit])
    page.open(f"{service.base_url}/#job={job_id}", f"{READY} === '{job_id}'")
    assert page.run("document.querySelectorAll('.legend .swatch').length") == 12
    assert page.run("document.querySelectorAll('.legend .swatch.ring').length") == 2
    assert page.text("#result .caution") == "The largest number of families that was tried, 12, fits best."
    check_accessibility(page)
    check_quiet(page, service)


def test_labels_of_events_are_beside_them_inside_the_map_and_cover_nothing(page, service):
    page.open(f"{service.base_url}", START_READY)
    points, labels = [[20, 50], [380, 50], [60, 55], [20, 200]], [[15, 205, 80]]
    places = f"[0, 1, 2, 3].map((index) => labelPlace(index, 80, {points}, {labels}, 400))"
    found = page.run(f"import('/static/families_view.js').then(({{labelPlace}}) => {places})")
    assert found == [None, 291, 69, None]
