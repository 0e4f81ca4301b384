"""The figure of a waveform fit has a panel for each kind of wave that was fitted."""

from dataclasses import replace

from tests.support.sources import make_trace
from workers.plots.waveform_fits import StationWaveforms, collect_panels, waveform_fit_figure


def make_rows(*, body: bool, love: bool) -> list[StationWaveforms]:
    fits = [make_trace(index).waveform for index in (1, 3)]
    fits = [replace(fit, body=fit.body if body else None, love=fit.rayleigh if love else None) for fit in fits]
    return [StationWaveforms(f"XX.S{number}", fit) for number, fit in enumerate(fits)]


def test_a_kind_of_wave_that_no_station_has_takes_no_room():
    assert list(collect_panels(make_rows(body=False, love=True))) == ["Rayleigh waves", "Love waves"]
    assert list(collect_panels(make_rows(body=True, love=False))) == ["body waves", "Rayleigh waves"]
    assert list(collect_panels([])) == ["Rayleigh waves"]


def test_the_figure_is_drawn_with_any_panels():
    drawn = {waveform_fit_figure(make_rows(body=body, love=love), "Fit") for body in (False, True) for love in (False, True)}
    assert len(drawn) == 4
    assert all(data.startswith(b"\x89PNG") for data in drawn)
