"""Tests of the Green's function stores against independent calculations: dispersion, travel times, radiation, direct synthesis, moment."""

import contextlib
from pathlib import Path

import numpy as np
from scipy import fft

from models.array_types import Floats
from models.seismic.geodesy import KM_PER_DEGREE
from training.earth import dispersion, greens, structure
from training.earth.greens import GreensStore, GreensTable
from training.earth.structure import build_deck_rows
from training.evaluation.pages import RESULTS, format_table, write_page
from training.synthesis.catalogs import draw_double_couples
from training.synthesis.records import synthesize_displacement
from training.synthesis.sources import Source
from training.synthesis.station_geometry import Stations

PREM_OCEAN_KM = 3.0

TEMPLATE = Path(__file__).parent / "templates" / "physics.md"


def measure_travel_time_residuals(store: GreensStore, phase: str, depth_km: float) -> tuple[Floats, Floats]:
    """Residuals [s] of the envelope maxima of P (of an explosion) or S (of dip slip) from TauP in PREM, at distances [degrees]."""
    from obspy.taup import TauPyModel  # noqa: PLC0415  (seconds to load)

    table, step = store.table(depth_km), store.time_step_s
    near, far = (30.0, 90.0) if phase == "P" else (35.0, 58.0)
    chosen = np.flatnonzero((table.distances_deg >= near) & (table.distances_deg <= far))[:: max(len(table.distances_deg) // 60, 1)]
    weights = np.array([1.0, 1.0, 1.0, 0.0]) if phase == "P" else np.array([1.0, -1.0, 0.0, 0.0])
    taup, half = TauPyModel("prem"), 0.6e3 / store.config.highest_frequency_mhz
    residuals = []
    for index in chosen:
        arrivals = taup.get_travel_times(
            # TauP's PREM has its surface where the ocean's was; ours begins at the sea floor.
            table.depth_km + PREM_OCEAN_KM,
            float(table.distances_deg[index]),
            (phase,),
            receiver_depth_in_km=PREM_OCEAN_KM,
        )
        trace = (table.get(int(index)) * weights[:, None]).sum(axis=0)
        padded = fft.next_fast_len(2 * len(trace))
        spectrum = fft.fft(trace, padded) * np.where(fft.fftfreq(padded) > 0, 2.0, 0.0)
        envelope = np.abs(fft.ifft(spectrum))
        times = np.arange(padded) * step - arrivals[0].time
        residuals.append(times[np.argmax(np.where(np.abs(times) <= half, envelope, 0))])
    return table.distances_deg[chosen], np.array(residuals)


def measure_mantle_magnitude(trace: Floats, step_s: float, distance_deg: float, period_s: float) -> float:
    """
    Measure the mantle magnitude Mm: log10 of the moment in N m, from the spectrum of the first Rayleigh wave at one period.

    After Okal & Talandier (1989, doi:10.1029/JB094iB04p04169), with their corrections for distance and for the mean excitation over
    depths and mechanisms, and the attenuation of PREM's fundamental mode; independent of the store.
    """
    distance_km = distance_deg * KM_PER_DEGREE
    first, last = (int(distance_km / speed / step_s) for speed in (4.3, 3.2))
    window = trace[first:last]
    frequency = 1 / period_s
    kernel = np.exp(-2j * np.pi * frequency * np.arange(len(window)) * step_s)
    spectrum_um_s = 1e6 * np.abs((window * kernel).sum()) * step_s
    theta = np.log10(period_s) - 1.8209
    source = 1.6163 * theta**3 - 0.83322 * theta**2 + 0.42861 * theta + 3.7411
    decay = np.log10(np.e) * np.pi * frequency * distance_km / (3.75 * 135.0)
    return float(np.log10(spectrum_um_s) + 0.5 * np.log10(np.sin(np.radians(distance_deg))) + decay + source - 0.90 + 20 - 7)


def recover_moments(store: GreensStore, moment: float, period_s: float, count: int, seed: int) -> Floats:
    """Recover moments [count] in N m by Mm from records of random double couples of that moment at random distances."""
    random = np.random.default_rng(seed)
    table = store.table(25.0)
    found = []
    inside = np.flatnonzero((table.distances_deg >= 30) & (table.distances_deg <= 100))
    for rr, tt, pp, rt, *_ in draw_double_couples(random, np.full(count, moment)):
        # A random tensor needs no random azimuth: north is along the path, east across.
        index = int(random.choice(inside))
        trace = np.array([rr, tt, pp, -2 * rt]) @ table.get(index)
        found.append(10 ** measure_mantle_magnitude(trace, store.time_step_s, float(table.distances_deg[index]), period_s))
    return np.array(found)


def rotate_source(azimuths_deg: Floats, table: GreensTable, index: int) -> Stations:
    """Make stations [azimuths] around a source at one stored distance."""
    count = len(azimuths_deg)
    distances = np.full(count, table.distances_deg[index])
    return Stations((), np.zeros(count), np.zeros(count), distances, azimuths_deg, np.full(count, index))


def compare_with_direct(store: GreensStore, depth_km: float, azimuth_deg: float, distance_deg: float) -> float:
    """Largest difference, relative to the peak, of the record of an oblique moment tensor from the store and by direct synthesis."""
    import yspec  # noqa: PLC0415  (a training-only engine, loaded where it runs)

    table = store.table(depth_km)
    index = table.nearest(distance_deg)
    tensor = dict(zip(("rr", "tt", "pp", "rt", "rp", "tp"), (1e18, -0.3e18, 0.2e18, 0.5e18, -0.7e18, 0.4e18), strict=True))
    receiver = yspec.great_circle((0.0, 0.0), azimuth_deg, [float(table.distances_deg[index])])[0]
    source = yspec.Source(0, 0, table.depth_km, moment_tensor=tensor)
    direct = yspec.seismograms(structure.load_earth_model(store.config.deck), greens.make_calculation(store.config), source, receiver).data[
        0, 0, 0
    ]
    step = np.array(list(tensor.values()))[:, None] / store.time_step_s
    here = rotate_source(np.array([azimuth_deg]), table, index)
    ours = synthesize_displacement(store, Source("test", 0, 0, table.depth_km, step), here)[0]
    return float(np.abs(ours - direct[: len(ours)]).max() / np.abs(direct).max())


def count_lobes(store: GreensStore, rates: Floats, depth_km: float, distance_deg: float) -> int:
    """Count the sign changes of the largest motion around a source with these rates [3, a surface force, or 6, a moment tensor]."""
    azimuths = np.arange(0, 360, 5.0)
    source = Source("test", 0, 0, depth_km, rates[:, None])
    table = store.forces if source.is_force else store.table(depth_km)
    motion = synthesize_displacement(store, source, rotate_source(azimuths, table, table.nearest(distance_deg)))
    polarity = np.sign(motion[:, np.abs(motion[0]).argmax()])
    return int(np.count_nonzero(np.diff(np.append(polarity, polarity[0]))))


def format_symmetries(stores: dict[str, GreensStore]) -> list[tuple[str, ...]]:
    """Format for each store the lobes of a force and of strike slip, and (at 50 s only) the difference to direct synthesis."""
    lines: list[tuple[str, ...]] = []
    for name, store in stores.items():
        force, slip = np.array([0, 1e10, 0]), np.array([0, 1e18, -1e18, 0, 0, 0])
        is_cheap = store.config.highest_frequency_mhz <= 20
        direct = f"{compare_with_direct(store, 50.0, 35.0, 50.0):.1e}" if is_cheap else ""
        lines.append((name, str(count_lobes(store, force, 0.0, 50.0)), str(count_lobes(store, slip, 10.0, 50.0)), direct))
    return lines


def _measure_peaks(traces: Floats, step_s: float, period_s: float) -> tuple[Floats, Floats]:
    """Measure the time [s] of the envelope maximum in a narrow band around the period, and the instantaneous period there, per trace."""
    samples = traces.shape[-1]
    padded = fft.next_fast_len(2 * samples)
    frequencies = fft.fftfreq(padded, step_s)
    band = np.where(frequencies > 0, 2 * np.exp(-60 * (frequencies * period_s - 1) ** 2), 0.0)
    analytic = fft.ifft(fft.fft(traces, padded) * band)[..., :samples]
    envelope = np.abs(analytic)
    peak = np.clip(envelope.argmax(axis=-1), 1, samples - 2)
    rows = np.arange(len(traces))
    before, at, after = (envelope[rows, peak + k] for k in (-1, 0, 1))
    shift = 0.5 * (before - after) / (before - 2 * at + after)
    phase_change = np.angle(analytic[rows, peak + 1] * np.conj(analytic[rows, peak - 1]))
    return (peak + shift) * step_s, 2 * np.pi * 2 * step_s / phase_change


def measure_dispersion(store: GreensStore, period_s: float, range_deg: tuple[float, float] = (30.0, 90.0)) -> tuple[float, float]:
    """
    Measure the group velocity [km/s] of vertical motion due to a vertical force, and the period [s] that it is measured at.

    It is the slope of envelope maxima over distance, which is independent of the source delay and averages out interference with
    overtones at single distances.
    """
    table = store.forces
    inside = np.flatnonzero((table.distances_deg >= range_deg[0]) & (table.distances_deg <= range_deg[1]))
    traces = table.data[inside, 0] * table.scales[inside, 0, None]
    times, periods = _measure_peaks(traces, store.time_step_s, period_s)
    slowness = np.polyfit(table.distances_deg[inside] * KM_PER_DEGREE, times, 1)[0]
    return float(1 / slowness), float(np.median(periods))


def format_velocities(stores: dict[str, GreensStore]) -> list[tuple[str, ...]]:
    """Format for each period the group velocity of each store, that of disba, and their difference."""
    lines = []
    for period in (20, 25, 30, 40, 50, 60, 75, 100, 125, 150):
        cells = []
        for store in stores.values():
            shortest = 1.15e3 / store.config.highest_frequency_mhz
            if not shortest <= period <= (100 if shortest < 20 else 150):
                cells.append("")
                continue
            speed, measured_at = measure_dispersion(store, period)
            expected = dispersion.predict_dispersion(build_deck_rows(store.config.deck), measured_at)
            cells.append(f"{speed:.3f} / {expected:.3f} ({speed / expected - 1:+.1%})")
        lines.append((f"{period} s", *cells))
    return lines


def format_travel_times(stores: dict[str, GreensStore]) -> list[tuple[str, ...]]:
    """Format travel times of P and S of the stores in PREM less those of TauP: median, and median of the absolute values."""
    lines = []
    for name, store in stores.items():
        if store.config.deck == structure.PREM:
            for depth in (170.0, 600.0) if store.config.highest_frequency_mhz > 50 else (600.0,):
                # At 50 s the reflections above a source at 170 km overlap with P and S.
                residuals = [measure_travel_time_residuals(store, phase, depth)[1] for phase in ("P", "S")]
                cells = [f"{np.median(late):+.1f}, {np.median(np.abs(late)):.1f} (n = {len(late)})" for late in residuals]
                lines.append((name, f"{store.table(depth).depth_km:.0f} km", *cells))
    return lines


def format_moments(stores: dict[str, GreensStore]) -> list[tuple[str, ...]]:
    """Format percentiles of the moments that Mm recovers from 200 double couples of 1e20 N m."""
    lines: list[tuple[str, ...]] = []
    for name, store in stores.items():
        low, middle, high = np.percentile(recover_moments(store, 1e20, 100.0, 200, seed=3407), (10, 50, 90))
        lines.append((name, f"{middle:.2g} N m", f"{low:.2g} to {high:.2g} N m"))
    return lines


def write_physics_page(folder: Path, names: tuple[str, ...], command: str) -> Path:
    """Test those of the stores that are built; write `physics.md`."""
    stores = {}
    for name in names:
        with contextlib.suppress(FileNotFoundError, ValueError):
            stores[name] = greens.load_store(folder / name)
    return write_page(
        RESULTS / "physics.md",
        TEMPLATE,
        command,
        velocities=format_table(("period", *stores), format_velocities(stores)),
        travel_times=format_table(("store", "depth", "P", "S"), format_travel_times(stores)),
        moments=format_table(("store", "median", "10th to 90th percentile"), format_moments(stores)),
        symmetries=format_table(
            ("store", "horizontal force (2)", "strike slip (4)", "reciprocal against direct"), format_symmetries(stores)
        ),
    )
