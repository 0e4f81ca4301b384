"""Synthetic three-component records: waves of known back azimuth in noise."""

import numpy as np

from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Horizontals, Record

START_S = 1_262_304_000.0


def station(name: str, motion: np.ndarray, rate_hz: float, coordinates: tuple[float, float], azimuths_deg=(0.0, 90.0)) -> Record:
    """Make a record of vertical, north and east motion [3, n], its horizontal components having the given azimuths."""
    azimuths = np.radians(azimuths_deg)
    horizontal = np.stack([np.cos(azimuth) * motion[1] + np.sin(azimuth) * motion[2] for azimuth in azimuths]).astype(np.float32)
    codes = [TraceId("XX", name, "", channel) for channel in ("BHZ", "BHN", "BHE")]
    beside = Horizontals((codes[1], codes[2]), horizontal, azimuths_deg)
    return Record(codes[0], START_S, rate_hz, motion[0].astype(np.float32), *coordinates, horizontals=beside)


def p_wave(back_azimuth_deg: float, ratio: float = 8.0, seed: int = 1, rate_hz: float = 10.0, incidence_deg: float = 25.0) -> np.ndarray:
    """Draw motion [3, n] of a P wave in the middle of ten minutes, with a signal-to-noise ratio of about `ratio` at 0.8 to 2 Hz."""
    rng = np.random.default_rng(seed)
    count = round(600 * rate_hz)
    times = (np.arange(count) - count // 2) / rate_hz
    wavelet = np.where(times > 0.0, np.exp(-times / 4.0) * np.sin(2.0 * np.pi * 1.2 * times), 0.0)
    away = np.radians(back_azimuth_deg + 180.0)
    slant = np.sin(np.radians(incidence_deg))
    direction = np.array([np.cos(np.radians(incidence_deg)), slant * np.cos(away), slant * np.sin(away)])
    return ratio * direction[:, None] * wavelet + rng.normal(0.0, 1.0, (3, count))


def surface_wave(back_azimuth_deg: float, ratio: float = 8.0, seed: int = 1, *, love: bool = False, flatter: float = 0.8) -> np.ndarray:
    """Draw motion [3, 3600] at 1 Hz of a retrograde Rayleigh wave of 25 s, or of a Love wave with a weak vertical component."""
    rng = np.random.default_rng(seed)
    times = np.arange(3600.0) - 1800.0
    phase, envelope = 2.0 * np.pi * times / 25.0, ratio * np.exp(-0.5 * (times / 70.0) ** 2)
    away = np.radians(back_azimuth_deg + 180.0)
    noise = rng.normal(0.0, 1.0, (3, 3600))
    if love:
        return noise + envelope * np.stack((0.2 * np.cos(phase), -np.sin(away) * np.sin(phase), np.cos(away) * np.sin(phase)))
    radial = -flatter * np.sin(phase)  # at the top of its ellipse a particle moves towards the source
    return noise + envelope * np.stack((np.cos(phase), np.cos(away) * radial, np.sin(away) * radial))


def overlapping_waves(back_azimuth_deg: float, seed: int) -> np.ndarray:
    """Draw motion [3, 600] at 1 Hz of Rayleigh and Love waves that overlap, 3 to 15 degrees from a source, band-passed at 30 to 50 s."""
    rng = np.random.default_rng(seed)
    hertz, apart_km = np.fft.rfftfreq(4096), 111.2 * rng.uniform(3.0, 15.0)
    passed = (hertz > 1.0 / 50.0) & (hertz < 1.0 / 30.0)

    def draw_wave(velocities_km_s: tuple[float, float], amplitude: float) -> np.ndarray:
        velocity = rng.uniform(*velocities_km_s) + 0.008 * (1.0 / np.maximum(hertz, 0.01) - 40.0)
        return amplitude * passed * np.exp(-2j * np.pi * (hertz * apart_km / velocity + rng.uniform()))

    rayleigh, love = draw_wave((3.5, 3.9), 1.0), draw_wave((4.0, 4.4), rng.lognormal())
    body = draw_wave((8.0, 8.1), 0.15)
    radial, away = 0.75j * rayleigh + 0.6 * body, np.radians(back_azimuth_deg + 180.0)
    north, east = radial * np.cos(away) - love * np.sin(away), radial * np.sin(away) + love * np.cos(away)
    motion = np.fft.irfft(np.stack((rayleigh + body, north, east)), 4096)[:, :600]
    return 1000.0 * motion / np.abs(motion[0]).max() + rng.normal(0.0, 1.0, (3, 600))
