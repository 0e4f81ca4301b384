import pytest

from app.uploads.receivers import MAX_NAME, display_name


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("event.mseed", "event.mseed"),
        ("../../etc/passwd", "passwd"),
        ("C:\\data\\event.mseed", "event.mseed"),
        ("a\nb\x00c\u202e.mseed", "a_b_c_.mseed"),
        ("Erdbeben-Ätna.mseed", "Erdbeben-Ätna.mseed"),
        ("", "part_3"),
        ("..", "part_3"),
        ("folder/", "folder"),
        (" / ", "part_3"),
    ],
)
def test_a_file_name_is_reduced_to_its_last_printable_component(raw, expected):
    assert display_name(raw, 3) == expected


def test_a_long_name_is_cut_and_keeps_its_suffix():
    name = display_name("x" * 500 + ".tar.gz", 1)
    assert len(name) == MAX_NAME
    assert name.endswith("x.gz")


def test_a_long_name_without_a_suffix_is_cut():
    assert display_name("x" * 500, 1) == "x" * MAX_NAME
