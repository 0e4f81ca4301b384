"""The page in a real browser: from an upload to the answer, links that restore a view, every kind of answer, accessibility, a phone."""

import pytest

from tests.support.browser import IS_INSTALLED, READY, START_READY, check_accessibility, check_quiet
from tests.support.page_results import NONE, ORIGIN, make_location, make_section, submit_job, succeed
from workers.contracts import DataWarning
from workers.exports.tables import locate_many_products, locate_products
from workers.results import ClassifyResult, LocatedEvent, LocateManyResult

pytestmark = [pytest.mark.skipif(not IS_INSTALLED, reason="no Chromium is installed"), pytest.mark.slow, pytest.mark.timeout(240)]

LAND_DRAWN = """() => [...document.querySelectorAll('.map canvas.leaflet-tile-loaded')].some((tile) => {
    const copy = Object.assign(document.createElement('canvas'), {width: tile.width, height: tile.height}), context = copy.getContext('2d');
    context.drawImage(tile, 0, 0);
    return context.getImageData(0, 0, tile.width, tile.height).data.some((value) => value > 0);
})"""


_DRAWINGS_SCRIPT = """
(async () => {
    const load = (name) => import(`/static/${name}.js`);
    const [drawings, section, map, world] = await Promise.all(["drawings", "section", "map", "world"].map(load));
    const radiate = (changes, ...points) => {
        const tensor = {rr: 0, tt: 0, pp: 0, rt: 0, rp: 0, tp: 0, ...changes};
        return points.map(([east, north]) => drawings.radiation(tensor, east, north));
    };
    const {land} = await world.loadWorld();
    const jumps = ({points}) => points.some((x, at) => at > 1 && at % 2 === 0 && points[at + 1] < 1 && Math.abs(x - points[at - 2]) > 0.5);
    const tile = Object.assign(document.createElement("canvas"), {width: 1024, height: 1024});
    world.drawTile(tile, await world.loadWorld(), {x: 0, y: 0, z: 0}, {land: "#eee", border: "#aaa"});
    const at = (latitude, longitude) => {
        const [x, y] = world.project(latitude, longitude);
        return tile.getContext("2d").getImageData(Math.floor(1024 * x), Math.floor(1024 * y), 1, 1).data[3];
    };
    return {
        explosion: radiate({rr: 1, tt: 1, pp: 1}, [0.3, -0.5])[0],
        thrust: radiate({rr: 1, pp: -1}, [0, 0], [0.95, 0]),
        northeast: radiate({tp: -1}, [0.6, 0.6], [0.6, -0.6]),
        arrival: section.interpolate({distances_deg: [10, 20], times_s: [100, 200]}, 12.5),
        rayleigh: section.rayleighVelocity([{distance_deg: 10}, {distance_deg: null}], [
            {phase: "P", index: 0, time_s: 140}, {phase: "LR", index: 0, time_s: 370}, {phase: "LR", index: 1, time_s: 9}]),
        unpicked: section.rayleighVelocity([{distance_deg: 10}], []),
        missing: section.interpolate({distances_deg: [10, 20], times_s: [100, null]}, 12.5),
        east: map.destination(0, 170, 90, 20),
        bounds: (() => {
            const points = [], bounds = {extend: (point) => points.push(point) && bounds};
            const at = (longitude) => ({geometry: {coordinates: [longitude, 0]}, properties: {ellipse: {semi_major_km: 20}}});
            map.epicenterBounds({latLngBounds: () => bounds}, [at(94), at(-118)]);
            return points.map(([, longitude]) => Math.round(longitude));
        })(),
        cut: map.splitOutline([[178, 0], [180, 1], [180, -1], [178, 0]]),
        whole: map.splitOutline([[1, 0], [2, 1], [2, -1], [1, 0]]),
        jumps: land.filter(jumps).length,
        onLand: [[60, 100], [67, 179], [67, -179], [72, -40], [-25, 135], [-80, 0], [10, 20]].map((point) => at(...point) > 200),
        atSea: [[0, -30], [30, -150], [-50, 90], [75, -5], [42, 50.5], [40, 150]].map((point) => at(...point) === 0),
    };
})()
"""


