"""Moment tensors at each depth, of records made of the shipped tables: the best of all depths, and how far mechanisms are known."""

from pathlib import Path

import numpy as np
import pytest
from scipy import fft

from models.registry.earth_tables import load_earths
from models.seismic.geodesy import azimuth_deg, destination, distance_deg, geocentric_latitude_deg
from models.seismic.source import inversion, solution
from models.seismic.source.array_layout import LOG_LIKELIHOOD, MECHANISM, STATE
from models.seismic.source.correlations import PathModel
from models.seismic.source.greens_tables import DEPTHS_KM, STEP_S, STRAINS, nearest_distances
from models.seismic.source.inversion import SourceFit, invert_source
from models.seismic.source.mechanisms import kagan_angle_deg, trial_tensors
from models.seismic.source.observations import Guess, observe_records
from models.seismic.source.problem import PHASE_ERRORS, EpicenterPrior, make_excitation, prepare_problem
from models.seismic.source.radiation import project_tensor
from models.seismic.source.solution import MAX_MECHANISM_DEG, describe_fit
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Gather

ARTIFACTS = Path(__file__).parents[4] / "models" / "artifacts"
EPICENTER = (38.0, 27.0)
ORIGIN_S = 1_000_000_000.0
LEAD_S, RECORD_S = 600.0, 4800.0
STATIONS = 10


@pytest.fixture(scope="module")
def earth():
    return next(iter(load_earths(ARTIFACTS).values()))


def make_gather(earth, tensor, depth, noise):
    """Displacement of a moment tensor at a tabulated depth, by index, at stations on all sides, with noise."""
    random = np.random.default_rng(3)
    latitudes, longitudes = destination(*EPICENTER, 36.0 * np.arange(STATIONS), random.uniform(20.0, 70.0, STATIONS))
    places = geocentric_latitude_deg(EPICENTER[0]), EPICENTER[1], geocentric_latitude_deg(latitudes), longitudes
    samples, components = np.zeros((STATIONS, int(RECORD_S))), np.empty(STRAINS)
    for row, (distance, direction) in enumerate(zip(distance_deg(*places), azimuth_deg(*places), strict=True)):
        at = nearest_distances(distance, 0)
        project_tensor(tensor, np.radians(direction), components)
        series = components @ earth.read(at, np.array([depth]), STRAINS)[0, 0]
        first = int(LEAD_S + earth.begins_s[at[0]])
        smooth = fft.irfft(fft.rfft(series), int(STEP_S) * len(series)) * STEP_S
        samples[row, first : first + len(smooth)] = smooth[: samples.shape[1] - first]
    samples += noise * np.abs(samples).max(axis=1, keepdims=True) * random.normal(size=samples.shape)
    names = tuple(TraceId("XX", f"S{k}", "", "LHZ") for k in range(STATIONS))
    return Gather(names, ORIGIN_S - LEAD_S, 1.0, samples.astype(np.float32) * 1e6, latitudes, longitudes)


def test_the_depth_of_a_tensor_is_found_and_its_mechanism_is_known(earth):
    depth, tensor = 12, trial_tensors()[5]
    prior = EpicenterPrior(EPICENTER[0] + 0.5, EPICENTER[1] - 0.5, 1.0, ORIGIN_S + 10.0)

    fit = invert_source(make_gather(earth, tensor, depth, 0.1), range(STATIONS), (earth,), prior, "tensor", "displacement")
    found = describe_fit(fit)

    assert found.constrains
    assert abs(found.depth_km - DEPTHS_KM[depth]) < 10.0
    assert kagan_angle_deg(found.tensor, tensor) < 20.0
    assert found.states_mechanism
    assert found.mechanism_uncertainty_deg < 40.0
    assert fit.by_depth[:, STATE].tolist() == list(range(len(DEPTHS_KM)))
    assert found.depth_profile.max() == found.log_likelihood


