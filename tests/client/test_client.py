"""The client against the real interface, with a played worker."""

import inspect
import zipfile

import httpx
import pytest

from app.auth.keys import Scope, add_key, keys_path, new_key
from seismic_atlas_client import (
    AsyncClient,
    ClassifyResult,
    Client,
    Conflict,
    JobCanceled,
    JobNotEnded,
    LocateResult,
    NoCatalog,
    NotFound,
    RetryPolicy,
    ServiceUnreachable,
    Unauthorized,
    UnsupportedFormat,
    UnusableData,
    WaitTimedOut,
)
from tests.support.played_service import play_service


def test_an_event_is_classified(client, event):
    result = client.classify(event)
    assert isinstance(result, ClassifyResult)
    assert (result.kind, result.event_type, result.traces_used) == ("classify", "glacial", 42)
    assert result.warnings[0].detail == "2 gaps, filled"


def test_a_location_is_a_typed_result_and_a_catalog(client, event):
    stages = []
    result = client.locate(event, event_type="earthquake", on_progress=lambda state: stages.append((state.stage, state.progress)))
    assert stages[-1] == ("finished", 1.0)
    assert result.epicenter is not None
    assert (result.epicenter.latitude, result.depth_km) == (38.2, 28.0)
    (found,) = result.to_catalog()
    assert found.preferred_origin().latitude == 38.2
    assert found.preferred_origin().time.datetime.replace(tzinfo=result.origin_time.tzinfo) == result.origin_time
    assert found.picks[0].waveform_id.station_code == "CHTO"


def test_no_event_is_an_answer_and_no_error(client, mseed):
    result = client.locate(("none.mseed", mseed))
    assert (result.event_type, result.epicenter, result.detection.detected) == ("none", None, False)
    assert client.job(result.job_id).to_catalog()[0].origins == []


def test_many_events_are_located_in_one_job(client, event):
    result = client.locate_many(event, ("b.mseed", event[1]))
    assert [(entry.event, entry.result is not None) for entry in result.events] == [("a1", True), ("a2", False)]
    assert len(result.to_catalog()) == 1


def test_events_are_clustered(client, event):
    assert client.cluster(event, k_min=2, k_max=3).k == 2


def test_a_failed_job_raises_its_problem_with_part_and_job(client, mseed):
    with pytest.raises(UnusableData, match=r"(?s)no-usable-trace.*broken.mseed: record 3 is cut off") as raised:
        client.locate(("broken.mseed", mseed))
    assert raised.value.job_id == next(client.jobs(status="failed")).id
    assert client.explain(raised.value.code).advice


def test_a_refused_upload_raises_its_problem_without_a_job(client):
    with pytest.raises(UnsupportedFormat, match=r"photo\.jpg: is a JPEG picture") as raised:
        client.classify(("photo.jpg", b"\xff\xd8\xff"))
    assert raised.value.job_id is None


def test_products_figures_and_everything_are_downloaded(client, event, tmp_path):
    job = client.submit_locate(event)
    job.wait()
    assert job.figures() == {"section": b"\x89PNG\r\n\x1a\n"}
    assert [path.name for path in job.save_figures(tmp_path / "figures")] == ["section.png"]
    saved = {path.suffix: path.read_bytes() for path in job.save_products(tmp_path / "products")}
    assert set(saved) == {".json", ".xml", ".geojson", ".csv"}
    assert saved[".xml"] == job.product("quakeml") == job.result().quakeml
    assert LocateResult.model_validate_json(saved[".json"]).model_dump() == job.result().model_dump()
    archive = job.download_bundle(tmp_path)
    assert archive.name == f"locate-{job.id[:8]}.zip"
    with zipfile.ZipFile(archive) as opened:
        assert len([name for name in opened.namelist() if name.startswith("inputs/")]) == 1
    assert job.download_bundle(tmp_path / "new" / "all.zip").is_file()
    assert not list(tmp_path.rglob("*.part"))


def test_a_job_is_found_again_by_its_id_and_knows_its_kind(client, event):
    job = client.submit_classify(event)
    again = client.job(job.id)
    assert again.wait(timeout_s=20).kind == "classify"
    with pytest.raises(NoCatalog, match="no location"):
        again.to_catalog()
    with pytest.raises(NotFound, match="unknown-job"):
        client.job("0" * 32)


