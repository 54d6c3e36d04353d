"""The linters that are programs of their own.

What one says of files is remembered by their content: many of the repositories hold the same.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from check_jsonschema.cli import main as check_jsonschema
from click.testing import CliRunner

from .repository import Finding

# Beside the interpreter: the tools are installed into its environment. actionlint finds shellcheck there, too.
BIN = Path(sys.executable).parent
REMEMBERED = {}
# `.ci/setup test` builds it.
UNITTEST = Path(__file__).resolve().parents[3] / "build/helm-unittest/helm-unittest"


def remembered(repository, tool, paths, judge):
    """The findings of a tool about files."""
    key = tool, tuple((str(path), repository.text(path)) for path in paths)
    if key not in REMEMBERED:
        REMEMBERED[key] = list(judge())
    return REMEMBERED[key]


def command(repository, program, *arguments):
    """Runs a program in the folder; never raises for its exit code."""
    environment = os.environ | {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    line = [program, *map(str, arguments)]
    return subprocess.run(line, cwd=repository.root, env=environment, capture_output=True, text=True, check=False)


def workflows(repository):
    return [path for path in repository.files if path.parts[:2] == (".github", "workflows")]


def hadolint(repository):
    def judge():
        done = command(repository, "hadolint", "--format", "json", "Dockerfile")
        for item in json.loads(done.stdout):
            yield Finding(f"hadolint/{item['code']}", f"Dockerfile:{item['line']}: {item['message']}")

    return remembered(repository, "hadolint", ["Dockerfile"], judge)


def actionlint(repository):
    def judge():
        # It looks for the workflows that others call below the folder that has this.
        (repository.root / ".git").mkdir(exist_ok=True)
        done = command(repository, "actionlint", "-format", "{{json .}}", *workflows(repository))
        if done.returncode > 1:
            yield Finding("actionlint/error", done.stderr.strip())
            return
        for item in json.loads(done.stdout):
            yield Finding(f"actionlint/{item['kind']}", f"{item['filepath']}:{item['line']}: {item['message']}")

    return remembered(repository, "actionlint", workflows(repository), judge)


def shellcheck(repository):
    scripts = [path for path in repository.files if path.suffix == ".sh"]

    def judge():
        done = command(repository, "shellcheck", "--format", "json", *scripts)
        for item in json.loads(done.stdout):
            yield Finding(f"shellcheck/SC{item['code']}", f"{item['file']}:{item['line']}: {item['message']}")

    return remembered(repository, "shellcheck", scripts, judge)


def unittest_is_there():
    """Whether helm-unittest is built."""
    return UNITTEST.exists()


def unittest(repository):
    """The tests that the chart brings with it."""
    done = command(repository, UNITTEST, "--color=false", "chart")
    if done.returncode:
        yield Finding("helm-unittest/failed", (done.stdout + done.stderr).strip())
    elif "Tests:       0 passed" in done.stdout:
        yield Finding("helm-unittest/none", "chart: has no tests")


def schemas(repository):
    """Workflows and Dependabot against the schemas that check-jsonschema brings; the chart's own as a schema."""
    schema, values = "chart/values.schema.json", "chart/values.yaml"
    for options, paths in (
        (["--builtin-schema", "vendor.github-workflows"], workflows(repository)),
        (["--builtin-schema", "vendor.dependabot"], [Path(".github/dependabot.yml")]),
        (["--check-metaschema"], [Path(schema)]),
        (["--schemafile", str(repository.root / schema)], [Path(values)]),
    ):

        def judge(options=options, paths=paths):
            line = [*options, *(str(repository.root / path) for path in paths)]
            done = CliRunner().invoke(check_jsonschema, line)
            if done.exit_code:
                said = done.output.strip().replace(f"{repository.root}/", "")
                yield Finding("schema/invalid", f"{' '.join(map(str, paths))}: {said}")

        against = [*paths, schema] if "--schemafile" in options else paths
        yield from remembered(repository, options[0] + options[-1].rpartition("/")[2], against, judge)