_TEXTS_SCRIPT = """
(async () => {
    const [fit, format] = await Promise.all(["fit", "format"].map((name) => import(`/static/${name}.js`)));
    const wave = (count) => ({observed: Array(count).fill(0), synthetic: Array(count).fill(0), correlation: 0.5, shift_s: -0.2});
    const station = (love) => ({trace: "XX.A..HHZ", distance_deg: 3, azimuth_deg: 10, body: null, rayleigh: wave(4), love});
    const rows = fit.fitRows({step_s: 2.5, traces_in_all: 2, stations: [station(wave(2)), station(null)]});
    const grid = rows.find((one) => one.className === "fits");
    return {
        kinds: [...grid.querySelectorAll("b")].map((one) => one.textContent),
        missing: [...grid.querySelectorAll(".quiet")].map((one) => one.textContent),
        numbers: [format.formatSigned(-0.04), format.formatSigned(-0.06), format.formatSigned(1200), format.formatSigned(0.4, 0)],
        powers: [format.formatPower(3.652e19, 2), format.formatPower(0.00123, 1)],
    };
})()
"""


_FIT_WIDTHS_SCRIPT = """
import("/static/fit.js").then(({fitRows}) => {
    const wave = (count) => ({observed: Array(count).fill(0), synthetic: Array(count).fill(0), correlation: 0.85, shift_s: -12});
    const station = {trace: "IU.TIXI.00.BHZ", distance_deg: 71.3, azimuth_deg: 10, body: wave(500), rayleigh: wave(300), love: wave(300)};
    document.querySelector("#submission").replaceChildren(...fitRows({step_s: 2.5, traces_in_all: 1, stations: [station]}));
    const width = (one) => one.getBoundingClientRect().width;
    const numbers = [...document.querySelectorAll(".fit")[0].querySelectorAll("span")].map((one) => one.getBoundingClientRect());
    const apart = numbers[1].left - numbers[0].right;
    const widths = [...document.querySelectorAll(".fit")].map((one) => [width(one), width(one.querySelector("svg"))]);
    return [widths, apart, numbers[1].top - numbers[0].top];
})
"""


def show_section(page) -> None:
    """Scroll to the record section, which is loaded when it comes near the window."""
    page.run("[...document.querySelectorAll('h3')].find((one) => one.innerText === 'Record section').scrollIntoView()")
    page.wait("document.querySelector('.choice') && !document.querySelector('.awaited')")


def test_an_upload_becomes_an_answer_whose_link_restores_the_view(page, service, worker, tmp_path):
    file = tmp_path / "event.mseed"
    file.write_bytes(b"000001D " + bytes(504))
    page.open(f"{service.base_url}", START_READY)
    check_accessibility(page)
    page.choose_files("#files", file)
    page.wait("document.querySelector('#chosen li')")
    page.run("document.querySelector('#send').click()")
    page.wait("location.hash.startsWith('#job=')")
    job_id = page.run("new URLSearchParams(location.hash.slice(1)).get('job')")
    succeed(worker, job_id, make_location())
    page.wait(f"{READY} === '{job_id}'")
    headline = page.text("#result .headline")
    assert headline.splitlines()[0] == "Tectonic earthquake · 93 % · automatic, not reviewed"
    assert "Dodecanese Islands" in headline
    assert "30 October 2020, 11:51:26.0 UTC ±\u00a02.0\u00a0s" in headline
    assert [part in page.text("#result .stats") for part in ("± 30 km", "14 km", "90 %: 4 to 118 km", "80°", "5 arrivals")] == [True] * 5
    page.wait("document.querySelector('.map .tools')")
    assert page.run("document.querySelectorAll('.map .mark').length") == 7
    assert page.run("document.querySelectorAll('.map path.ellipse').length") == 2
    assert page.run("document.querySelectorAll('.map path.ray').length") == 5
    page.wait(f"({LAND_DRAWN})()")
    assert not any("section.json" in url for url in page.requests)
    show_section(page)
    page.run("document.querySelector('.choice button:not([aria-pressed=true])').click()")
    page.run("document.querySelector('.plot canvas').focus()")
    page.call("Input.dispatchKeyEvent", type="keyDown", key="+")
    page.run("document.querySelector('.map .tool[title=\"Show all stations\"]').click()")
    page.wait("/layout=distance/.test(location.hash) && /t=/.test(location.hash) && /map=/.test(location.hash)")
    address = page.run("location.href")
    page.open(address, f"{READY} === '{job_id}'")
    assert page.run("location.hash") == address[address.index("#") :]
    show_section(page)
    assert page.text(".choice [aria-pressed=true]") == "By distance"
    check_quiet(page, service)


