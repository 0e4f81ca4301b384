"""
Spherical Earth models, by the name of their deck (a table of elastic parameters by radius).

`prem-no-ocean` is PREM (Dziewonski & Anderson 1981, doi:10.1016/0031-9201(81)90046-7) without its ocean, as the engine ships it. The
others keep PREM below 80 km and replace crust and lid, like the models PEM-C and PEM-O for continents and oceans (Dziewonski, Hales &
Lapwood 1975, doi:10.1016/0031-9201(75)90017-5); `training/configs/earth_models.toml` has their layers and sources.

Shear quality factors of the crusts are round numbers of our choice within what Mitchell (1995, doi:10.1029/95RG02074) maps between
active and stable regions; with PREM's 600, Rayleigh waves of 10 to 20 s last too long.
"""

from importlib import resources
from typing import TYPE_CHECKING

from pydantic import BaseModel, RootModel

from training.config import load_recipe

if TYPE_CHECKING:
    import yspec

PREM = "prem-no-ocean"
LID_BASE_M = 6_291_000.0
# PREM's bulk quality factor of the mantle and crust, kept throughout.
Q_KAPPA = 57823.0


class Layer(BaseModel):
    """A layer of the crust: thickness [km], density [g/cm^3], P and S velocity [km/s], and shear quality factor."""

    thickness_km: float
    density: float
    vp: float
    vs: float
    q_mu: float


class UpperStructure(BaseModel):
    """Structure above 80 km depth: radius of the surface [m], crustal layers from the top, and lid velocity relative to PREM's."""

    surface_m: float
    crust: tuple[Layer, ...]
    lid_factor: float


class UpperStructures(RootModel[dict[str, UpperStructure]]):
    """Upper structures by the name of their deck."""


UPPER_STRUCTURES = load_recipe("earth_models", UpperStructures, preset="").root
DECKS = (PREM, "continental", "oceanic")
"""Earth models of training and of the source inversion; nothing is trained on the others."""

# A row of a deck: radius [m], density [kg/m^3], vpv, vsv [m/s], q_kappa, q_mu, vph, vsh [m/s], eta.
Row = tuple[float, ...]


def _read_prem() -> list[Row]:
    text = (resources.files("yspec") / "models" / "prem.200.no").read_text()
    return [tuple(float(cell) for cell in line.split()) for line in text.splitlines()[3:] if line.strip()]


def _build_lid(top: UpperStructure, moho_m: float, prem: list[Row]) -> list[Row]:
    """Build the lid: PREM's, linear in radius, extended or cut to the Moho, with velocities scaled by the factor."""
    base, above = [row for row in prem if row[0] >= LID_BASE_M][1:3]
    lid = []
    for k in range(4):
        radius = LID_BASE_M + k / 3 * (moho_m - LID_BASE_M)
        fraction = (radius - base[0]) / (above[0] - base[0])
        row = [low + fraction * (high - low) for low, high in zip(base, above, strict=True)]
        lid.append(tuple(value * top.lid_factor if column in (2, 3, 6, 7) else value for column, value in enumerate(row)))
    return lid


def _build_crust(top: UpperStructure) -> list[Row]:
    rows: list[Row] = []
    upper = top.surface_m
    for layer in top.crust:
        lower = upper - layer.thickness_km * 1e3
        values = (1e3 * layer.density, 1e3 * layer.vp, 1e3 * layer.vs, Q_KAPPA, layer.q_mu, 1e3 * layer.vp, 1e3 * layer.vs, 1.0)
        rows[:0] = [(radius, *values) for radius in (lower, upper)]
        upper = lower
    return rows


def build_deck_rows(deck: str) -> list[Row]:
    """Build the rows of a deck from the center up (a repeated radius is a discontinuity); raises ValueError for an unknown name."""
    if deck not in (PREM, *UPPER_STRUCTURES):
        raise ValueError(f"there is no Earth model {deck!r}: choose one of {', '.join((PREM, *UPPER_STRUCTURES))}")
    prem = _read_prem()
    if deck == PREM:
        return prem
    top = UPPER_STRUCTURES[deck]
    crust = _build_crust(top)
    below = [row for row in prem if row[0] < LID_BASE_M] + [next(row for row in prem if row[0] == LID_BASE_M)]
    return below + _build_lid(top, crust[0][0], prem) + crust


def format_deck(deck: str) -> str:
    """Format a deck for MINEOS: three header lines, the second of which announces a table, and the rows."""
    table = build_deck_rows(deck)
    lines = [
        f"{r:8.0f} {rho:8.2f} {vpv:8.2f} {vsv:8.2f} {qk:8.1f} {qm:8.1f} {vph:8.2f} {vsh:8.2f} {eta:8.5f}"
        for r, rho, vpv, vsv, qk, qm, vph, vsh, eta in table
    ]
    # The last knots of the inner and of the outer core are PREM's.
    return "\n".join([deck, "1 1.0 1 2", f"{len(table)} 40 112", *lines]) + "\n"


def load_earth_model(deck: str) -> "yspec.Model":
    """Load a deck as a model of the synthesis engine (yspec)."""
    import yspec  # noqa: PLC0415  (a training-only engine, loaded where it runs)

    return yspec.Model.prem(deck) if deck == PREM else yspec.Model.from_text(format_deck(deck))
