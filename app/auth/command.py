"""`python -m app keys`: create, list and revoke API keys. A running service applies changes with the next request."""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from app.auth.keys import Key, Scope, add_key, new_key, read_keys, revoke_key
from app.auth.running import find_keys_path
from models.errors import AtlasError
from workers.settings import read_settings

MAX_DAYS = 3650
_DATA_HELP = "data folder of the service (ATLAS_DATA_DIR; default: that of the service that runs); ATLAS_KEYS_FILE takes precedence"


def main(arguments: list[str]) -> int:
    """Run the command; return its exit status, 1 after a printed error. Raises BadSettings."""
    given = _parser().parse_args(arguments)
    settings = read_settings() if given.data_dir is None else read_settings(data_dir=given.data_dir)
    try:
        path = find_keys_path(settings)
        print(f"key file: {path.resolve()}", file=sys.stderr)  # noqa: T201 -- apart from the key, which a script may read
        return _run(given, path)
    except (AtlasError, OSError) as error:
        print(f"keys: {error}")  # noqa: T201 -- meant for a person
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m app keys", description=__doc__)
    parser.add_argument("--data", type=Path, dest="data_dir", help=_DATA_HELP)
    commands = parser.add_subparsers(dest="command", required=True)
    create = commands.add_parser("create", help="create a key and print it; it cannot be shown again")
    create.add_argument("owner", help="owner of the jobs submitted with the key; keys of one owner share their jobs")
    create.add_argument("--scope", action="append", choices=list(Scope), help="repeatable (default: submit and read)")
    create.add_argument("--days", type=_parse_days, default=365.0, help=f"days until the key expires, at most {MAX_DAYS} (default: 365)")
    commands.add_parser("list", help="list all keys, without their secrets")
    commands.add_parser("revoke", help="revoke a key").add_argument("id", help="id of the key, as listed")
    return parser


def _run(given: argparse.Namespace, path: Path) -> int:
    match given.command:
        case "create":
            return _create(path, given.owner, given.scope or [Scope.SUBMIT, Scope.READ], given.days)
        case "revoke":
            revoke_key(path, given.id)
            print(f"revoked key {given.id}")  # noqa: T201
        case _:
            for key in read_keys(path):
                print(_format_key(key, datetime.now(UTC)))  # noqa: T201
    return 0


def _create(path: Path, owner: str, scopes: list[Scope], days: float) -> int:
    try:
        key, text = new_key(owner, list(dict.fromkeys(scopes)), days)
    except ValidationError:
        print("keys: invalid owner; use 1 to 64 letters, digits, '.', '_' and '-', beginning with a letter or digit")  # noqa: T201
        return 1
    add_key(path, key)
    print(text)  # noqa: T201 -- alone on its line, so that a script can read it
    return 0


def _format_key(key: Key, now: datetime) -> str:
    state = "revoked" if key.revoked_at else "valid" if key.is_valid(now) else "expired"
    return f"{key.id}  {state:7}  {key.expires_at:%Y-%m-%d}  {','.join(key.scopes):17}  {key.owner}"


def _parse_days(text: str) -> float:
    days = float(text)
    if not 0 < days <= MAX_DAYS:
        raise argparse.ArgumentTypeError(f"must be greater than 0 and at most {MAX_DAYS}")
    return days