def test_the_options_of_the_task_are_sent_with_the_files(page, service, worker, tmp_path):
    """Those of other tasks are not, although their fields hold values."""
    file = tmp_path / "event.mseed"
    file.write_bytes(b"000001D " + bytes(504))
    page.open(f"{service.base_url}", START_READY)
    page.choose_files("#files", file)
    page.wait("document.querySelector('#chosen li')")
    values = {
        "latitude": "38",
        "longitude": "27",
        "starttime": "2020-10-30T11:51:00",
        "event_type": "earthquake",
        "seed": "7",
        "k_max": "5",
    }
    for name, value in values.items():
        page.run(f"document.querySelector('[name={name}]').value = '{value}'")
    page.run("document.querySelector('[name=many]').checked = true; document.querySelector('#send').click()")
    page.wait("location.hash.startsWith('#job=')")
    sent = worker.records.get(page.run("new URLSearchParams(location.hash.slice(1)).get('job')")).submission.options
    assert (sent.latitude, sent.longitude, sent.event_type, sent.seed, sent.many) == (38.0, 27.0, "earthquake", 7, True)
    assert sent.starttime.isoformat() == "2020-10-30T11:51:00+00:00"
    assert sent.k_max != 5


def test_no_event_is_an_answer(page, service, worker):
    detection = {"detected": False, "statistic": 0.2, "false_alarm_probability": 0.4}
    quiet = {
        "event_type": "none",
        "probabilities": {},
        "epicenter": None,
        "offsets": [],
        "alternatives": [],
        "arrivals": [],
        "method": "none",
    }
    job_id = submit_job(service)
    succeed(worker, job_id, make_location(**NONE, **quiet, azimuthal_gap_deg=None, detection=detection))
    page.open(f"{service.base_url}/#job={job_id}", f"{READY} === '{job_id}'")
    assert "No event detected" in page.text("#result .headline")
    assert "40 %" in page.text("#result .stats")
    assert page.run("document.querySelector('.map')") is None
    check_quiet(page, service)


def test_of_many_events_each_has_its_figures_and_the_list_their_regions(page, service, worker):
    located = make_location()
    result = LocateManyResult(events=[LocatedEvent(event=name, result=located, problem=None) for name in ("a", "b")], located=2)
    job_id = submit_job(service, "/events/locate?many=true")
    record = worker.records.get(job_id)
    products = locate_many_products(record, result, {name: locate_products(record, located, "ATLAS") for name in ("a", "b")})
    figures = {f"event_000{number}_section": make_section() for number in (1, 2)}
    parts = ("a", "all.zip/a/waves.mseed", "b", "all.zip/b.mseed", "all.zip")
    warnings = [DataWarning(trace=None, part=part, code="gaps", detail="1 gap, 3 s in all, left empty") for part in parts]
    worker.succeed(job_id, formats=products, figure_data=figures, result=result.model_dump(mode="json"), warnings=warnings)
    page.open(f"{service.base_url}/#job={job_id}", f"{READY} === '{job_id}'")
    assert "Warnings (5)" in page.text("#result")
    heads = page.run("[...document.querySelectorAll('#result th')].map((one) => one.innerText)")
    assert heads == ["Event", "Class", "Region", "Origin time", "Epicenter", "Depth"]
    assert "Figures (PNG)" not in page.text(".downloads")
    page.open(f"{service.base_url}/#job={job_id}&event=b", f"{READY} === '{job_id}'")
    links = page.run(
        "[...document.querySelectorAll('.downloads p:nth-of-type(2) a')].map((one) => [one.innerText, one.getAttribute('href')])"
    )
    assert [(text, address.rsplit("/", 1)[1]) for text, address in links] == [("Record section", "event_0002_section.png")]
    assert "Warnings (3)" in page.text("#result"), "not those of the other event"
    check_quiet(page, service)


