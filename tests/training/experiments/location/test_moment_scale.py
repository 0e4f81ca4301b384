"""The page on larger moments states the factor, also in magnitudes."""

from tests.support.event_results import make_result
from training.config import TrainingSettings
from training.experiments.location import moment_scale


def test_the_factor_is_stated(toy_artifacts, tmp_path, monkeypatch):
    results = [make_result(number, stations=12, depth_km=30.0 + number) for number in range(1, 101)]
    monkeypatch.setattr(moment_scale, "evaluate", lambda *_: iter(results))
    monkeypatch.chdir(tmp_path)
    settings = TrainingSettings(artifacts_dir=toy_artifacts, processes=1)
    text = moment_scale.write_moment_scale_page(settings, "", None, 10.0).read_text()
    assert "10 times their moments and forces (+0.7 in magnitude)" in text
