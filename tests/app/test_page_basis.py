"""What the page says that an answer rests on, in a real browser: the source of predicted arrivals, a trial epicenter."""

import pytest

from tests.support.browser import IS_INSTALLED, READY, check_accessibility, check_quiet
from tests.support.page_results import make_location, submit_job, succeed
from workers.results import ReferencePoint

pytestmark = [pytest.mark.skipif(not IS_INSTALLED, reason="no Chromium is installed"), pytest.mark.slow, pytest.mark.timeout(240)]

STATED, BEST = "the stated epicenter, time and depth in ak135", "the source that fits the arrival times best, as no depth is stated"


@pytest.mark.parametrize(("depth", "source"), [(14.0, STATED), (None, BEST)])
def test_arrivals_say_which_source_they_are_predicted_for(page, service, worker, depth, source):
    job_id = submit_job(service)
    succeed(worker, job_id, make_location(depth_km=depth))
    page.open(f"{service.base_url}/#job={job_id}", f"{READY} === '{job_id}'")
    page.run("[...document.querySelectorAll('summary')].find((one) => one.innerText.startsWith('Arrivals')).click()")
    page.wait("document.querySelector('details[open] table')")
    assert page.text("details[open] .quiet").startswith(f"Predicted for {source}")
    page.run("[...document.querySelectorAll('h3')].find((one) => one.innerText === 'Record section').scrollIntoView()")
    page.wait("document.querySelector('.choice') && !document.querySelector('.awaited')")
    check_quiet(page, service)


@pytest.mark.parametrize("width", [1200, 390])
def test_a_location_says_that_its_class_rests_on_a_trial_epicenter(page, service, worker, width):
    page.set_screen(width, 900)
    job_id = submit_job(service)
    succeed(worker, job_id, make_location(reference_point=ReferencePoint(latitude=-38.0, longitude=217.5, source="given")))
    page.open(f"{service.base_url}/#job={job_id}", f"{READY} === '{job_id}'")
    page.wait("document.querySelector('#result').innerText.includes('given trial epicenter')")
    assert "38.00° S, 142.50° W (given trial epicenter)" in page.text("#result").replace("\u00a0", " ")
    assert page.run("document.documentElement.scrollWidth") <= width
    check_accessibility(page)
    check_quiet(page, service)
