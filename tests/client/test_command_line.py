"""The command `atlas`: answers, files, exit codes and messages, against the real interface with a played worker."""

import json
import subprocess
import sys
from pathlib import Path

import obspy
import pytest

import seismic_atlas_client
from app.auth.keys import Scope, add_key, keys_path, new_key
from seismic_atlas_client.__main__ import main
from seismic_atlas_client.command_line.exit_codes import ExitCode
from seismic_atlas_client.command_line.tables import _describe_mechanism, draw_result
from seismic_atlas_client.models import ClusterResult, DataWarning, SourceEstimate
from tests.support.played_service import FAMILIES, play_service


@pytest.fixture
def atlas(service, monkeypatch, capsys):
    """A function from arguments to exit code, standard output and error output."""
    monkeypatch.setenv("ATLAS_URL", service.url)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments):
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        return code, *capsys.readouterr()

    return run


@pytest.fixture
def path(tmp_path, mseed):
    (tmp_path / "event.mseed").write_bytes(mseed)
    return tmp_path / "event.mseed"


def renamed(path, name):
    return path.rename(path.with_name(name))


def test_a_location_is_printed_as_a_table(atlas, path):
    code, out, err = atlas("locate", path)
    assert (code, err) == (0, "")
    for text in (
        "tectonic earthquake",
        "2001-09-09 01:46:36.0 UTC ± 4.0 s",
        "38.20° N, 142.70° E ± 21 km",
        "28 ± 9 km (90 %: 12 to 45 km)",
        "63°",
        "Mw 6.50 ± 0.20",
        "325° / 89° / 19°",
        "2 gaps, filled",
    ):
        assert text in out
    assert "coast" in out.lower(), "the name of the region"


def test_warnings_of_many_traces_are_one_row():
    found = [DataWarning(trace=f"XX.S{number}.00.LHZ", code="no-response", detail="used as it is") for number in range(9)]
    result = ClusterResult.model_validate(FAMILIES)
    result.bind_job("j1", (*found, DataWarning(part="a.txt", code="unsupported-part", detail="left out")))
    table = draw_result(result)[-1]
    assert list(table.columns[0].cells) == ["XX.S0.00.LHZ, XX.S1.00.LHZ, XX.S2.00.LHZ and 6 more", "a.txt"]
    assert list(table.columns[1].cells) == ["used as it is (no-response)", "left out (unsupported-part)"]


@pytest.mark.parametrize(
    ("known", "text"),
    [
        (
            {"nodal_planes": [{"strike": 90.0, "dip": 30.0, "rake": -90.0}] * 2, "mechanism_uncertainty_deg": 20.4},
            "uncertain by 20° (68 %)",
        ),
        ({"mechanism_uncertainty_deg": 75.0}, "not determined: uncertain by 75° (68 %)"),
        ({"nodal_planes": [{"strike": 90.0, "dip": 30.0, "rake": -90.0}] * 2}, "90° / 30° / -90°"),
        ({}, ""),
    ],
)
def test_a_mechanism_is_printed_with_its_uncertainty_if_the_service_states_one(known, text):
    source = SourceEstimate(kind="moment-tensor", constrains=True, log_likelihood=50.0, variance_reduction=0.5, **known)
    printed = _describe_mechanism(source)
    assert text in printed
    assert bool(printed) == bool(text)


def test_a_class_is_printed_with_its_probabilities(atlas, path):
    code, out, _ = atlas("classify", path)
    assert code == 0
    assert "glacial earthquake" in out
    assert "Probability of glacial     0.960" in out


def test_families_are_printed(atlas, path):
    code, out, _ = atlas("cluster", path, "--k-max", "3")
    assert code == 0
    assert "Clustering: 2 families" in out


def test_many_events_are_printed_and_a_failed_one_shows_in_the_exit_code(atlas, path):
    code, out, _ = atlas("locate", "--many", path)
    assert code == ExitCode.REFUSED
    assert "1 of 2 events located" in out
    assert "no vertical record" in out


def test_json_is_the_job_and_nothing_else(atlas, path):
    code, out, err = atlas("locate", path, "--json")
    job = json.loads(out)
    assert (code, err, job["result"]["epicenter"]["latitude"]) == (0, "", 38.2)


def test_a_failed_job_is_json_too(atlas, path):
    code, out, err = atlas("locate", renamed(path, "broken.mseed"), "--json")
    assert (code, json.loads(out)["problem"]["parts"][0]["name"]) == (ExitCode.REFUSED, "broken.mseed")
    assert err.startswith("atlas: No usable trace")


def test_results_are_written_to_files(atlas, path, tmp_path):
    code, _, err = atlas(
        *("locate", path, "--quakeml", tmp_path / "event.xml", "--figures", tmp_path / "f", "--products", tmp_path / "p"),
        *("--everything", tmp_path / "all.zip"),
    )
    assert code == 0
    assert obspy.read_events(str(tmp_path / "event.xml"), format="QUAKEML")[0].preferred_origin().latitude == 38.2
    assert (tmp_path / "f" / "section.png").exists()
    assert len(list((tmp_path / "p").iterdir())) == 4
    assert f"everything: {tmp_path / 'all.zip'}" in err


