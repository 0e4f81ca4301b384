"""What happens to submissions on the page while others run, are canceled, or the service is away, in a real browser."""

import pytest

from tests.support.browser import IS_INSTALLED, READY, START_READY, check_quiet
from tests.support.page_results import NONE, make_location, submit_job, succeed
from workers.results import Epicenter

pytestmark = [pytest.mark.skipif(not IS_INSTALLED, reason="no Chromium is installed"), pytest.mark.slow, pytest.mark.timeout(240)]

JOB = "new URLSearchParams(location.hash.slice(1)).get('job')"


def click(page, selector: str) -> None:
    """Click an element."""
    page.run(f"document.querySelector({selector!r}).click()")


def choose_file(page, service, file) -> None:
    """Open the form and choose a file."""
    page.open(f"{service.base_url}", START_READY)
    page.choose_files("#files", file)
    page.wait("document.querySelector('#chosen li')")


@pytest.fixture
def file(tmp_path, mseed):
    written = tmp_path / "event.mseed"
    written.write_bytes(mseed)
    return written


def test_while_a_job_runs_the_next_is_submitted_and_the_stream_of_the_first_is_closed(page, service, worker, file):
    choose_file(page, service, file)
    jobs = []
    for _ in range(8):  # A browser opens six connections to a host.
        click(page, "#send")
        page.wait("location.hash.startsWith('#job=') && !document.querySelector('#send').disabled")
        jobs.append(page.run(JOB))
        click(page, "nav a")
        page.wait("!document.querySelector('#start').hidden && location.hash === ''")
    assert len(set(jobs)) == 8
    succeed(worker, jobs[0], make_location())
    assert page.run("document.querySelector('#result').hidden")
    check_quiet(page, service)


def test_an_upload_is_canceled_and_the_form_is_back_with_its_files(page, service, tmp_path, mseed):
    file = tmp_path / "large.mseed"
    file.write_bytes(mseed * 8000)
    choose_file(page, service, file)
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1}
    page.call("Network.emulateNetworkConditions", **slow, uploadThroughput=100_000)
    click(page, "#send")
    page.wait("document.querySelector('#bar').value > 0")
    click(page, "#cancel")
    page.wait("!document.querySelector('#start').hidden && !document.querySelector('#send').disabled")
    page.call("Network.emulateNetworkConditions", **slow, uploadThroughput=-1)
    assert page.run("document.querySelector('#problem').hidden && document.querySelectorAll('#chosen li').length") == 1
    assert service.get("/jobs").json()["jobs"] == []


def test_the_page_waits_for_a_service_that_is_away_and_says_so(page, service, worker):
    job_id = submit_job(service)
    page.open(f"{service.base_url}", START_READY)
    page.run(
        "window.kept = window.fetch; window.away = true; window.fetch = (url, ...rest) =>"
        " (away && url.endsWith('/events') ? Promise.reject(new TypeError('Failed to fetch')) : kept(url, ...rest)); 0"
    )
    page.run(f"location.hash = '#job={job_id}'; 0")
    page.wait("document.querySelector('#stage').innerText === 'The service does not respond; trying again …'")
    succeed(worker, job_id, make_location())
    page.run("window.away = false; 0")
    page.wait(f"{READY} === '{job_id}'")
    assert page.run("document.querySelector('#problem').hidden")


def test_what_is_no_number_is_named_and_not_left_out(page, service, file):
    choose_file(page, service, file)
    page.run("document.querySelector('#submission details').open = true; document.querySelector('[name=latitude]').focus()")
    page.call("Input.insertText", text="3-8")
    click(page, "#send")
    page.wait("document.querySelector('#problem h2')?.innerText === 'Not a number'")
    assert "Trial latitude (Options) is not a number" in page.text("#problem")
    assert service.get("/jobs").json()["jobs"] == []


