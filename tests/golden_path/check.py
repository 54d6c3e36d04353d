"""Checks a repository made from one of the service templates with the field's own tools.

    python check.py FOLDER [--answers answers/full.yaml] [--suite none|quick|all] [--work DIR] [--node DIR]

FOLDER holds the generated files. With the answers it was made from, it is also compared with them. Prints one line for
each check, then the findings of the failed ones; exits with 1 when there are any. Needs requirements.txt. The suite of
its language needs that language, and the packages that it installs; nothing else uses the network.

A check is a function of checks/*.py that takes a Repository and yields Findings. Findings that exceptions.yaml accepts
are dropped; an exception that accepts nothing is a finding itself.
"""

import argparse
import re
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from checks import behaviour, content, deployment, languages, server, tools
from checks.languages import Setup
from checks.repository import Finding, Repository

HERE = Path(__file__).parent
EXCEPTIONS = yaml.safe_load((HERE / "exceptions.yaml").read_text())


@dataclass
class Report:
    """What was found in one folder; `used` are the exceptions that accepted something, by number."""

    name: str
    lines: list = field(default_factory=list)
    failed: int = 0
    passed: int = 0
    used: set = field(default_factory=set)


def main():
    parser = argparse.ArgumentParser(description="Check a repository made from one of the service templates.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--answers", type=Path, help="the answers it was made from")
    parser.add_argument("--suite", choices=["none", "quick", "all"], default="all", help="what of its language's suite to run")
    parser.add_argument("--work", type=Path, default=Path("work"), help="where builds are kept")
    parser.add_argument("--node", default="", help="the folder of the Node.js to use")
    options = parser.parse_args()
    answers = yaml.safe_load(options.answers.read_text()) if options.answers else None
    setup = Setup(options.work.resolve(), options.node)
    report = check(options.folder.name, Repository(options.folder.resolve(), answers), options.suite, setup)
    unused = stale(report.used)
    print("\n".join(report.lines + unused))
    return 1 if report.failed or unused else 0


def check(name, repository, suite, setup):
    """Runs every check on a folder."""
    report = Report(name)
    for title, function in checks(repository, suite, setup):
        start = time.monotonic()
        findings = [finding for finding in run(function, repository) if not accepted(finding, report.used)]
        took = time.monotonic() - start
        report.failed, report.passed = report.failed + bool(findings), report.passed + (not findings)
        report.lines.append(f"{'FAILED' if findings else 'ok    '} {name}: {title} ({took:.1f} s)")
        report.lines += [f"       {finding}" for finding in findings]
    report.lines.append(f"{name}: {report.passed} passed, {report.failed} failed")
    return report


def checks(repository, suite, setup):
    """Names and functions, cheapest first."""
    yield "text is clean", content.text
    yield "data files parse", content.data
    yield "catalog descriptor", content.catalog
    yield "documentation", content.documentation
    yield "versions agree", content.versions
    yield "answers arrived", content.answers
    yield "actions are pinned", content.pins
    yield "hadolint", tools.hadolint
    yield "actionlint", tools.actionlint
    yield "shellcheck", tools.shellcheck
    yield "check-jsonschema", tools.schemas
    yield "helm lint and template", deployment.helm
    if tools.unittest_is_there():
        yield "helm-unittest", tools.unittest
    yield "kubernetes-validate", deployment.kubernetes
    yield "restricted pods", deployment.pods
    yield "values schema refuses", deployment.refusals
    yield "Argo CD", deployment.argocd
    if server.is_there():
        yield "dry run on an API server", server.dry_run
    yield "setting an image", deployment.set_image
    if suite == "none":
        return
    language = languages.of(repository)
    for title, command, expected in language.suite(setup, suite == "quick"):
        yield title, lambda repository, line=(command, expected): language.run(repository, setup, *line)
    if suite == "all":
        yield "keeps its contract", lambda repository: behaviour.contract(repository, setup)
        yield "drains and stops", lambda repository: behaviour.shutdown(repository, setup)
        yield "refuses a wrong variable", lambda repository: behaviour.refusal(repository, setup)


def run(function, repository):
    """A check that breaks is a finding, so that the others still run."""
    try:
        return list(function(repository))
    except Exception as error:  # noqa: BLE001
        return [Finding("check/broken", f"{type(error).__name__}: {error}")]


def accepted(finding, used):
    for number, exception in enumerate(EXCEPTIONS):
        if exception["rule"] == finding.rule and re.search(exception["matches"], finding.text):
            used.add(number)
            return True
    return False


def stale(used):
    """A line for each exception that nothing needed."""
    return [
        f"FAILED exceptions.yaml: nothing matches {exception['rule']} {exception['matches']!r} any more"
        for number, exception in enumerate(EXCEPTIONS)
        if number not in used and (server.is_there() or not exception["rule"].startswith("server/"))
    ]


if __name__ == "__main__":
    sys.exit(main())
