"""What is installed is what is locked: every dependency, on every Python and platform, by hash."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import socket
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
# One entry for each package: the line with its version, and the lines of its hashes.
PINS = re.findall(r"^(\S+==\S+(?: ; .*?)?) \\\n((?: +--hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", LOCK, flags=re.MULTILINE)

PYTHONS = ["3.11.0", "3.12.0", "3.13.0"]
PLATFORMS = {
    "Linux": {"sys_platform": "linux", "platform_machine": "x86_64"},
    "Linux on ARM": {"sys_platform": "linux", "platform_machine": "aarch64"},
    "macOS": {"sys_platform": "darwin", "platform_machine": "arm64"},
    "Windows": {"sys_platform": "win32", "platform_machine": "AMD64"},
}


def test_the_lock_holds_versions_and_hashes_and_nothing_else() -> None:
    rest = LOCK
    for pin, hashes in PINS:
        rest = rest.replace(f"{pin} \\\n{hashes}", "", 1)
    assert [line for line in rest.splitlines() if not line.lstrip().startswith("#")] == []


def test_the_lock_tells_nothing_about_the_machine_that_made_it() -> None:
    assert re.findall(r"\S*(?://|file:|/tmp|/home|/root|/opt|--index|--find-links|\\\\)\S*", LOCK) == []


def test_keras_hub_is_locked_without_what_brings_a_second_tensorflow() -> None:
    """`make lock` overrides it (overrides.txt); encoders of photos need none, which tests of them show."""
    names = [canonicalize_name(Requirement(pin).name) for pin, _ in PINS]
    assert "keras-hub" in names and "tensorflow-text" not in names
    assert not any("hub" in Requirement(text).extras for text in PROJECT["optional-dependencies"]["dev"]), "of pip"
    overridden = (ROOT / "overrides.txt").read_text(encoding="utf-8")
    assert "tensorflow-text;" in overridden
    assert "--override overrides.txt" in (ROOT / "Makefile").read_text(encoding="utf-8")


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("python", PYTHONS)
def test_every_dependency_is_locked_in_its_bounds(python: str, platform: str) -> None:
    environment = PLATFORMS[platform] | {"python_version": python[:4], "python_full_version": python}
    pinned = {canonicalize_name(pin.name): pin.specifier for pin in applying([pin for pin, _ in PINS], environment)}
    extras = PROJECT["optional-dependencies"]
    others = [wanted for extra in ("cpu", "scale", "export", "hub", "signing", "dev") for wanted in extras[extra]]
    named = [wanted for wanted in [*PROJECT["dependencies"], *others] if not wanted.startswith("kiyas[")]
    for wanted in applying(named, environment):
        (exactly,) = pinned[canonicalize_name(wanted.name)]
        assert wanted.specifier.contains(exactly.version), f"{wanted} is locked at {exactly}; run `make lock`"


@pytest.mark.parametrize(
    ("platform", "package"),
    [
        ("Linux", "tensorflow-cpu"),
        ("Windows", "tensorflow-cpu"),
        ("Linux on ARM", "tensorflow"),
        ("macOS", "tensorflow"),
    ],
)
def test_each_platform_gets_one_tensorflow(platform: str, package: str) -> None:
    environment = PLATFORMS[platform] | {"python_version": "3.12", "python_full_version": "3.12.0"}
    names = [pin.name for pin in applying([pin for pin, _ in PINS], environment)]
    assert [name for name in names if name.startswith("tensorflow")] == [package]


def test_the_pythons_of_the_makefile_are_those_of_the_project() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    allowed = SpecifierSet(PROJECT["requires-python"])
    offered = re.findall(r"python(3\.\d+)", re.findall(r"^CANDIDATES.*", makefile, flags=re.MULTILINE)[0])
    assert sorted(offered) == [
        version for version in (f"3.{minor}" for minor in range(20)) if f"{version}.0" in allowed
    ]


def test_programs_of_the_environment_find_each_other_without_activation(tmp_path: Path) -> None:
    venv.create(tmp_path / ".venv", with_pip=False)
    (tmp_path / "requirements.lock").touch()
    (tmp_path / ".venv/.ready").touch()  # younger than the lock: nothing is installed
    subprocess.run(["make", "--silent", "-f", ROOT / "Makefile", "setup"], cwd=tmp_path, check=True)
    seen = [
        subprocess.run(
            [
                tmp_path / ".venv/bin/python",
                "-c",
                "import os, shutil; print(shutil.which('python'), os.environ['PATH'])",
            ],
            env={"PATH": path},
            capture_output=True,
            text=True,
        ).stdout.split()
        for path in ("/usr/bin:/bin", f"/usr/bin:{tmp_path}/.venv/bin")
    ]
    python = str(tmp_path / ".venv/bin/python")
    assert [found for found, _ in seen] == [python, python]
    assert seen[0][1] == f"{tmp_path}/.venv/bin:/usr/bin:/bin"


def test_what_the_pipeline_imports_is_declared() -> None:
    declared = {canonicalize_name(Requirement(text).name) for text in PROJECT["dependencies"]} | {"tensorflow"}
    extra = {canonicalize_name(Requirement(text).name) for text in PROJECT["optional-dependencies"]["export"]}
    exporting = ROOT / "pipeline/operations/exporting"
    homes = importlib.metadata.packages_distributions()
    for file in (ROOT / "pipeline").rglob("*.py"):
        allowed = declared | extra if exporting in file.parents else declared
        for module in imported_packages(file) - {"pipeline", "tensorflow"} - sys.stdlib_module_names:
            packages = {canonicalize_name(name) for name in homes.get(module, [module])}
            assert packages & allowed, f"{file} imports {module}; add it to the dependencies in pyproject.toml"


def applying(texts: list[str], environment: dict[str, str]) -> list[Requirement]:
    """Those requirements whose marker holds in an environment."""
    requirements = [Requirement(text) for text in texts]
    full = {"implementation_name": "cpython", "platform_python_implementation": "CPython"} | environment
    return [given for given in requirements if given.marker is None or given.marker.evaluate(full)]


def imported_packages(file: Path) -> set[str]:
    """The top-level names of all that a file imports."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add((node.module or "").partition(".")[0])
    return names


