"""Coverage of depths as read and as stated, by geometry and true depth."""

from training.experiments.location.section_depth import GEOMETRIES, HEADS, SectionDepth, format_depth_coverage


def make_result(depth_km, stated_km, interval_km, geometry="array"):
    low_km, high_km = interval_km
    stated = {"stated_km": stated_km, "stated_sigma_km": 10.0, "stated_low_km": low_km, "stated_high_km": high_km}
    return SectionDepth(geometry, 8, depth_km, 6.0, detected=True, section_km=stated_km, section_sigma_km=5.0, **stated)


def test_a_deep_earthquake_stated_as_shallow_may_lie_in_the_wide_interval():
    shallow, deep = make_result(12.0, 18.0, (0.0, 40.0)), make_result(200.0, 25.0, (0.0, 240.0))
    lines = {line[0]: line for line in format_depth_coverage([shallow, deep])}
    assert all(len(line) == len(HEADS) for line in lines.values())
    assert set(lines) >= {geometry.name for geometry in GEOMETRIES}
    inside, widths = HEADS.index("in the stated 90 % interval"), HEADS.index("median width of it, km")
    assert (lines["array"][inside][:4], lines["array"][widths]) == ("100%", "140")
    assert lines["array"][HEADS.index("stated within 1, 3 standard deviations")].startswith("50%")
    assert lines["70 to 300 km deep"][widths] == "240"


def test_an_earthquake_without_a_stated_depth_counts_as_read_only():
    unstated = SectionDepth("few stations", 3, 20.0, 6.0, detected=True, section_km=25.0, section_sigma_km=8.0)
    line = next(line for line in format_depth_coverage([unstated]) if line[0] == "few stations")
    assert line[1] == "1"
    assert line[3:] == ("0", "", "", "", "")
