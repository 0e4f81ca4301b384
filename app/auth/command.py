"""`python -m app keys`: create, list and revoke API keys; the service notices at once, running or not."""

import argparse
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from app.auth.keys import Key, Scope, add_key, keys_path, new_key, read_keys, revoke_key
from models.errors import AtlasError
from workers.settings import Settings

MAX_DAYS = 3650


def main(arguments: list[str]) -> int:
    """Exit status: 0, or 1 with a line that says why."""
    given = _parser().parse_args(arguments)
    settings = Settings() if given.data_dir is None else Settings().model_copy(update={"data_dir": given.data_dir})
    try:
        return _do(given, keys_path(settings))
    except (AtlasError, OSError) as error:
        print(f"keys: {error}")  # noqa: T201 -- meant for a person
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m app keys", description=__doc__)
    parser.add_argument("--data", type=Path, dest="data_dir", help="data folder (ATLAS_DATA_DIR); ATLAS_KEYS_FILE wins")
    what = parser.add_subparsers(dest="what", required=True)
    create = what.add_parser("create", help="make a key and show it, once")
    create.add_argument("owner", help="whose jobs are sent with it; a second key of the same owner sees the same jobs")
    create.add_argument("--scope", action="append", choices=list(Scope), help="repeatable; submit and read where none is given")
    create.add_argument("--days", type=_days, default=365.0, help=f"until it expires, at most {MAX_DAYS} (default: 365)")
    what.add_parser("list", help="all keys, without their secrets")
    what.add_parser("revoke", help="make a key useless").add_argument("id", help="the key's id, as listed")
    return parser


def _do(given: argparse.Namespace, path: Path) -> int:
    match given.what:
        case "create":
            return _create(path, given.owner, given.scope or [Scope.SUBMIT, Scope.READ], given.days)
        case "revoke":
            revoke_key(path, given.id)
            print(f"key {given.id} opens nothing any more")  # noqa: T201
        case _:
            for key in read_keys(path):
                print(_line(key, datetime.now(UTC)))  # noqa: T201
    return 0


def _create(path: Path, owner: str, scopes: list[Scope], days: float) -> int:
    try:
        key, text = new_key(owner, list(dict.fromkeys(scopes)), days)
    except ValidationError:
        print("keys: an owner is a name of letters, digits, '.', '_' and '-', 64 at most")  # noqa: T201
        return 1
    add_key(path, key)
    print(text)  # noqa: T201 -- alone on its line, so that a script can take it
    return 0


def _line(key: Key, now: datetime) -> str:
    state = "revoked" if key.revoked_at else "good" if key.good(now) else "expired"
    return f"{key.id}  {state:7}  {key.expires_at:%Y-%m-%d}  {','.join(key.scopes):17}  {key.owner}"


def _days(text: str) -> float:
    days = float(text)
    if not 0 < days <= MAX_DAYS:
        raise argparse.ArgumentTypeError(f"between 0 and {MAX_DAYS}")
    return days
