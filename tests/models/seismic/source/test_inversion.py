"""Inversion of records made of a toy table: a dispersive pulse whose amplitude depends on the mechanism and whose shape on depth."""

from dataclasses import replace

import numpy as np
import pytest

from models.seismic.geodesy import KM_PER_DEGREE, azimuth_deg, back_azimuth_deg, destination, distance_deg, geocentric_latitude_deg
from models.seismic.source.array_layout import LOVE, RAYLEIGH
from models.seismic.source.correlations import DAMPING, PathModel
from models.seismic.source.force_histories import HISTORY_DELAYS_S, HISTORY_WEIGHTS
from models.seismic.source.greens_tables import (
    BLOCK,
    DEPTHS_KM,
    DISTANCES_DEG,
    FORCES,
    STEP_S,
    TRANSVERSE,
    GreensTables,
    layout,
    pack_series,
)
from models.seismic.source.inversion import invert_source
from models.seismic.source.observations import RAYLEIGH_KM_S, Guess, observe_records, rotate_to_transverse
from models.seismic.source.problem import (
    ASSUMED_GAIN_DEVIATION,
    PHASE_ERRORS,
    EpicenterPrior,
    list_motions,
    make_excitation,
    prefer_models,
    prepare_problem,
)
from models.seismic.source.solution import describe_fit, measure_amplitude
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Gather

EPICENTER = (66.0, -38.0)
ORIGIN_S = 1_000_000_000.0
NEAR, FAR = 20.0, 70.0
LOVE_KM_S = 4.4


def wave(times_s, distance_deg, component, velocity_km_s=3.75):
    """A wave train, 25 to 100 s, for a unit step; that of the component d is delayed by 12 s."""
    late = np.asarray(times_s) - distance_deg * KM_PER_DEGREE / velocity_km_s - 12.0 * component
    periods = np.geomspace(25.0, 110.0, 24)
    phases = 2.0 * np.pi * (late[..., None] / periods) + 0.02 * distance_deg * (40.0 / periods) ** 2
    return (np.cos(phases) * np.exp(-((late[..., None] / 260.0) ** 2))).sum(axis=-1) * 1e-18