def test_from_a_start_at_the_wrong_depth_the_right_one_is_traced(earth):
    """The start, 20 km deep with a mechanism of its own, fits badly; a chain of 600 steps from it stays in the crust."""
    depth, tensor = 16, trial_tensors()[5]
    gather = make_gather(earth, tensor, depth, 0.1)
    observations = observe_records(gather, Guess(*EPICENTER, ORIGIN_S), range(STATIONS), 20.0, 180.0, PHASE_ERRORS["tensor"])
    excitation = make_excitation("tensor", np.arange(len(DEPTHS_KM)), "displacement")
    models, prior = [PathModel(earth, excitation)], EpicenterPrior(*EPICENTER, 1.0, ORIGIN_S)
    problem = prepare_problem(observations, models, np.zeros((1, len(observations))), prior, (5, 24), {})
    start = np.array([0.0, *np.radians((float(geocentric_latitude_deg(EPICENTER[0])), EPICENTER[1])), 5.0, 0.0, 0.0, *trial_tensors()[9]])

    chain = inversion._walk(problem, start, inversion.COOLING, 50.0, 1)
    rows = inversion._trace_depths(problem, [start])

    best = rows[np.argmax(rows[:, LOG_LIKELIHOOD])]
    assert abs(int(best[STATE]) - depth) <= 1
    assert best[LOG_LIKELIHOOD] > chain[:, LOG_LIKELIHOOD].max() + 20.0
    assert kagan_angle_deg(best[MECHANISM], tensor) < 20.0


def test_a_source_is_kept_at_a_depth_only_if_it_fits_better(earth):
    gather = make_gather(earth, trial_tensors()[5], 10, 0.1)
    observations = observe_records(gather, Guess(*EPICENTER, ORIGIN_S), range(STATIONS), 20.0, 180.0, PHASE_ERRORS["tensor"])
    excitation = make_excitation("tensor", np.arange(len(DEPTHS_KM)), "displacement")
    models, prior = [PathModel(earth, excitation)], EpicenterPrior(*EPICENTER, 1.0, ORIGIN_S)
    problem = prepare_problem(observations, models, np.zeros((1, len(observations))), prior, (5, 24), {})
    row = np.array([0.0, *np.radians((float(geocentric_latitude_deg(EPICENTER[0])), EPICENTER[1])), 10.0, 0.0, 0.0, *trial_tensors()[5]])
    rows = np.tile(row, (len(DEPTHS_KM), 1))
    rows[:, LOG_LIKELIHOOD] = -np.inf

    inversion._offer_row(problem, rows, 10, row)
    kept = rows.copy()
    inversion._offer_row(problem, rows, 10, np.concatenate((row[:6], trial_tensors()[40])))

    assert kept[10, LOG_LIKELIHOOD] >= problem.evaluate(row)
    np.testing.assert_array_equal(rows, kept)


def make_fit(profile, mechanisms, states, best):
    """A fit whose chain holds `mechanisms` at depths `states`, and at each depth another mechanism, the sixth one."""
    by_depth = np.zeros((len(DEPTHS_KM), 12))
    by_depth[:, LOG_LIKELIHOOD], by_depth[:, STATE], by_depth[:, MECHANISM] = profile, np.arange(len(DEPTHS_KM)), trial_tensors()[5]
    samples = np.zeros((len(states), 12))
    samples[:, STATE], samples[:, MECHANISM] = states, mechanisms
    empty = np.zeros((0, 3, 3))
    top = np.concatenate(([profile.max()], np.zeros(5), best))
    return SourceFit("tensor", top, samples, 0.0, None, by_depth, np.zeros(0), np.zeros(0, int), np.zeros(0), empty, np.zeros((0, 3)), ())


def test_mechanisms_of_a_depth_that_fits_as_well_make_that_of_the_best_uncertain():
    """The chain stays at 18 km, where all samples have the mechanism of the best; another one fits as well from 88 km on."""
    best, other = trial_tensors()[0], trial_tensors()[5]
    narrow, wide = np.full(len(DEPTHS_KM), 10.0), np.full(len(DEPTHS_KM), 10.0)
    narrow[4], wide[4], wide[12:16] = 80.0, 80.0, 80.0
    fits = [make_fit(profile, np.tile(best, (20, 1)), np.full(20, 4), best) for profile in (narrow, wide)]

    sure, unsure = (solution._spread_mechanisms(fit) for fit in fits)

    assert sure == pytest.approx(0.0, abs=0.1)
    assert unsure == pytest.approx(kagan_angle_deg(best, other))
    assert unsure > MAX_MECHANISM_DEG