def test_options_that_the_browser_restores_are_in_sight(page, service):
    page.open(f"{service.base_url}", START_READY)
    page.run("document.querySelector('#submission details').open = true; document.querySelector('[name=seed]').focus()")
    page.call("Input.insertText", text="7")
    page.run("location.href = '/docs'; 0")
    page.wait("location.pathname === '/docs' && document.querySelector('#reference')")
    page.run("history.back(); 0")
    page.wait("location.pathname === '/' && document.querySelector('#recent')")
    page.wait("document.querySelector('[name=seed]').value === '' || document.querySelector('#submission details').open")


def test_recent_jobs_claim_no_families_and_no_event_where_none_was_found(page, service, worker):
    quiet = submit_job(service)
    empty = {"probabilities": {}, "offsets": [], "arrivals": [], "alternatives": []}
    nothing = NONE | empty | {"event_type": "none", "epicenter": None, "azimuthal_gap_deg": None}
    succeed(worker, quiet, make_location(**nothing))
    clusters = submit_job(service, "/anomalies/cluster")
    families = {
        "k": 2,
        "structure_found": False,
        "assignments": [{"event": name, "cluster": 0, "confidence": 0.9} for name in "ab"],
        "selection": [],
        "clusters": [],
        "model": {"name": "families", "version": "4"},
        "fine_tuned": False,
    }
    worker.succeed(clusters, result=families)
    page.open(f"{service.base_url}", START_READY)
    page.wait("[...document.querySelectorAll('#recent b')].every((one) => one.innerText.startsWith('No '))")
    titles = page.run("[...document.querySelectorAll('#recent b')].map((one) => one.innerText)")
    assert titles == ["No significant families in 2 events", "No event detected"]


def test_with_a_key_the_job_itself_is_fetched_and_not_linked(page, service, worker, make_key):
    key = make_key("somebody")
    job_id = service.post("/events/locate", files={"bundle": ("a.mseed", b"000001D " + bytes(504))}, headers=key).json()["id"]
    succeed(worker, job_id, make_location())
    page.open(f"{service.base_url}/#job={job_id}", "document.activeElement?.id === 'key'")
    page.call("Input.insertText", text=key["X-API-Key"])
    page.call("Input.dispatchKeyEvent", type="keyDown", key="Enter", code="Enter", windowsVirtualKeyCode=13, text="\r")
    page.wait(f"{READY} === '{job_id}'")
    assert page.run("document.querySelector('#problem').hidden")
    page.run("[...document.querySelectorAll('.downloads a')].find((one) => one.innerText === 'Job (JSON)').click()")
    page.wait("performance.getEntriesByType('resource').at(-1).name.endsWith('/jobs/" + job_id + "')")
    assert page.run("location.pathname") == "/"


def test_a_vague_epicenter_has_no_spurious_digits_and_its_region_is_called_uncertain(page, service, worker):
    ellipse = {"semi_major_km": 3400.0, "semi_minor_km": 2450.0, "azimuth_deg": 10.0, "confidence_level": 68.0}
    vague = Epicenter.model_validate({"latitude": 37.94, "longitude": 26.84, "horizontal_uncertainty_km": 3302.0, "ellipse": ellipse})
    job_id = submit_job(service)
    succeed(worker, job_id, make_location(epicenter=vague))
    page.open(f"{service.base_url}/#job={job_id}", f"{READY} === '{job_id}'")
    assert "38° N, 27° E" in page.text("#result .stats").replace("\u00a0", " ")
    assert "may have been in another region than Dodecanese Islands" in page.text("#result .caution")
    texts = page.run(
        "import('/static/format.js').then(({formatKilometers, formatPoint}) => [formatKilometers(0.44), formatKilometers(12.6),"
        "formatPoint({latitude: 37.94, longitude: 26.84, horizontal_uncertainty_km: 154})])"
    )
    assert texts == ["0.4 km", "13 km", "37.9°\u00a0N, 26.8°\u00a0E"]
