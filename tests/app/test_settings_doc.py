"""docs/reference/configuration.md and workers/settings.py say the same."""

from pathlib import Path

from app.settings_doc import document, variable
from workers.settings import Settings

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "configuration.md"


def test_the_committed_page_is_what_the_code_says():
    assert PAGE.read_text() == document(), "run `make settings`"


def test_every_setting_has_a_row():
    page = document()
    missing = [name for name, field in Settings.model_fields.items() if f"| `{variable(name, field)}` |" not in page]
    assert missing == []


def test_every_setting_says_what_it_means():
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []
