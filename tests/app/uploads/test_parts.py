import pytest

from app.uploads.parts import MAX_NAME, display_name


@pytest.mark.parametrize(
    ("raw", "shown"),
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
def test_a_file_name_is_shown_as_its_last_component_in_printable_letters(raw, shown):
    assert display_name(raw, 3) == shown


def test_a_long_name_is_cut_and_keeps_its_ending():
    name = display_name("x" * 500 + ".tar.gz", 1)
    assert len(name) == MAX_NAME
    assert name.endswith("x.gz")


def test_a_long_name_without_an_ending_is_cut():
    assert display_name("x" * 500, 1) == "x" * MAX_NAME
