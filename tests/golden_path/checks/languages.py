"""What is particular to a language: where its versions, routes and description stand, and its own test suite.

Each `Language` is for one template. A suite runs commands in the generated folder, as its README tells people to.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

from .repository import Finding


@dataclass(frozen=True)
class Setup:
    """Where suites keep what they build and install: `work` outlives a run, so that a second one is quick."""

    work: Path
    # The folder of a Node.js as new as the template asks for; empty takes the caller's.
    node: str = ""


class Language:
    """One language; the subclasses fill in what differs."""

    # Folders that the suite leaves in the repository.
    leaves = ()
    # File, and a pattern with the port in it.
    ports = ()
    # Where the routes are written, and how one looks.
    routes = ("", "")

    def __init__(self, template):
        self.template = template

    def versions(self, repository):
        """Findings about the language's release, wherever it is written down."""
        raise NotImplementedError

    def description(self, repository):
        """As the package has it."""
        raise NotImplementedError

    def suite(self, setup, quick):
        """Names and commands, cheapest first; a quick one only looks at the form of the sources."""
        raise NotImplementedError

    def start(self, repository, setup):
        """The command that starts the service after the suite has run, and its environment."""
        raise NotImplementedError

    def run(self, repository, setup, command, expected=""):
        """A finding when the command fails, or does not say what is expected."""
        environment = os.environ | self.environment(repository, setup)
        done = subprocess.run(
            command, cwd=repository.root, env=environment, capture_output=True, text=True, check=False, timeout=900
        )
        if done.returncode:
            yield Finding(f"suite/{Path(command[0]).name}", f"{' '.join(command)}\n{done.stdout}\n{done.stderr}".strip())
        elif not re.search(expected, done.stdout):
            yield Finding("suite/empty", f"{' '.join(command)}: no test was run")

    def environment(self, repository, setup):
        return {}


class Rust(Language):
    leaves = ("target",)
    ports = (("src/config.rs", r"DEFAULT_PORT: u16 = {port};"),)
    routes = ("src/http.rs", r'\.route\("(/v[^"]+)"')

    def versions(self, repository):
        channel = repository.parse("rust-toolchain.toml")["toolchain"]["channel"]
        if not re.search(rf"^FROM rust:{re.escape(channel)}-", repository.text("Dockerfile"), re.MULTILINE):
            yield Finding("versions/language", f"the Dockerfile's builder is not Rust {channel}")
        if not channel.startswith(repository.parse("Cargo.toml")["package"]["rust-version"]):
            yield Finding("versions/language", f"Cargo.toml's rust-version is not that of {channel}")

    def description(self, repository):
        return repository.parse("Cargo.toml")["package"].get("description")

    def suite(self, setup, quick):
        yield "cargo fmt", ["cargo", "fmt", "--check"], ""
        if not quick:
            yield "cargo clippy", ["cargo", "clippy", "--all-targets", "--locked", "--", "-D", "warnings"], ""
            yield "cargo test", ["cargo", "test", "--locked"], " passed; 0 failed"
            yield "cargo build", ["cargo", "build", "--locked"], ""

    def start(self, repository, setup):
        return [str(setup.work / "target/debug/service")]

    def environment(self, repository, setup):
        """The toolchain that the repository asks for where it is installed, else the caller's."""
        environment = {"CARGO_TARGET_DIR": str(setup.work / "target")}
        if "RUSTUP_TOOLCHAIN" not in os.environ:
            wanted = repository.parse("rust-toolchain.toml")["toolchain"]["channel"]
            installed = subprocess.run(["rustup", "toolchain", "list"], capture_output=True, text=True, check=False)
            if not any(line.startswith(f"{wanted}-") for line in installed.stdout.splitlines()):
                show = ["rustup", "show", "active-toolchain"]
                active = subprocess.run(show, capture_output=True, text=True, check=True)
                environment["RUSTUP_TOOLCHAIN"] = active.stdout.split()[0]
        return environment