def test_an_undetermined_event_shows_its_probabilities_and_states_no_depth(page, service, worker):
    open_class = {"event_type": "undetermined", "probabilities": {"earthquake": 0.5, "glacial": 0.1, "other": 0.4}}
    job_id = submit_job(service)
    succeed(worker, job_id, make_location(**open_class, depth_km=None, depth_uncertainty_km=None, azimuthal_gap_deg=200.0))
    page.set_screen(1100, 700, dark=True)
    page.open(f"{service.base_url}/#job={job_id}", f"{READY} === '{job_id}'")
    assert [line for line in page.text("#result .classes").splitlines() if "%" in line] == ["50 %", "40 %", "10 %"]
    assert "No class reaches a probability of 80 %" in page.text("#result")
    assert "200° of azimuth open" in page.text("#result")
    check_accessibility(page)
    check_quiet(page, service)


def test_an_undetermined_classification_speaks_of_no_depth_and_its_epicenter_has_no_spurious_digits(page, service, worker):
    """It has no option by which a class is given, either; a given epicenter is repeated as it was given."""
    answer = {"event_type": "undetermined", "probabilities": {"earthquake": 0.64, "glacial": 0.03, "other": 0.33}, "traces_used": 4}
    model = {"model": {"name": "event_type", "version": "5"}, "out_of_distribution": True, "novelty": 0.2}
    texts = []
    for source in ("predicted", "given"):
        point = {"reference_point": {"latitude": 39.7243, "longitude": 27.9553, "source": source}}
        job_id = submit_job(service, "/events/classify")
        result = ClassifyResult.model_validate(answer | model | point)
        worker.succeed(job_id, figure_data={"section": make_section()}, result=result.model_dump(mode="json"))
        page.open(f"{service.base_url}/#job={job_id}", f"{READY} === '{job_id}'")
        texts.append(page.text("#result .facts dd").replace("\u00a0", " "))
    assert texts == ["39.7° N, 28.0° E (predicted epicenter)", "39.72° N, 27.96° E (given trial epicenter)"]
    assert page.text("#result .caution").startswith("No class reaches a probability of 80 %. More stations")
    assert not [word for word in ("depth", "Options", "probable enough") if word in page.text("#result")]
    check_accessibility(page)
    check_quiet(page, service)


def test_warnings_about_the_event_are_above_the_map_and_those_about_records_below(page, service, worker):
    job_id = submit_job(service)
    whole = DataWarning(trace=None, part=None, code="two-events", detail="two events are in the records; send one at a time")
    record = DataWarning(trace="XX.S1.00.LHZ", part=None, code="gaps", detail="1 gap, 3 s in all, left empty")
    succeed(worker, job_id, make_location(), [whole, record])
    page.open(f"{service.base_url}/#job={job_id}", f"{READY} === '{job_id}'")
    above = page.run("[...document.querySelectorAll('.caution')].map((one) => one.innerText)")
    assert above == ["Two events are in the records; send one at a time."]
    page.run("[...document.querySelectorAll('summary')].find((one) => one.innerText === 'Warnings (2)').click()")
    page.wait("document.querySelectorAll('details[open] .plain li').length === 2")
    lines = page.run("[...document.querySelectorAll('details[open] .plain li')].map((one) => one.innerText)")
    assert lines == ["Two events are in the records; send one at a time", "XX.S1.00.LHZ: 1 gap, 3 s in all, left empty"]
    check_accessibility(page)
    check_quiet(page, service)


def test_a_source_states_its_centroid_and_why_it_has_no_magnitude(page, service, worker):
    """Waveforms of its fit are predicted from there, which may be degrees from the stated epicenter."""
    centroid = {"latitude": 30.2972, "longitude": 140.51, "horizontal_uncertainty_km": 223.0, "time": ORIGIN, "time_uncertainty_s": 65.2}
    source = {"kind": "moment-tensor", "constrains": False, "log_likelihood": 37.7, "variance_reduction": 0.5, "centroid": centroid}
    texts = []
    for changes in (
        {"scalar_moment_n_m": 1.15e18, "moment_magnitude": 6.0},
        {"amplitude_unknown": "no response"},
        {"kind": "single-force"},
    ):
        job_id = submit_job(service)
        succeed(worker, job_id, make_location(source=source | changes))
        page.open(f"{service.base_url}/#job={job_id}", f"{READY} === '{job_id}'")
        texts.append(page.text("#result .stat:last-child").splitlines()[-1])
    assert texts == ["moment tensor not constrained", "no instrument response", "no moment tensor"]
    assert "30.3° N, 140.5° E ± 223 km, 30 October 2020, 11:51:26 UTC ± 65 s" in page.text("#result .source").replace("\u00a0", " ")
    check_quiet(page, service)


