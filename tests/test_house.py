"""House rules that no linter checks: where packages load from, what no file may contain, sizes and names."""

import ast
import importlib
import json
import re
import subprocess
import tomllib
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from tests.support.long_files import LONG, TOGETHER, WAITING

ROOT = Path(__file__).parents[1]
PACKAGES = ("app", "models", "training", "workers")
CLIENT = "client/src/seismic_atlas_client"  # a distribution of its own: the rules of the packages hold for it too
FILE_LINES = 400
FUNCTION_LINES = 40
FOLDER_MODULES = 15

# Longer than the ceiling, each with its reason: a path, or path::function.
LONGER: dict[str, str] = {f"{CLIENT}/models.py": "written by client/generate_models.py: one class for each schema of openapi.json"}

# Words that identifiers do not use; docs/reference/glossary.md has the standard terms.
BANNED = {
    "audible",
    "bearing",
    "bearings",
    "courtesy",
    "deepest",
    "desk",
    "faint",
    "front",
    "fronts",
    "heard",
    "ladder",
    "loud",
    "louder",
    "loudness",
    "misled",
    "reach",
    "said",
    "sharer",
    "sharers",
    "spoil",
    "spool",
    "standing",
    "surge",
    "surges",
    "thinning",
    "told",
    "trainsums",
    "twin",
    "twins",
    "vote",
    "votes",
    "wavetrain",
    "wavetrains",
    "weighed",
}

# Public names that several modules define, because a caller finds them there by convention.
SHARED_NAMES = {"log_likelihood", "main", "router", "run", "train"}

# Verbs and adjectives that only look like participles: `compiled` decorates a function.
VERBS = {"compiled", "embed", "feed", "read", "seed"}
IRREGULAR_PARTICIPLES = {"drawn", "found", "given", "held", "kept", "known", "said", "seen", "sent", "shown", "taken", "told", "written"}
PARTICLES = {"all", "by", "closely", "for", "from", "in", "of", "on", "out", "over", "to", "together", "up", "with"}

# Joined here, so that this file does not contain them itself.
HOSTS = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("debian", "org"),
        ("docker", "io"),
        ("ghcr", "io"),
        ("quay", "io"),
        ("gcr", "io"),
        ("download", "pytorch", "org"),
        ("proxy", "golang", "org"),
    )
)
MACHINE_PATHS = re.compile(r"/(?<![\w./}-]/)(?:work|root|Users|home/(?!somebody/)\w+)/")  # a slash first: it is found quickly
PICKLES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}


@cache
def tracked(suffix: str = "") -> tuple[Path, ...]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    paths = [ROOT / name for name in listed.split("\0") if name.endswith(suffix)]
    return tuple(path for path in paths if path.is_file())


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def texts() -> list[tuple[str, str]]:
    """Name and text of every tracked file that is text."""
    found = []
    for path in tracked():
        data = path.read_bytes()
        if b"\0" not in data[:8192]:
            found.append((name_of(path), data.decode(errors="replace")))
    return found


@cache
def trees() -> list[tuple[str, ast.Module]]:
    return [(name_of(path), ast.parse(path.read_text())) for path in tracked(".py")]


@cache
def nodes_of(tree: ast.Module) -> tuple[ast.AST, ...]:
    """All nodes of a file: several rules look at each."""
    return tuple(ast.walk(tree))


@pytest.mark.parametrize("name", PACKAGES)
def test_the_package_loads_from_this_repository(name):
    assert Path(importlib.import_module(name).__file__).parent == ROOT / name


@pytest.mark.parametrize("folder", ["tests", "docker", "benchmarks"])
def test_the_folder_is_no_package(folder):
    """`tests` and `docker` are names of other people's packages too; an __init__.py would make them importable."""
    assert list((ROOT / folder).rglob("__init__.py")) == []


def test_files_and_folders_that_the_order_of_tests_names_exist():
    assert [name for name in (*LONG, *TOGETHER) if not (ROOT / "tests" / name).is_file()] == []
    assert [name for name in WAITING if not (ROOT / "tests" / name).is_dir()] == []


def test_package_files_hold_a_docstring_and_nothing_else():
    """But that of the client, which names what a caller imports from it."""
    full = [name for name, tree in trees() if name.endswith("__init__.py") and len(tree.body) > 1]
    assert full == [f"{CLIENT}/__init__.py"]


def test_no_file_names_a_registry():
    assert [(name, host) for name, text in texts() for host in HOSTS if host in text] == []


def test_no_file_names_a_path_of_somebodys_machine():
    assert [(name, hit.group()) for name, text in texts() if (hit := MACHINE_PATHS.search(text))] == []


