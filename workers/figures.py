"""Figures for people, each a plain function from arrays to PNG bytes. No model ever sees one of them."""

from workers.plots.families import Family, contact_sheet, families_figure
from workers.plots.maps import Spot, map_figure
from workers.plots.offsets import offsets_figure
from workers.plots.residuals import residuals_figure
from workers.plots.sections import Arrival, section_figure

__all__ = [
    "Arrival",
    "Family",
    "Spot",
    "contact_sheet",
    "families_figure",
    "map_figure",
    "offsets_figure",
    "residuals_figure",
    "section_figure",
]
