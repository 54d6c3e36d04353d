"""Checks a repository made from the rust-service template with the field's own tools.

    python check.py FOLDER [--answers answers/full.yaml] [--cargo none|format|all] [--target-dir DIR]

FOLDER holds the generated files. With the answers it was made from, it is also compared with them. Prints one line for
each check, then the findings of the failed ones; exits with 1 when there are any. Needs requirements.txt, a Rust
toolchain for --cargo, and no network.

A check is a function of checks/*.py that takes a Repository and yields Findings. Findings that exceptions.yaml accepts
are dropped; an exception that accepts nothing is a finding itself.
"""

import argparse
import re
import sys
import time
from pathlib import Path

import yaml

from checks import content, deployment, tools
from checks.repository import Finding, Repository

HERE = Path(__file__).parent


def main():
    options = parse_arguments()
    answers = yaml.safe_load(options.answers.read_text()) if options.answers else None
    repository = Repository(options.folder.resolve(), answers)
    exceptions = yaml.safe_load((HERE / "exceptions.yaml").read_text())

    failed = passed = 0
    for name, check in checks(options):
        start = time.monotonic()
        findings = [finding for finding in run(check, repository) if not accepted(finding, exceptions)]
        took = time.monotonic() - start
        failed, passed = failed + bool(findings), passed + (not findings)
        print(f"{'FAILED' if findings else 'ok    '} {options.folder.name}: {name} ({took:.1f} s)", flush=True)
        for finding in findings:
            print(f"       {finding}")
    for exception in exceptions:
        if "used" not in exception:
            failed += 1
            print(f"FAILED exceptions.yaml: nothing matches {exception['rule']} {exception['matches']!r} any more")
    print(f"{options.folder.name}: {passed} passed, {failed} failed")
    return 1 if failed else 0


def parse_arguments():
    parser = argparse.ArgumentParser(description="Check a repository made from the rust-service template.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--answers", type=Path, help="the answers it was made from")
    parser.add_argument("--cargo", choices=["none", "format", "all"], default="all", help="which cargo commands to run")
    parser.add_argument("--target-dir", type=Path, help="CARGO_TARGET_DIR, so that builds are shared")
    return parser.parse_args()


def checks(options):
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
    yield "kubernetes-validate", deployment.kubernetes
    yield "restricted pods", deployment.pods
    yield "values schema refuses", deployment.refusals
    yield "Argo CD", deployment.argocd
    yield "setting an image", deployment.set_image
    if options.cargo in ("format", "all"):
        yield "cargo fmt", lambda repository: tools.cargo(repository, options.target_dir, "fmt", "--check")
    if options.cargo == "all":
        clippy = ("clippy", "--all-targets", "--locked", "--", "-D", "warnings")
        yield "cargo clippy", lambda repository: tools.cargo(repository, options.target_dir, *clippy)
        yield "cargo test", lambda repository: tools.cargo(repository, options.target_dir, "test", "--locked")


def run(check, repository):
    """A check that breaks is a finding, so that the others still run."""
    try:
        return list(check(repository))
    except Exception as error:  # noqa: BLE001
        return [Finding("check/broken", f"{type(error).__name__}: {error}")]


def accepted(finding, exceptions):
    for exception in exceptions:
        if exception["rule"] == finding.rule and re.search(exception["matches"], finding.text):
            exception["used"] = True
            return True
    return False


if __name__ == "__main__":
    sys.exit(main())