def test_nothing_unpickles():
    """A pickle is a program: whoever writes the file or the queue would run it here (hazards H1, H14)."""
    guilty = []
    for name, tree in trees():
        imported = [alias.name for node in nodes_of(tree) if isinstance(node, ast.Import) for alias in node.names]
        imported += [node.module or "" for node in nodes_of(tree) if isinstance(node, ast.ImportFrom)]
        guilty += [(name, module) for module in imported if module.split(".")[0] in PICKLES]
        guilty += [(name, call) for call in loads_of_anything(tree)]
    assert guilty == []


def loads_of_anything(tree: ast.Module) -> list[str]:
    """Calls that unpickle by the way: numpy with allow_pickle, torch without weights_only."""
    found = []
    for call in (node for node in nodes_of(tree) if isinstance(node, ast.Call)):
        arguments = {word.arg: ast.unparse(word.value) for word in call.keywords if word.arg in ("allow_pickle", "weights_only")}
        unsafe_torch = calls(call, "torch.load") and arguments.get("weights_only") != "True"
        if arguments.get("allow_pickle", "False") != "False" or unsafe_torch:
            found.append(ast.unparse(call))
    return found


def calls(call: ast.Call, function: str) -> bool:
    """Whether a call is of `module.function`, written that way."""
    module, name = function.split(".")
    return isinstance(call.func, ast.Attribute) and call.func.attr == name and ast.unparse(call.func.value) == module


def test_obspy_reads_named_formats_and_never_guesses():
    """Without a format ObsPy tries every reader it has, unpickling among them (hazard H1)."""
    guilty = []
    for name, tree in trees():
        imports = [node for node in nodes_of(tree) if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "obspy"]
        guilty += [(name, "from obspy import read") for node in imports for alias in node.names if alias.name == "read"]
        for call in (node for node in nodes_of(tree) if isinstance(node, ast.Call)):
            inventory = calls(call, "obspy.read_inventory")
            if not (inventory or calls(call, "obspy.read")) or (inventory and "format" in {word.arg for word in call.keywords}):
                continue
            if {word.arg: ast.unparse(word.value) for word in call.keywords}.get("format") != "'MSEED'":
                guilty.append((name, ast.unparse(call)))
    assert guilty == []


def test_no_file_or_function_is_too_long():
    assert {name: lines for name, lines in too_long().items() if name not in LONGER} == {}


def test_every_exception_is_still_needed():
    assert [name for name in LONGER if name not in too_long()] == []


@cache
def too_long() -> dict[str, int]:
    """Lines of files, and of functions without their docstrings, where they exceed the ceiling."""
    files = {name_of(path): len(path.read_text().splitlines()) for path in tracked(".py")}
    bodies = {f"{name}::{function.name}": code_lines(function) for name, tree in trees() for function in functions(tree)}
    return {name: n for name, n in files.items() if n > FILE_LINES} | {name: n for name, n in bodies.items() if n > FUNCTION_LINES}


