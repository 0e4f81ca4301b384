"""The committed configuration page agrees with `workers/settings.py`."""

from pathlib import Path

from app.settings_doc import document
from models.environment import setting_variable
from workers.settings import Settings

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "configuration.md"


def test_the_committed_page_is_up_to_date():
    assert PAGE.read_text() == document(), "run `make settings`"


def test_every_setting_has_a_row():
    page = document()
    missing = [name for name in Settings.model_fields if f"| `{setting_variable(Settings, name)}` |" not in page]
    assert missing == []


def test_every_setting_has_a_description():
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []
