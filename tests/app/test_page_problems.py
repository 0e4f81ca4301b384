"""What the page says where something is wrong: refused uploads, failed and unknown jobs, and missing keys, in a real browser."""

import pytest

from tests.support.browser import IS_INSTALLED, READY, START_READY, check_accessibility, check_quiet
from tests.support.page_results import make_location, submit_job, succeed
from workers.contracts import DataWarning

pytestmark = [pytest.mark.skipif(not IS_INSTALLED, reason="no Chromium is installed"), pytest.mark.slow, pytest.mark.timeout(240)]


def test_a_failed_job_says_what_was_wrong_and_what_to_do(page, service, worker):
    job_id = submit_job(service)
    worker.fail(job_id)
    page.open(f"{service.base_url}/#job={job_id}", "document.querySelector('#problem .advice b')")
    assert [part in page.text("#problem") for part in ("Problem 422", "No usable trace", "No vertical record", "What to do:")] == [True] * 4
    assert "the text above lists why" in page.text("#problem")
    check_quiet(page, service)


def test_names_of_warnings_end_with_a_colon_but_before_predicates(page, service, worker):
    """Without it the code of a station stood before the code of the one that is used instead."""
    other, file = "XX.S1.00.LHZ is used for this station", "is text; ObsPy converts many other formats"
    warnings = [
        DataWarning(trace="XX.S1.10.LHZ", part=None, code="not-chosen", detail=other),
        DataWarning(trace=None, part="notes.txt", code="unsupported-part", detail=file),
        DataWarning(trace=None, part="notes.txt", code="unsupported-part", detail=f"notes.txt {file}"),
    ]
    job_id = submit_job(service)
    succeed(worker, job_id, make_location(), warnings)
    page.open(f"{service.base_url}/#job={job_id}", f"{READY} === '{job_id}'")
    page.run("[...document.querySelectorAll('summary')].find((one) => one.innerText === 'Warnings (3)').click()")
    page.wait("document.querySelectorAll('details[open] .plain li').length === 3")
    lines = page.run("[...document.querySelectorAll('details[open] .plain li')].map((one) => one.innerText)")
    assert lines == [f"XX.S1.10.LHZ: {other}", f"notes.txt {file}", f"notes.txt {file}"]


def test_a_refused_upload_is_explained_above_the_form_where_it_is_seen(page, service, tmp_path):
    page.set_screen(390, 844)
    file = tmp_path / "my_notes_of_today.txt"
    file.write_text("hello")
    page.open(f"{service.base_url}", START_READY)
    page.choose_files("#files", file)
    page.wait("document.querySelector('#chosen li')")
    page.run("document.querySelector('#send').scrollIntoView(); document.querySelector('#send').click()")
    page.wait("document.querySelector('#problem .advice b')")
    box = page.run("document.querySelector('#problem').getBoundingClientRect().toJSON()")
    assert 0 <= box["top"] < 300
    assert page.run("!document.querySelector('#start').hidden && document.activeElement.id") == "problem"
    assert "my_notes_of_today.txt is text; ObsPy converts many other formats" in page.text("#problem")
    check_accessibility(page)


def test_a_wrong_option_is_named_as_the_interface_names_it(page, service, tmp_path):
    file = tmp_path / "event.mseed"
    file.write_bytes(b"000001D " + bytes(504))
    page.open(f"{service.base_url}", START_READY)
    page.choose_files("#files", file)
    page.wait("document.querySelector('#chosen li')")
    page.run("document.querySelector('[name=starttime]').value = 'yesterday'; document.querySelector('#send').click()")
    page.wait("document.querySelector('#problem .advice b')")
    assert "starttime: not a time; write ISO 8601" in page.text("#problem")
    values = {"starttime": "2020-01-02", "endtime": "2020-01-01"}
    for name, value in values.items():
        page.run(f"document.querySelector('[name={name}]').value = '{value}'")
    page.run("document.querySelector('#send').click()")
    page.wait("/before endtime/.test(document.querySelector('#problem').innerText)")
    assert "starttime (2020-01-02" in page.text("#problem")


def test_texts_of_the_service_keep_names_of_files_and_options(page, service):
    page.open(f"{service.base_url}", START_READY)
    formats = page.run("import('/static/format.js').then((all) => [all.capitalize('only my_file.zip'), all.formatCaption('family_0')])")
    assert formats == ["Only my_file.zip", "Family 0"]


def test_an_unknown_job_is_a_problem_and_the_way_back_leads_to_the_form(page, service):
    page.open(f"{service.base_url}/#job=missing", "document.querySelector('#problem')?.dataset.ready")
    assert "Problem 404" in page.text("#problem")
    page.run("document.querySelector('#problem a').click()")
    page.wait("!document.querySelector('#start').hidden && document.querySelector('#problem').hidden")


def test_a_link_to_a_job_behind_a_key_asks_for_the_key_and_then_opens(page, service, worker, make_key):
    key = make_key("somebody")
    job_id = service.post("/events/locate", files={"bundle": ("a.mseed", b"000001D " + bytes(504))}, headers=key).json()["id"]
    succeed(worker, job_id, make_location())
    page.open(f"{service.base_url}/#job={job_id}", "document.activeElement?.id === 'key'")
    assert "Problem 401" in page.text("#problem")
    page.run(
        f"document.querySelector('#key').value = '{key['X-API-Key']}'; document.querySelector('#key').dispatchEvent(new Event('change'))"
    )
    page.wait(f"{READY} === '{job_id}'")
    assert page.run("document.querySelector('#problem').hidden && document.querySelector('#start').hidden")
