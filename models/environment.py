"""Settings read from environment variables, and what is wrong with them in words for who set them; of the service and of training alike."""

from typing import Any, Final

from pydantic import SecretStr, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings

from models.errors import AtlasError

_BOUNDS: Final = (("ge", "at least"), ("gt", "above"), ("le", "at most"), ("lt", "below"))
_KINDS: Final[dict[object, str]] = {int: "a whole number", float: "a number"}


class BadSettings(AtlasError):
    """Settings that hold something else than is expected; the text has a line for each."""

    code = "bad-settings"


def read_environment[Kind: BaseSettings](kind: type[Kind], **flags: Any) -> Kind:  # noqa: ANN401 -- values of a command line
    """Read settings of a kind from the environment; flags, by name of the setting, take precedence. Raises BadSettings."""
    try:
        return kind(**flags)
    except ValidationError as error:
        raise BadSettings("\n".join(_describe_error(kind, one) for one in error.errors())) from error


def setting_variable(kind: type[BaseSettings], name: str) -> str:
    """Return the environment variable of a setting."""
    alias = kind.model_fields[name].validation_alias
    return str(alias) if alias else f"{kind.model_config['env_prefix']}{name}".upper()


def _describe_error(kind: type[BaseSettings], error: ErrorDetails) -> str:
    """State in a line which setting is wrong, what it holds (unless that may be a secret) and what is expected."""
    names = {key: name for name, field in kind.model_fields.items() for key in (name, str(field.validation_alias))}
    name = names.get(str(error["loc"][0])) if error["loc"] else None
    if name is None:  # of several settings that contradict each other
        return str(error.get("ctx", {}).get("error", error["msg"]))
    field = kind.model_fields[name]
    bounds = " and ".join(f"{words} {getattr(rule, key)}" for rule in field.metadata for key, words in _BOUNDS if hasattr(rule, key))
    secret = SecretStr in (field.annotation, *getattr(field.annotation, "__args__", ()))
    held = "cannot be used (what it holds is not shown)" if secret else f"holds {str(error['input'])[:100]!r}"
    number = _KINDS.get(field.annotation, "")
    expected = ", ".join(text for text in (number, bounds) if text)
    return f"{setting_variable(kind, name)} {held}; expected: {f'{expected} ({field.description})' if expected else field.description}"