def test_quakeml_can_go_to_the_standard_output_alone(atlas, path):
    code, out, _ = atlas("locate", path, "--quakeml", "-")
    assert code == 0
    assert out.startswith("<?xml")
    assert out.rstrip().endswith(">")


def test_a_job_is_submitted_listed_shown_and_canceled(atlas, path, service):
    code, job, _ = atlas("locate", path, "--no-wait")
    assert code == 0
    code, out, _ = atlas("show", job.strip())
    assert (code, "38.20° N" in out) == (0, True)
    code, out, _ = atlas("jobs", "--kind", "locate", "--limit", "3")
    assert job.strip() in out
    assert "event.mseed" in out
    assert len(json.loads(atlas("jobs", "--json", "--limit", "2")[1])) == 2
    held = atlas("classify", renamed(path, "hold.mseed"), "--no-wait")[1].strip()
    code, _, err = atlas("show", held, "--timeout", "0.2")
    assert (code, "it goes on" in err) == (ExitCode.NOT_ENDED, True)
    assert atlas("cancel", held)[0] == 0
    assert atlas("show", held)[0] == ExitCode.NOT_ENDED


@pytest.mark.parametrize(
    ("command", "name", "code", "text"),
    [
        ("locate", "none.mseed", ExitCode.NO_EVENT, "no event detected"),
        ("classify", "none.mseed", ExitCode.NO_EVENT, "no event detected"),
        ("classify", "undetermined.mseed", ExitCode.NO_EVENT, "undetermined"),
        ("locate", "broken.mseed", ExitCode.REFUSED, "broken.mseed: record 3 is cut off"),
    ],
)
def test_an_exit_code_tells_what_came_out(atlas, path, command, name, code, text):
    found, out, err = atlas(command, renamed(path, name))
    assert found == code
    assert text in out + err
    assert "Traceback" not in err


def test_a_refused_file_is_named(atlas, path):
    photo = renamed(path, "photo.jpg")
    photo.write_bytes(b"\xff\xd8\xff")
    code, out, err = atlas("classify", photo)
    assert (code, out) == (ExitCode.REFUSED, "")
    assert err.startswith("atlas: Unsupported file format (415 unsupported-part)")
    assert "photo.jpg: is a JPEG picture" in err


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["locate"], "give either files or --event"),
        (["locate", "no_such_file"], "does not exist"),
        (["classify"], "Missing argument"),
        (["locate", ".", "--event-type", "nuclear"], "nuclear"),
        (["show", "0" * 32], "unknown-job"),
        (["--url", "ftp://x", "jobs"], "is not the address of a service"),
        (["fetch"], "give an event id"),
        (["fetch", "--start", "yesterday", "--end", "2020-01-01", "--stations", "IU.ANMO"], "is not a time"),
        (["frobnicate"], "No such command"),
    ],
)
def test_a_wrong_command_line_says_what_is_wrong(atlas, arguments, text):
    code, _, err = atlas(*arguments)
    assert code == ExitCode.USAGE
    assert text in " ".join(err.split())


def test_without_a_service_the_exit_code_says_so(atlas, path, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _: None)
    code, _, err = atlas("--url", "http://127.0.0.1:9", "locate", path)
    assert code == ExitCode.UNREACHABLE
    assert "is it running at this address" in err


def test_a_missing_key_has_an_exit_code_of_its_own(atlas, path, tmp_path):
    with play_service(tmp_path / "keys") as service:
        key, text = new_key("observatory", [Scope.SUBMIT, Scope.READ], 1.0)
        add_key(keys_path(service.settings), key)
        assert atlas("--url", service.url, "classify", path)[0] == ExitCode.NOT_ALLOWED
        assert atlas("--url", service.url, "--api-key", text, "classify", path)[0] == 0


def test_an_interruption_says_how_to_come_back(atlas, path, monkeypatch):
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("seismic_atlas_client.client.JobHandle.wait", interrupt)
    code, _, err = atlas("locate", path)
    assert code == ExitCode.NOT_ENDED
    assert "atlas show" in err


def test_the_version_and_the_commands_are_printed(atlas):
    assert atlas("--version")[1] == "atlas 0.1.0\n"
    code, out, _ = atlas("--help")
    assert code == 0
    assert all(name in out for name in ("classify", "locate", "cluster", "fetch", "watch", "jobs", "show", "cancel", "Exit codes"))


def test_the_module_is_the_command():
    path = {"PYTHONPATH": str(Path(seismic_atlas_client.__file__).parents[1])}
    command = [sys.executable, "-m", "seismic_atlas_client", "--version"]
    assert subprocess.run(command, capture_output=True, text=True, check=True, env=path).stdout == "atlas 0.1.0\n"