def test_a_waveform_fit_has_the_kinds_of_waves_that_were_fitted_and_numbers_are_printed_as_such(page, service):
    page.open(f"{service.base_url}", START_READY)
    values = page.run(_TEXTS_SCRIPT)
    assert values["kinds"] == ["Trace", "Rayleigh waves (up to 10 s)", "Love waves (up to 5 s)"]
    assert values["missing"] == ["not used"]
    assert values["numbers"] == ["0.0", "−0.1", "+1,200.0", "0"]
    assert values["powers"] == ["3.65 × 10¹⁹", "1.2 × 10⁻³"]


def test_on_a_phone_waveforms_of_a_fit_are_as_wide_as_their_column(page, service):
    """The correlation is below; beside it left 26 pixels for half an hour of body waves."""
    page.set_screen(390, 844)
    page.open(f"{service.base_url}", START_READY)
    widths, apart, lower = page.run(_FIT_WIDTHS_SCRIPT)
    assert (apart > 8, abs(lower) < 2) == (True, True), "or a negative shift is subtracted from the correlation"
    assert [[round(one) for one in pair] for pair in widths] == [[round(column), round(column)] for column, _ in widths]
    assert min(column for column, _ in widths) > 80
    assert page.run("document.documentElement.scrollWidth") <= 390


def test_an_example_is_submitted_with_its_task(page, service, worker):
    page.open(f"{service.base_url}", "document.querySelectorAll('#examples button').length === 4")
    page.run("document.querySelectorAll('#examples button')[3].click()")
    page.wait("location.hash.startsWith('#job=')")
    record = worker.records.get(page.run("new URLSearchParams(location.hash.slice(1)).get('job')"))
    assert record.submission.kind == "cluster"
    assert [(part.name, part.size_bytes > 100_000) for part in record.submission.parts] == [("anomalies.zip", True)]
    page.run("document.querySelector('#cancel').click()")
    page.wait("document.querySelector('#problem h2')?.textContent === 'Canceled'")


def test_nothing_is_wider_than_a_phone(page, service, worker):
    page.set_screen(390, 844)
    job_id = submit_job(service, name="a_very_long_name_of_a_file_that_somebody_exported.mseed")
    succeed(worker, job_id, make_location())
    views = {
        "": "document.querySelector('#recent a')",
        "#models": "document.querySelectorAll('.card').length === 5",
        f"#job={job_id}": f"{READY} === '{job_id}'",
    }
    for view, ready in views.items():
        page.open(f"{service.base_url}/{view}", ready)
        assert page.run("document.documentElement.scrollWidth") <= 390, view
        if view == "#models":
            check_accessibility(page)
            assert "synthetic catalog replica" in page.text("#models")
            assert "twin" not in page.text("#models")
    check_quiet(page, service)


def test_model_cards_follow_the_chain_and_show_real_events_in_one_table(page, service):
    page.open(f"{service.base_url}/#models", "document.querySelectorAll('.card').length === 5")
    titles = page.run("[...document.querySelectorAll('.card h3')].map((title) => title.innerText)")
    assert titles == ["Epicentral distance", "Event type", "Depth", "Force azimuth", "Families"]
    card = "document.querySelectorAll('.card')[2]"
    assert page.run(f"[...{card}.querySelectorAll('h4')].map((title) => title.innerText)")[:2] == [
        "Synthetic catalog replica, random split",
        "Real earthquakes",
    ]
    assert "weights of depth-5." in page.run(f"{card}.querySelector('.limits').innerText")
    page.run(f"{card}.querySelector('details').open = true")
    page.wait(f"{card}.querySelector('details table')")
    heads = "[...one.querySelectorAll('th')].map((head) => head.innerText)"
    tables = page.run(f"[...{card}.querySelectorAll('details table')].map((one) => [{heads}, one.querySelectorAll('tbody tr').length])")
    (events,) = [count for heads, count in tables if heads[0] == "Event"]
    measured = {one["dataset"] for one in page.run("fetch('/models/depth').then((answer) => answer.json())")["metrics"]}
    assert events == sum(dataset.startswith("real event ") for dataset in measured) > 10
    assert len(tables) == 1 + sum(not dataset.startswith("real event ") for dataset in measured)
    check_quiet(page, service)


