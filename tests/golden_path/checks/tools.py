"""The linters that are programs of their own."""

import json
import os
import subprocess
import sys
from pathlib import Path

from .repository import Finding

# Beside the interpreter: the tools are installed into its environment. actionlint finds shellcheck there, too.
BIN = Path(sys.executable).parent


def command(repository, program, *arguments):
    """Runs a program in the folder; never raises for its exit code."""
    environment = os.environ | {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    line = [program, *map(str, arguments)]
    return subprocess.run(line, cwd=repository.root, env=environment, capture_output=True, text=True, check=False)


def workflows(repository):
    return [path for path in repository.files if path.parts[:2] == (".github", "workflows")]


def hadolint(repository):
    done = command(repository, "hadolint", "--format", "json", "Dockerfile")
    for item in json.loads(done.stdout):
        yield Finding(f"hadolint/{item['code']}", f"Dockerfile:{item['line']}: {item['message']}")


def actionlint(repository):
    done = command(repository, "actionlint", "-format", "{{json .}}", *workflows(repository))
    if done.returncode > 1:
        yield Finding("actionlint/error", done.stderr.strip())
        return
    for item in json.loads(done.stdout):
        yield Finding(f"actionlint/{item['kind']}", f"{item['filepath']}:{item['line']}: {item['message']}")


def shellcheck(repository):
    scripts = [path for path in repository.files if path.suffix == ".sh"]
    done = command(repository, "shellcheck", "--format", "json", *scripts)
    for item in json.loads(done.stdout):
        yield Finding(f"shellcheck/SC{item['code']}", f"{item['file']}:{item['line']}: {item['message']}")


def schemas(repository):
    """Workflows and Dependabot against the schemas that check-jsonschema brings; the chart's own as a schema."""
    for arguments in (
        ("--builtin-schema", "vendor.github-workflows", *workflows(repository)),
        ("--builtin-schema", "vendor.dependabot", ".github/dependabot.yml"),
        ("--check-metaschema", "chart/values.schema.json"),
        ("--schemafile", "chart/values.schema.json", "chart/values.yaml"),
    ):
        done = command(repository, "check-jsonschema", *arguments)
        if done.returncode:
            yield Finding("schema/invalid", f"{' '.join(map(str, arguments))}: {done.stdout.strip()}")


def cargo(repository, target, *arguments):
    """With the toolchain that the repository asks for where it is installed, else with the caller's."""
    environment = dict(os.environ)
    if target:
        environment["CARGO_TARGET_DIR"] = str(target.resolve())
    if "RUSTUP_TOOLCHAIN" not in environment:
        wanted = repository.parse("rust-toolchain.toml")["toolchain"]["channel"]
        installed = subprocess.run(["rustup", "toolchain", "list"], capture_output=True, text=True, check=False)
        if not any(line.startswith(f"{wanted}-") for line in installed.stdout.splitlines()):
            active = subprocess.run(["rustup", "show", "active-toolchain"], capture_output=True, text=True, check=True)
            environment["RUSTUP_TOOLCHAIN"] = active.stdout.split()[0]
    done = subprocess.run(
        ["cargo", *arguments], cwd=repository.root, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        yield Finding(f"cargo/{arguments[0]}", f"{done.stdout}\n{done.stderr}".strip())
    elif arguments[0] == "test" and " passed; 0 failed" not in done.stdout:
        yield Finding("cargo/test", "no test was run")