def test_an_environment_behind_a_link_is_not_emptied(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    (shared / "bin").mkdir(parents=True)
    (tmp_path / "checkout").mkdir()
    (tmp_path / "checkout/.venv").symlink_to(shared)
    (tmp_path / "checkout/requirements.lock").touch()
    command = ["make", "--silent", "-f", ROOT / "Makefile", "setup"]
    refused = subprocess.run(command, cwd=tmp_path / "checkout", capture_output=True, text=True)
    assert refused.returncode == 2 and "Remove the link (rm .venv)" in refused.stderr
    assert (shared / "bin").is_dir()


@pytest.mark.parametrize(("ending", "blamed"), [("exit 1", True), ("kill -INT $$", False)])
def test_a_python_is_blamed_for_what_it_cannot_do_and_not_for_being_interrupted(
    tmp_path: Path, ending: str, blamed: bool
) -> None:
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\n[ "$1" = -c ] && echo "$0" || {ending}\n', encoding="utf-8")
    python.chmod(0o755)
    (tmp_path / "requirements.lock").touch()
    command = ["make", "--silent", "-f", ROOT / "Makefile", "setup", f"PYTHON={python}"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert ended.returncode == 2 and f"Set-up: {python}" in ended.stdout
    assert ("cannot make environments" in ended.stderr) is blamed


def test_a_port_that_is_taken_is_told_before_mlflow_starts_on_it(tmp_path: Path) -> None:
    venv.create(tmp_path / ".venv", with_pip=False)
    (tmp_path / "requirements.lock").touch()
    (tmp_path / ".venv/.ready").touch()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = ["make", "--silent", "-f", ROOT / "Makefile", "ui", f"UI_PORT={port}"]
        asked = subprocess.run(command, cwd=tmp_path, env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True)
    assert asked.returncode != 0 and f"Port {port} is taken" in asked.stderr and "UI_PORT=" in asked.stderr
    assert "http://" not in asked.stdout