def functions(tree: ast.Module) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [node for node in nodes_of(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def code_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    docstring = function.body[0] if ast.get_docstring(function) else None
    documented = docstring.end_lineno - docstring.lineno + 1 if docstring else 0
    return function.end_lineno - function.lineno + 1 - documented


def test_no_folder_holds_more_modules_than_one_can_survey():
    modules = Counter(path.parent for path in tracked(".py") if path.name != "__init__.py" and is_of_a_package(name_of(path)))
    assert {name_of(folder): count for folder, count in modules.items() if count > FOLDER_MODULES} == {}


def test_identifiers_use_the_words_of_the_glossary():
    assert sorted({(name, identifier) for name, identifier in identifiers() if BANNED.intersection(words(identifier))}) == []


@cache
def identifiers() -> list[tuple[str, str]]:
    """File and identifier: names of modules, and whatever a module defines or assigns to."""
    found = [(name, Path(name).stem) for name, _ in trees()]
    for name, tree in trees():
        for node in nodes_of(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                found.append((name, node.name))
            elif isinstance(node, ast.arg):
                found.append((name, node.arg))
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                found.append((name, node.id))
            elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                found.append((name, node.attr))
    return [(name, identifier) for name, identifier in found if name != "tests/test_house.py"]


def words(identifier: str) -> list[str]:
    """The words of an identifier in snake case or camel case, in lower case."""
    return [word.lower() for word in re.split(r"_+|(?<=[a-z0-9])(?=[A-Z])", identifier) if word]


def test_bounds_are_called_minimum_and_maximum():
    assert sorted({(name, identifier) for name, identifier in identifiers() if re.match(r"_?(LEAST|MOST)_", identifier)}) == []


def test_a_public_name_belongs_to_one_module():
    """A caller that reads the name knows the module; names that a protocol asks for are the exception. The client is apart."""
    modules: dict[tuple[bool, str], set[str]] = {}
    for name, tree in trees():
        if is_of_a_package(name):
            for node in tree.body:
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                    modules.setdefault((name.startswith(CLIENT), node.name), set()).add(name)
    assert {name: found for (_, name), found in modules.items() if len(found) > 1 and name not in SHARED_NAMES} == {}


def is_of_a_package(path: str) -> bool:
    """Whether a file belongs to one of the packages or to the client."""
    return path.split("/", maxsplit=1)[0] in PACKAGES or path.startswith(f"{CLIENT}/")


def test_no_function_is_named_by_a_participle():
    """A function does something, so its name begins with a verb; properties may be adjectives."""
    assert [(name, function.name) for name, tree in trees() for function in functions(tree) if is_participle(name, function)] == []


def is_participle(path: str, function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a function of the packages is named by a participle alone, as `_filtered` or `passed_over`; a noun may follow one."""
    first, *rest = words(function.name) or [""]
    participle = (first.endswith("ed") and first not in VERBS) or first in IRREGULAR_PARTICIPLES
    if not is_of_a_package(path) or not participle or not PARTICLES.issuperset(rest):
        return False
    return not any("property" in ast.unparse(decorator) for decorator in function.decorator_list)


NAMED = re.compile(rf"`((?:{'|'.join(PACKAGES)})(?:\.\w+)+)`")


def names_something(dotted: str) -> bool:
    """Whether a dotted name is that of a module or folder, or of something that such a module defines."""
    parts = dotted.split(".")
    for count in range(len(parts), 1, -1):
        module = ROOT.joinpath(*parts[:count])
        if module.is_dir() and count == len(parts):
            return True
        if module.with_suffix(".py").is_file():
            defined = module.with_suffix(".py").read_text()
            return all(re.search(rf"\b{name}\b", defined) for name in parts[count:])
    return False


def test_what_docstrings_name_exists():
    wrong = [
        (name, dotted) for name, text in texts() if name.endswith(".py") for dotted in NAMED.findall(text) if not names_something(dotted)
    ]
    assert wrong == []


def test_the_version_is_the_same_everywhere():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert json.loads((ROOT / "openapi.json").read_text())["info"]["version"] == version
    assert f'VERSION = "{version}"' in (ROOT / CLIENT / "version.py").read_text()
    images = re.findall(r"image: seismic-atlas-\S+:\$\{ATLAS_TAG:-([^}]+)\}", (ROOT / "docker-compose.yml").read_text())
    assert set(images) == {version}


def test_the_python_version_is_the_same_everywhere():
    version = (ROOT / ".python-version").read_text().strip()
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"].startswith(f">={version},")
    bases = [
        line for path in (ROOT / "docker").glob("Dockerfile.*") for line in path.read_text().splitlines() if line.startswith("ARG PYTHON=")
    ]
    assert bases
    assert [line for line in bases if not line.startswith(f"ARG PYTHON={version}-")] == []


def pins(group: str) -> dict[str, list[str]]:
    """Requirement to its hashes, as compiled for the group."""
    found: dict[str, list[str]] = {}
    for line in (ROOT / "requirements" / f"{group}.txt").read_text().splitlines():
        if line.startswith("    --hash="):
            found[next(reversed(found))].append(line.strip(" \\"))
        else:
            found[line.removesuffix(" \\")] = []
    return found


def declared() -> dict[str, list[str]]:
    """Groups of pyproject.toml and the names that each asks for itself."""
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    return {group: [re.split(r"[>=<\[; ]", item)[0] for item in items if isinstance(item, str)] for group, items in groups.items()}


@pytest.mark.parametrize("group", declared())
def test_every_requirement_is_pinned_by_hash_and_without_an_address(group):
    assert pins(group), "run `make pins`"
    assert [pin for pin, hashes in pins(group).items() if not re.match(r"[a-z0-9-]+==[^ ]+", pin) or not hashes or "://" in pin] == []


@pytest.mark.parametrize("group", declared())
def test_every_declared_dependency_is_compiled(group):
    names = {pin.split("==")[0] for pin in pins(group)}
    assert [name for name in declared()[group] if re.sub(r"[_.]", "-", name.lower()) not in names] == [], "run `make pins`"


def test_what_a_bigger_group_installs_is_what_the_smaller_one_did():
    """One environment serves all, so a package has one version; CUDA's wheels differ where torch asks for its own."""
    versions = {group: dict(pin.split(" ;")[0].split("==") for pin in pins(group)) for group in ("api", "worker", "training", "dev")}
    for smaller, bigger in (("api", "worker"), ("worker", "training"), ("training", "dev")):
        assert {name: version for name, version in versions[smaller].items() if versions[bigger][name] != version} == {}