class Node(Language):
    leaves = ("node_modules",)
    ports = (
        ("src/config.ts", r"^const DEFAULT_PORT = {port};"),
        ("test/config.test.ts", r"config\.port, {port}\)"),
    )
    routes = ("src/http/allocations.ts", r'api\.(?:get|post|put|patch|delete)(?:<\w+>)?\("(/v[^"]+)"')

    def versions(self, repository):
        release = repository.text(".nvmrc").strip()
        major = release.split(".", 1)[0]
        dockerfile = repository.text("Dockerfile")
        for pattern in (rf"^FROM node:{re.escape(release)}-", rf"^FROM gcr\.io/distroless/nodejs{major}-"):
            if not re.search(pattern, dockerfile, re.MULTILINE):
                yield Finding("versions/language", f"the Dockerfile's images are not Node.js {release}")
        package = json.loads(repository.text("package.json"))
        if package["engines"]["node"] != f">={major}":
            yield Finding("versions/language", f"package.json's engines are not those of {release}")
        locked = json.loads(repository.text("package-lock.json"))["packages"]
        for kind in ("dependencies", "devDependencies"):
            if locked[""][kind] != package[kind]:
                yield Finding("versions/lock", f"package-lock.json was not made from package.json's {kind}")
        if any("resolved" in one for one in locked.values()):
            yield Finding("versions/lock", "package-lock.json names a registry")

    def description(self, repository):
        return json.loads(repository.text("package.json")).get("description")

    def suite(self, setup, quick):
        if not quick:
            yield "npm ci", ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], ""
            yield "npm run lint", ["npm", "run", "lint"], ""
            yield "npm run types", ["npm", "run", "types"], ""
            yield "npm test", ["npm", "test"], r"(?s)pass [1-9]\d*\n.*fail 0\n"

    def start(self, repository, setup):
        return ["node", "src/main.ts"]

    def environment(self, repository, setup):
        return {"PATH": f"{setup.node}{os.pathsep}{os.environ['PATH']}"} if setup.node else {}


class Python(Language):
    leaves = (".venv", ".mypy_cache", ".pytest_cache", ".ruff_cache")
    ports = (("src/service/config.py", r"^DEFAULT_PORT = {port}$"),)
    routes = ("src/service/http/allocations.py", r'@routes\.(?:get|post|put|patch|delete)\("(/v[^"]+)"')

    def versions(self, repository):
        release = repository.text(".python-version").strip()
        images = re.findall(r"^FROM python:(\S+?)-", repository.text("Dockerfile"), re.MULTILINE)
        if len(images) != 2 or any(not image.startswith(f"{release}.") for image in images):
            yield Finding("versions/language", f"the Dockerfile's images are not Python {release}")
        for name in ("requirements", "requirements-dev"):
            wanted = re.findall(r"^([a-z]\S*)$", repository.text(f"{name}.in"), re.MULTILINE)
            locked = re.findall(r"^([a-z]\S*?)==\S+(?: ; .*)? \\$", repository.text(f"{name}.txt"), re.MULTILINE)
            if not set(wanted) <= set(locked):
                yield Finding("versions/lock", f"{name}.txt was not made from {name}.in")
            if "://" in repository.text(f"{name}.txt"):
                yield Finding("versions/lock", f"{name}.txt names a registry")

    def description(self, repository):
        return tomllib.loads(repository.text("pyproject.toml"))["project"].get("description")

    def suite(self, setup, quick):
        if not quick:
            pip = ["pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
            yield "venv", [sys.executable, "-m", "venv", ".venv"], ""
            yield "pip install", [*pip, "--requirement", "requirements-dev.txt"], ""
            yield "ruff format", ["ruff", "format", "--check"], ""
            yield "ruff check", ["ruff", "check"], ""
            yield "mypy", ["mypy"], ""
            yield "pytest", ["pytest", "-q"], r"\b[1-9]\d* passed\b"

    def start(self, repository, setup):
        return ["python", "-m", "service"]

    def environment(self, repository, setup):
        path = f"{repository.root / '.venv/bin'}{os.pathsep}{os.environ['PATH']}"
        return {"PATH": path, "PYTHONPATH": str(repository.root / "src"), "VIRTUAL_ENV": str(repository.root / ".venv")}


LANGUAGES = {
    language.template: language for language in (Node("node-service"), Python("python-service"), Rust("rust-service"))
}


def of(repository):
    """The language of a repository, by what its catalog entry says it was made from."""
    component = next(one for one in repository.documents("catalog-info.yaml") if one["kind"] == "Component")
    origin = component["metadata"]["annotations"]["backstage.io/source-template"]
    return LANGUAGES[origin.removeprefix("template:default/")]


def tidy(repository):
    """Takes away what a suite left behind."""
    for folder in of(repository).leaves:
        shutil.rmtree(repository.root / folder, ignore_errors=True)
