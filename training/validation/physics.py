"""The stores against what is known without them: velocities, travel times, radiation, direct synthesis, the moment read back."""

from pathlib import Path

import numpy as np
from scipy import fft

from models.array_types import Floats
from models.seismic.geodesy import KM_PER_DEGREE
from training.earth import dispersion, greens, structure
from training.earth.greens import GreensStore, GreensTable
from training.synthesis.catalogs import draw_double_couples
from training.synthesis.records import synthesize_displacement
from training.synthesis.sources import Source
from training.synthesis.station_geometry import Stations

PREM_OCEAN_KM = 3.0

HEAD = """# Physics of the synthetics

Written by `python -m training physics` from the stores under `build/greens`; do not edit. `tests/training/validation/test_physics.py` holds
the same figures to their limits on stores of 50 s.

"""


def body_wave(store: GreensStore, phase: str, depth_km: float) -> tuple[Floats, Floats]:
    """Distances [degrees] and [time of the arrival's envelope minus TauP's in PREM, seconds], for P of an explosion or S of a dip slip."""
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


def mantle_magnitude(trace: Floats, step_s: float, distance_deg: float, period_s: float) -> float:
    """
    Logarithm of the moment in N m, from the spectrum [m s] of the first Rayleigh wave at one period.

    Mm of Okal & Talandier (1989, doi:10.1029/JB094iB04p04169), who correct for the distance and for the mean excitation over
    depths and mechanisms, with the attenuation of PREM's fundamental mode; the corrections know nothing of the store.
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
    """Moments [count] in N m that Mm reads off records of random double couples of that moment at random azimuths and distances."""
    random = np.random.default_rng(seed)
    table = store.table(25.0)
    found = []
    inside = np.flatnonzero((table.distances_deg >= 30) & (table.distances_deg <= 100))
    for rr, tt, pp, rt, *_ in draw_double_couples(random, np.full(count, moment)):
        # A random tensor needs no random azimuth: north is along the path, east across.
        index = int(random.choice(inside))
        trace = np.array([rr, tt, pp, -2 * rt]) @ table.get(index)
        found.append(10 ** mantle_magnitude(trace, store.time_step_s, float(table.distances_deg[index]), period_s))
    return np.array(found)


def rotate_source(azimuths_deg: Floats, table: GreensTable, index: int) -> Stations:
    """Stations [azimuths] around a source at one stored distance."""
    count = len(azimuths_deg)
    distances = np.full(count, table.distances_deg[index])
    return Stations((), np.zeros(count), np.zeros(count), distances, azimuths_deg, np.full(count, index))


def direct_difference(store: GreensStore, depth_km: float, azimuth_deg: float, distance_deg: float) -> float:
    """Largest difference, over the peak, of an oblique moment tensor's record from the store and by the engine from source to station."""
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


def lobes(store: GreensStore, rates: Floats, depth_km: float, distance_deg: float) -> int:
    """How often the largest motion changes sign around a source of these rates (3 of a surface force, 6 of a tensor, at one instant)."""
    azimuths = np.arange(0, 360, 5.0)
    source = Source("test", 0, 0, depth_km, rates[:, None])
    table = store.forces if source.is_force else store.table(depth_km)
    motion = synthesize_displacement(store, source, rotate_source(azimuths, table, table.nearest(distance_deg)))
    polarity = np.sign(motion[:, np.abs(motion[0]).argmax()])
    return int(np.count_nonzero(np.diff(np.append(polarity, polarity[0]))))


def _symmetries(stores: dict[str, GreensStore]) -> list[str]:
    lines = [
        "",
        "## Radiation at 50 degrees, and reciprocity",
        "",
        "Sign changes around the source; and, at 50 s only, an oblique tensor's record by",
    ]
    lines += ["reciprocity against the engine's from source to station, largest difference over the peak.", ""]
    lines += ["| store | horizontal force (2) | strike slip (4) | reciprocal against direct |", "|---|---|---|---|"]
    for name, store in stores.items():
        force, slip = np.array([0, 1e10, 0]), np.array([0, 1e18, -1e18, 0, 0, 0])
        counts = f"{lobes(store, force, 0.0, 50.0)} | {lobes(store, slip, 10.0, 50.0)}"
        cheap = store.config.highest_frequency_mhz <= 20
        lines.append(f"| {name} | {counts} | {f'{direct_difference(store, 50.0, 35.0, 50.0):.1e}' if cheap else ''} |")
    return lines


def _velocities(stores: dict[str, GreensStore]) -> list[str]:
    lines = ["## Rayleigh group velocity, km/s: store / disba (difference)", "", "| period | " + " | ".join(stores) + " |"]
    lines.append("|---" * (len(stores) + 1) + "|")
    for period in (20, 25, 30, 40, 50, 60, 75, 100, 125, 150):
        cells = []
        for store in stores.values():
            shortest = 1.15e3 / store.config.highest_frequency_mhz
            if not shortest <= period <= (100 if shortest < 20 else 150):
                cells.append("")
                continue
            speed, seen = dispersion.measure_dispersion(store, period)
            told = dispersion.predict_dispersion(store.config.deck, seen)
            cells.append(f"{speed:.3f} / {told:.3f} ({speed / told - 1:+.1%})")
        lines.append(f"| {period} s | {' | '.join(cells)} |")
    return lines


def physics_page(folder: Path, names: tuple[str, ...]) -> str:
    """The page for those of the stores that are built."""
    stores = {}
    for name in names:
        try:
            stores[name] = greens.load_store(folder / name)
        except (FileNotFoundError, ValueError):
            continue
    lines = [*_velocities(stores), "", "## Travel times: store minus TauP (PREM), seconds: median, median of the absolute", ""]
    lines += ["| store | depth | P | S |", "|---|---|---|---|"]
    for name, store in stores.items():
        if store.config.deck == structure.PREM:
            for depth in (170.0, 600.0) if store.config.highest_frequency_mhz > 50 else (600.0,):
                # At 50 s the reflections above a source at 170 km run into P and S.
                both = [body_wave(store, phase, depth)[1] for phase in ("P", "S")]
                cells = [f"{np.median(late):+.1f}, {np.median(np.abs(late)):.1f} (n = {len(late)})" for late in both]
                lines.append(f"| {name} | {store.table(depth).depth_km:.0f} km | {' | '.join(cells)} |")
    lines += ["", "## Moment of 200 random double couples of 1e20 N m, read off the first Rayleigh wave at 100 s as Mm", ""]
    lines += ["| store | median | tenth and ninetieth percentile |", "|---|---|---|"]
    for name, store in stores.items():
        moments = recover_moments(store, 1e20, 100.0, 200, seed=3407)
        low, middle, high = np.percentile(moments, (10, 50, 90))
        lines.append(f"| {name} | {middle:.2g} N m | {low:.2g} to {high:.2g} N m |")
    lines += _symmetries(stores)
    return HEAD + "\n".join(lines) + "\n"