def make_tables(arrangement, components, velocity_km_s):
    """Tables with forces alone, at all distances."""
    begins_s, counts, first_blocks = arrangement
    total = int(first_blocks[-1, -1]) + components * -(-int(counts[-1, -1]) // BLOCK)
    mantissas, exponents = np.zeros(total * BLOCK, np.int8), np.zeros(total, np.int16)
    for row, distance in enumerate(DISTANCES_DEG):
        times = begins_s[row] + STEP_S * np.arange(counts[-1, row])
        packed = pack_series(np.stack([wave(times, distance, component, velocity_km_s) for component in range(components)]))
        first = int(first_blocks[-1, row])
        mantissas[first * BLOCK : first * BLOCK + packed[0].size] = packed[0].ravel()
        exponents[first : first + packed[1].size] = packed[1].ravel()
    return GreensTables(mantissas, exponents, begins_s, counts, first_blocks)


@pytest.fixture(scope="module")
def toy_tables():
    """Rayleigh waves at 3.75 km/s, Love waves at 4.4."""
    return replace(make_tables(layout(), FORCES, 3.75), transverse=make_tables(layout(TRANSVERSE), TRANSVERSE[1], LOVE_KM_S))


def excite(history, times, step):
    """The response to the history: the sum of derivatives of the step response at its impulses."""
    rate = np.gradient(step, 1.0)
    pairs = zip(HISTORY_DELAYS_S[history], HISTORY_WEIGHTS[history], strict=True)
    return sum(weight * np.interp(times - delay, times, rate) for delay, weight in pairs)


def make_gather(azimuth, history, noise):
    """Displacement of a force along an azimuth at eight stations around it, with noise, as a gather."""
    random = np.random.default_rng(7)
    directions, ranges = np.arange(10.0, 360.0, 45.0), random.uniform(NEAR, FAR, 8)
    latitudes, longitudes = destination(*EPICENTER, directions, ranges)
    places = geocentric_latitude_deg(EPICENTER[0]), EPICENTER[1], geocentric_latitude_deg(latitudes), longitudes
    distances, azimuths = distance_deg(*places), azimuth_deg(*places)
    times = np.arange(-1500.0, 4500.0)
    rows = []
    for distance, direction in zip(distances, azimuths, strict=True):
        rows.append(excite(history, times, np.cos(np.radians(direction - azimuth)) * wave(times, distance, 1)))
    clean = np.array(rows)
    samples = clean + noise * np.abs(clean).max() * random.normal(size=clean.shape)
    names = tuple(TraceId("XX", f"S{k}", "", "LHZ") for k in range(8))
    return Gather(names, ORIGIN_S - 1500.0, 1.0, samples.astype(np.float32) * 1e15, latitudes, longitudes)


def make_horizontals(gather, azimuth, history, noise):
    """Motion to north and east of Love waves of the same force, on the clock of the gather."""
    places = geocentric_latitude_deg(EPICENTER[0]), EPICENTER[1], geocentric_latitude_deg(gather.latitudes_deg), gather.longitudes_deg
    rows, random = [], np.random.default_rng(8)
    times = np.arange(-1500.0, 4500.0)
    for distance, direction, back in zip(distance_deg(*places), azimuth_deg(*places), back_azimuth_deg(*places), strict=True):
        transverse = excite(history, times, np.sin(np.radians(azimuth - direction)) * wave(times, distance, 0, LOVE_KM_S))
        clockwise = np.radians(back + 180.0 + 90.0)  # of the direction away from the source
        rows.append((transverse * np.cos(clockwise), transverse * np.sin(clockwise)))
    clean = np.array(rows)
    return ((clean + noise * np.abs(clean).max() * random.normal(size=clean.shape)) * 1e15).astype(np.float32)


def test_a_force_is_found_with_its_azimuth_sign_and_epicenter(toy_tables):
    """From a guess 90 km away and 15 s late."""
    gather, traces = make_gather(230.0, 4, 0.2), list(range(8))
    prior = EpicenterPrior(EPICENTER[0] + 0.7, EPICENTER[1] + 1.0, 1.0, ORIGIN_S + 15.0)

    fit = invert_source(gather, traces, (toy_tables,), prior, "force", "displacement")
    found = describe_fit(fit)

    assert found.constrains
    assert abs((found.force_azimuth_deg - 230.0 + 180.0) % 360.0 - 180.0) < 8.0
    assert found.sign_probability > 0.9
    assert distance_deg(*EPICENTER, found.region.latitude_deg, found.region.longitude_deg) * KM_PER_DEGREE < 25.0
    assert len(found.traces) >= 6
    unknown = describe_fit(fit, response_known=False)
    assert abs(found.time_s - ORIGIN_S) < found.time_uncertainty_s < unknown.time_uncertainty_s
    assert found.azimuth_profile[23] > max(found.azimuth_profile[5], found.azimuth_profile[14]) + 10.0, "230 against 50 and 140 degrees"


def test_waveforms_are_synthesized_as_they_were_fitted_and_give_the_size_of_the_source(toy_tables):
    """The records hold lobes of 1e15 N s, and known instruments: the amplitude is theirs, and one without a response has no say."""
    gather, traces = make_gather(230.0, 4, 0.05), list(range(8))
    fit = invert_source(gather, traces, (toy_tables,), EpicenterPrior(*EPICENTER, 0.3, ORIGIN_S), "force", "displacement")
    found = describe_fit(fit)

    for trace in found.traces:
        window = trace.waveform.rayleigh
        measured = np.corrcoef(window.observed, window.synthetic)[0, 1]
        assert measured == pytest.approx(window.correlation, abs=0.12)
    amplitude = measure_amplitude(found, set(traces))
    impulse = amplitude.value / abs(HISTORY_DELAYS_S[found.history] @ HISTORY_WEIGHTS[found.history])
    assert np.log10(impulse) == pytest.approx(15.0, abs=0.15)
    assert amplitude.traces == len([trace for trace in found.traces if trace.correlation >= 0.5])
    assert measure_amplitude(found, set()) is None


def test_amplitudes_of_known_gains_determine_the_azimuth_between_stations(toy_tables):
    """All stations see one shape but for its sign, so without amplitudes every azimuth between two changes of sign fits alike."""
    gather, traces = make_gather(238.0, 4, 0.05), list(range(8))
    prior = EpicenterPrior(*EPICENTER, 0.3, ORIGIN_S)

    free, known = (
        describe_fit(
            invert_source(gather, traces, (toy_tables,), prior, "force", "displacement", gain_deviations=dict.fromkeys(gains, 0.4))
        )
        for gains in ((), traces)
    )

    assert abs(known.force_azimuth_deg - 238.0) < 8.0
    assert known.force_azimuth_uncertainty_deg < 0.8 * free.force_azimuth_uncertainty_deg


def test_amplitudes_help_where_gains_are_known_to_a_factor_of_two_only(toy_tables):
    gather, traces = make_gather(238.0, 4, 0.05), list(range(8))
    gains = np.exp(np.random.default_rng(3).normal(0.0, ASSUMED_GAIN_DEVIATION, len(traces)))
    scaled = replace(gather, samples=(gather.samples * gains[:, None]).astype(np.float32))
    prior = EpicenterPrior(*EPICENTER, 0.3, ORIGIN_S)

    free, compared = (
        describe_fit(invert_source(scaled, traces, (toy_tables,), prior, "force", "displacement", gain_deviations=deviations))
        for deviations in ({}, dict.fromkeys(traces, ASSUMED_GAIN_DEVIATION))
    )

    assert abs(compared.force_azimuth_deg - 238.0) < compared.force_azimuth_uncertainty_deg * 2.0
    assert compared.force_azimuth_uncertainty_deg < free.force_azimuth_uncertainty_deg


def test_love_waves_determine_the_azimuth_where_gains_are_unknown(toy_tables):
    """The components of a station share its gain, so Love over Rayleigh waves tell the angle between force and path."""
    gather, traces = make_gather(238.0, 4, 0.05), list(range(8))
    horizontals, gains = make_horizontals(gather, 238.0, 4, 0.05), np.random.default_rng(9).lognormal(0.0, 1.5, 8).astype(np.float32)
    unequal = replace(gather, samples=gather.samples * gains[:, None])
    prior = EpicenterPrior(EPICENTER[0] + 0.3, EPICENTER[1], 0.5, ORIGIN_S)

    vertical, both = (
        describe_fit(invert_source(unequal, traces, (toy_tables,), prior, "force", "displacement", horizontals=motion))
        for motion in (None, horizontals * gains[:, None, None])
    )

    assert abs(both.force_azimuth_deg - 238.0) < 6.0
    assert both.sign_probability > 0.9
    assert both.force_azimuth_uncertainty_deg < 0.7 * vertical.force_azimuth_uncertainty_deg
    assert both.log_likelihood > vertical.log_likelihood + 20.0


def test_the_transverse_is_clockwise_from_the_direction_away_from_the_source():
    """At a station in the north of the source the direction away is north, and 90 degrees clockwise from it east."""
    north_east = np.array([[3.0], [2.0]], np.float32)

    assert rotate_to_transverse(north_east, 180.0) == pytest.approx(2.0)
    assert rotate_to_transverse(north_east, 270.0) == pytest.approx(-3.0), "a station in the east"


def test_one_wrong_gain_does_not_turn_the_force(toy_tables):
    gather, traces = make_gather(238.0, 4, 0.05), list(range(8))
    gather.samples[3] *= 50.0

    fit = invert_source(
        gather,
        traces,
        (toy_tables,),
        EpicenterPrior(*EPICENTER, 0.3, ORIGIN_S),
        "force",
        "displacement",
        gain_deviations=dict.fromkeys(traces, 0.4),
    )

    assert abs(describe_fit(fit).force_azimuth_deg - 238.0) < 12.0


def test_each_path_has_the_earth_that_fits_it(toy_tables):
    """One of two Earths is silent beyond 45 degrees, the other nearer: together they fit all stations."""
    gather, traces = make_gather(230.0, 4, 0.2), list(range(8))
    far = np.arange(len(toy_tables.mantissas)) >= toy_tables.first_blocks[-1, np.searchsorted(DISTANCES_DEG, 45.0)] * BLOCK
    silent = [replace(toy_tables, mantissas=np.where(quiet, 0, toy_tables.mantissas).astype(np.int8)) for quiet in (far, ~far)]
    prior = EpicenterPrior(*EPICENTER, 0.3, ORIGIN_S)

    alone = [invert_source(gather, traces, (one,), prior, "force", "displacement") for one in silent]
    both = invert_source(gather, traces, silent, prior, "force", "displacement")

    assert both.log_likelihood > max(fit.log_likelihood for fit in alone) + 5.0


def test_each_record_of_unknown_response_has_the_corner_period_that_fits_it(toy_tables):
    """Every second seismometer has a corner of 40 s; taken for broadband ones they fit worse."""
    gather, traces = make_gather(230.0, 4, 0.1), list(range(8))
    corners = 2.0 * np.pi / np.where(np.arange(8) % 2 == 0, 180.0, 40.0)[:, None]
    s = 2j * np.pi * np.fft.rfftfreq(gather.samples.shape[1], 1.0)
    recorded = np.fft.rfft(gather.samples) * s**3 / (s**2 + 2.0 * DAMPING * corners * s + corners**2)
    seismograms = replace(gather, samples=np.fft.irfft(recorded, gather.samples.shape[1]).astype(np.float32))
    prior = EpicenterPrior(*EPICENTER, 0.3, ORIGIN_S)

    broadband, unknown = (invert_source(seismograms, traces, (toy_tables,), prior, "force", motion) for motion in ("broadband", "unknown"))

    assert unknown.log_likelihood > broadband.log_likelihood + 5.0
    assert list(list_motions("unknown")) == ["broadband", "intermediate"]
    assert list_motions("velocity") == {"velocity": 1.0}


def test_where_earths_fit_alike_a_path_has_that_of_its_land_or_sea(toy_tables):
    """Tables of three Earths are the same, so that only the prior chooses."""
    observations = observe_records(make_gather(230.0, 4, 0.2), Guess(*EPICENTER, ORIGIN_S), range(8), 20.0, 180.0, PHASE_ERRORS["force"])
    excitation = make_excitation("force", np.arange(len(HISTORY_DELAYS_S)), "displacement")
    models = [PathModel(replace(toy_tables, crust=crust), excitation) for crust in (None, "land", "sea")]
    preferences = prefer_models(models, np.array([0.0, 0.2, 0.4, 0.45, 0.55, 0.7, 0.9, 1.0]))
    problem = prepare_problem(observations, models, preferences, EpicenterPrior(*EPICENTER, 1.0, ORIGIN_S), (5, 24), {})
    row = np.array([0.0, *np.radians(EPICENTER), 4.0, 0.0, 0.0, 0.0, -0.64, -0.77])

    mixed = problem.choose_paths(row)

    assert mixed.chosen.tolist() == [2, 2, 2, 2, 1, 1, 1, 1]


def test_waveforms_outvote_the_land_of_a_path(toy_tables):
    """One Earth is silent, and all paths prefer it."""
    observations = observe_records(make_gather(230.0, 4, 0.05), Guess(*EPICENTER, ORIGIN_S), range(8), 20.0, 180.0, PHASE_ERRORS["force"])
    excitation = make_excitation("force", np.arange(len(HISTORY_DELAYS_S)), "displacement")
    earths = [toy_tables, replace(toy_tables, mantissas=np.zeros_like(toy_tables.mantissas), crust="land")]
    prior = EpicenterPrior(*EPICENTER, 1.0, ORIGIN_S)
    models = [PathModel(earth, excitation) for earth in earths]
    problem = prepare_problem(observations, models, prefer_models(models, np.ones(8)), prior, (5, 24), {})
    row = np.array([0.0, np.radians(geocentric_latitude_deg(EPICENTER[0])), np.radians(EPICENTER[1]), 4.0, 0.0, 0.0, 0.0, -0.64, -0.77])

    mixed = problem.choose_paths(row)

    fitting = problem.fit_windows(row)[:, 1, 1] > 0.5
    assert fitting.sum() >= 5
    assert not mixed.chosen[fitting].any()
    assert np.array_equal(mixed.fit_windows(row)[fitting], problem.fit_windows(row)[fitting])
    assert problem.weigh_mixture(row) > replace(problem, preferences=problem.preferences - 1.0).weigh_mixture(row)


def test_noise_constrains_nothing(toy_tables):
    gather, traces = make_gather(230.0, 4, 0.2), list(range(8))
    samples = np.random.default_rng(3).normal(size=gather.samples.shape).astype(np.float32)
    noise = Gather(gather.trace_ids, gather.start_time_s, 1.0, samples, gather.latitudes_deg, gather.longitudes_deg)

    fit = invert_source(noise, traces, (toy_tables,), EpicenterPrior(*EPICENTER, 1.0, ORIGIN_S), "force", "displacement")

    assert not describe_fit(fit).constrains


def test_two_traces_are_too_few(toy_tables):
    gather = make_gather(230.0, 4, 0.2)

    assert invert_source(gather, [0, 1], (toy_tables,), EpicenterPrior(*EPICENTER, 1.0, ORIGIN_S), "force") is None


def test_depths_of_the_tables_ascend():
    assert list(DEPTHS_KM) == sorted(DEPTHS_KM)
    assert len(DEPTHS_KM) >= 24


def test_noise_leaves_nothing_of_love_windows_without_love_waves_to_explain():
    """Noise of the Love window as strong as that outside says nothing, so that it must not choose a mechanism."""
    gather = make_gather(40.0, 4, 0.02)
    waves, random = make_horizontals(gather, 40.0, 4, 0.02), np.random.default_rng(5)
    noise = (0.3 * np.abs(waves).max() * random.normal(size=waves.shape)).astype(np.float32)
    guess = Guess(*EPICENTER, ORIGIN_S)

    with_waves, without = (
        [one.spectra[LOVE].signal_fraction for one in observe_records(gather, guess, range(8), 20.0, 180.0, 0.004, horizontals)]
        for horizontals in (waves, noise)
    )

    assert np.median(without) < 0.2 * np.median(with_waves)


def test_short_periods_of_far_records_weigh_less_where_phases_are_uncertain():
    """The gain is that of whitening by noise, which is the same, times the weight of a phase error of 30 s at 63 degrees."""
    gather, traces = make_gather(230.0, 4, 0.2), range(8)
    sure, unsure = (observe_records(gather, Guess(*EPICENTER, ORIGIN_S), traces, 20.0, 180.0, error)[0] for error in (0.0, 0.016))
    frequencies = sure.spectra[RAYLEIGH].frequencies_hz
    late_s = 0.016 * sure.distance_deg * KM_PER_DEGREE / RAYLEIGH_KM_S

    ratio = unsure.spectra[RAYLEIGH].gain / sure.spectra[RAYLEIGH].gain

    np.testing.assert_allclose(ratio, 1.0 / np.sqrt(1.0 + (2.0 * np.pi * frequencies * late_s) ** 2), rtol=1e-6)
    assert unsure.spectra[RAYLEIGH].degrees_of_freedom < sure.spectra[RAYLEIGH].degrees_of_freedom