def test_a_running_job_has_no_result_and_is_canceled(client, service, mseed):
    job = client.submit_classify(("hold.mseed", mseed))
    with pytest.raises(WaitTimedOut, match=job.id):
        job.wait(timeout_s=0.2)
    with pytest.raises(JobNotEnded, match="has no result yet"):
        job.result()
    with pytest.raises(Conflict, match="not-finished"):
        job.product("json")
    job.cancel()
    with pytest.raises(JobCanceled):
        job.wait(timeout_s=20)
    assert job.cancel().status == "canceled", "canceling again changes nothing"


def test_a_repeated_submission_gets_the_same_job(client, service, event):
    first = client.submit_locate(event, idempotency_key="mine")
    before = service.count_jobs()
    assert client.submit_locate(event, idempotency_key="mine").id == first.id
    assert service.count_jobs() == before
    with pytest.raises(UnusableData, match="idempotency-key-reused"):
        client.submit_locate(event, idempotency_key="mine", seed=7)


def test_an_answer_that_is_lost_on_the_way_makes_no_second_job(service, event):
    """The service has received and accepted the submission when the connection breaks."""
    lost = []

    class Unreliable(httpx.HTTPTransport):
        def handle_request(self, request):
            response = super().handle_request(request)
            if request.method == "POST" and not lost:
                response.read()
                lost.append(response.status_code)
                raise httpx.ReadError("connection reset")
            return response

    before = service.count_jobs()
    with Client(service.url, transport=Unreliable()) as client:
        client.locate(event)
    assert lost == [202]
    assert service.count_jobs() == before + 1


def test_own_jobs_are_listed_over_pages(client, event, monkeypatch):
    monkeypatch.setattr("seismic_atlas_client.client.PAGE", 2)
    submitted = [client.submit_cluster(event).id for _ in range(5)]
    listed = [job.id for job, _ in zip(client.jobs(kind="cluster"), range(5), strict=False)]
    assert listed == submitted[::-1]


def test_a_service_with_keys_asks_for_one(event, tmp_path):
    with play_service(tmp_path) as service:
        key, text = new_key("observatory", [Scope.SUBMIT, Scope.READ], 1.0)
        add_key(keys_path(service.settings), key)
        with Client(service.url) as stranger, pytest.raises(Unauthorized):
            stranger.classify(event)
        with Client(service.url, text) as owner:
            assert owner.classify(event).event_type == "glacial"
            assert len(list(owner.jobs())) == 1


def test_a_service_that_is_ready_says_so(client):
    assert client.ready().workers == 1


def test_without_a_service_the_error_says_what_to_do():
    with (
        Client("http://127.0.0.1:9", retries=RetryPolicy(attempts=1)) as client,
        pytest.raises(ServiceUnreachable, match="is it running at this address"),
    ):
        client.models()


@pytest.mark.anyio
async def test_the_client_with_awaited_calls_does_the_same(service, event, mseed, tmp_path):
    stages = []
    async with AsyncClient(service.url) as client:
        path = tmp_path / "event.mseed"
        path.write_bytes(mseed)
        result = await client.locate(path, on_progress=lambda state: stages.append(state.stage))
        assert result.to_catalog()[0].preferred_origin().latitude == 38.2
        assert stages[-1] == "finished"
        job = await client.job(result.job_id)
        assert (await job.download_bundle(tmp_path)).is_file()
        assert await anext(found.id async for found in client.jobs(kind="locate")) == result.job_id
        with pytest.raises(UnusableData):
            await client.classify(("broken.mseed", mseed))


def test_both_clients_have_the_same_calls():
    def signatures(kind):
        return {name: str(inspect.signature(member)) for name, member in inspect.getmembers(kind, inspect.isfunction) if name[0] != "_"}

    blocking, awaited = signatures(Client), signatures(AsyncClient)
    assert set(blocking) == set(awaited)
    assert {"classify", "submit_classify", "locate", "cluster", "job", "jobs"} <= set(blocking)