def test_recent_jobs_name_events_by_the_words_of_the_page(page, service, worker):
    job_id = submit_job(service)
    succeed(worker, job_id, make_location(**(NONE | {"event_type": "glacial", "origin_time": ORIGIN, "origin_time_uncertainty_s": 2.0})))
    page.open(f"{service.base_url}", "document.querySelector('#recent b')?.innerText.includes(',')")
    assert page.text("#recent b") == "Glacial earthquake, Dodecanese Islands, Greece"
    check_quiet(page, service)


def test_circles_of_distance_fit_the_stations(page, service):
    page.open(f"{service.base_url}", START_READY)
    script = "import('/static/drawings.js').then(({circleDistances}) => [[0.2], [4.2, 1], [74], [170], []].map(circleDistances))"
    circles = page.run(script)
    assert [[round(one, 3) for one in three] for three in circles] == [
        [0.1, 0.2, 0.3],
        [2, 4, 6],
        [30, 60, 90],
        [60, 120, 180],
        [0.1, 0.2, 0.3],
    ]


def test_distances_state_the_sign_of_their_residuals_and_few_uncertain_ones_shrink_no_figure(page, service, worker):
    """Residuals are at the edge there; the deviation of a distance near the epicenter is not rounded to zero."""
    offsets = make_location().offsets
    near = {"epicentral_distance_deg": 1.79, "epicentral_distance_uncertainty_deg": 0.04}
    far = {"distance_deg": 24.4, "distance_uncertainty_deg": 51.4, "residual_deg": -20.2, "used": True}
    job_id = submit_job(service)
    succeed(worker, job_id, make_location(offsets=[offsets[0].model_copy(update=near), *offsets[1:4], offsets[4].model_copy(update=far)]))
    page.open(f"{service.base_url}/#job={job_id}", f"{READY} === '{job_id}'")
    page.run("[...document.querySelectorAll('summary')].find((one) => one.innerText.startsWith('Epicentral distances')).click()")
    page.wait("document.querySelector('.residuals')")
    assert "Epicenter − predicted" in page.text("details[open] thead")
    assert "1.79° ± 0.04°" in page.text("details[open] tbody").replace("\u00a0", " ")
    assert page.text("details[open] figcaption").startswith("Residuals: distance from the epicenter minus predicted distance")
    assert page.text("details[open] figcaption").endswith("at the edge: beyond it")
    assert page.run("document.querySelector('.residuals text').textContent") == "−1.4°"
    check_accessibility(page)
    check_quiet(page, service)


def test_drawings_follow_the_conventions_of_seismology(page, service):
    """Explosion and thrust on the lower hemisphere, arrivals between nodes, great circles, and land on both sides of the antimeridian."""
    page.open(f"{service.base_url}", START_READY)
    values = page.run(_DRAWINGS_SCRIPT)
    assert values["explosion"] == pytest.approx(1.0)
    assert (values["thrust"][0] > 0, values["thrust"][1] < 0) == (True, True)
    assert (values["northeast"][0] > 0, values["northeast"][1] < 0) == (True, True)
    assert (values["arrival"], values["missing"]) == (125.0, None)
    assert (values["rayleigh"], values["unpicked"]) == (pytest.approx(3.005, abs=0.01), None)
    assert values["east"] == pytest.approx([0.0, 190.0], abs=1e-9)
    assert values["bounds"] == [90, 98, 238, 246], "where they are drawn, on the shorter way around the Earth from the first"
    assert values["jumps"] == 0
    assert values["cut"] == [[[178, 0], [180, 1]], [[180, -1], [178, 0]]]
    assert values["whole"] == [[[1, 0], [2, 1], [2, -1], [1, 0]]]
    assert all(values["onLand"]), values["onLand"]
    assert all(values["atSea"]), values["atSea"]
