"""Proves that the checks see what they are for: breaks a copy of a good repository in one way after another.

    python selftest.py FOLDER [--language-only | --gitops]

FOLDER is a repository that check.py accepts. Each change must bring up its rule. Exits with 1 when one does not.
"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from check import run
from checks import content, deployment, languages, server, tools
from checks.repository import LEFT, Repository

CI, DEPLOYMENT = ".github/workflows/ci.yaml", "chart/templates/deployment.yaml"

# Check, rule it must report, file, what stands there, what is put there instead.
CHANGES = [
    (content.text, "text/trailing-space", "README.md", "## Run it", "## Run it "),
    (content.text, "text/leftover", "README.md", "## Run it", "${{ values.name }}"),
    (content.text, "text/blank-lines", "README.md", "## Run it\n", "## Run it\n\n\n"),
    (content.text, "text/leftover", "docs/index.md", "answers one", "undefined"),
    (content.text, "text/final-newline", "AGENTS.md", "moves them.\n", "moves them."),
    (content.data, "data/syntax", "chart/values.yaml", "replicas: 1\n", "replicas: 1\nreplicas: 2\n"),
    (content.catalog, "catalog/field", "catalog-info.yaml", "  owner: ", "  possessor: "),
    (content.catalog, "catalog/annotation", "catalog-info.yaml", "techdocs-ref: dir:.", "techdocs-ref: dir:docs"),
    (content.catalog, "openapi/paths", "openapi.yaml", "  /v1/allocations:", "  /v2/allocations:"),
    (content.catalog, "openapi/reference", "openapi.yaml", "    Problem:", "    Trouble:"),
    (content.documentation, "docs/link", "docs/index.md", "(operations.md)", "(operation.md)"),
    (content.documentation, "docs/navigation", "mkdocs.yml", "operations.md", "operation.md"),
    (content.versions, "versions/user", "Dockerfile", "USER 65532:65532", "USER root"),
    (content.versions, "versions/port", "Dockerfile", "EXPOSE ", "EXPOSE 1"),
    (content.pins, "actions/pin", CI, "actions/checkout@3", "actions/checkout@4"),
    (content.pins, "actions/pin", CI, "# v7.0.1", "# v7"),
    (content.pins, "actions/permissions", CI, "permissions: {}", "permissions: read-all"),
    (content.pins, "actions/job", CI, "    timeout-minutes: 5\n", ""),
    (tools.actionlint, "actionlint/expression", CI, "github.actor", "github.player"),
    (tools.actionlint, "actionlint/shellcheck", CI, '--values "$values"', "--values $values"),
    (tools.shellcheck, "shellcheck/SC2086", "deploy/set-image.sh", 'rm "$written"', "rm $written"),
    (tools.schemas, "schema/invalid", CI, "runs-on: ubuntu-24.04", "run-on: ubuntu-24.04"),
    (tools.schemas, "schema/invalid", ".github/dependabot.yml", "interval: weekly", "interval: sometimes"),
    (tools.schemas, "schema/invalid", "chart/values.yaml", "replicas: 1", "replicas: one"),
    (deployment.helm, "helm/error", "chart/Chart.yaml", "version: 0.1.0", "version: first"),
    (deployment.helm, "helm/budget", "chart/templates/poddisruptionbudget.yaml", "| int) 1", "| int) 99"),
    (deployment.kubernetes, "kubernetes/invalid", DEPLOYMENT, "readinessProbe:", "readynessProbe:"),
    (deployment.kubernetes, "kubernetes/invalid", DEPLOYMENT, "maxSurge: 1", "maxSurge: [1]"),
    (deployment.pods, "pods/restricted", DEPLOYMENT, "runAsNonRoot: true", "runAsNonRoot: false"),
    (deployment.pods, "pods/restricted", DEPLOYMENT, ".Values.shutdown.requestSeconds 5 }}", "0 }}"),
    (deployment.refusals, "values/accepted", "chart/values.schema.json", '"minimum": 1024', '"minimum": 1'),
    (deployment.argocd, "argocd/kinds", "deploy/argocd/project.yaml", "kind: Deployment", "kind: StatefulSet"),
    (deployment.argocd, "argocd/destinations", "deploy/argocd/project.yaml", "  namespace: ", "  namespace: x-"),
    (deployment.argocd, "argocd/application", "deploy/argocd/project.yaml", ".git\n", "\n"),
    (deployment.argocd, "argocd/kustomization", "deploy/argocd/kustomization.yaml", "  - project.yaml\n", ""),
    (deployment.kubernetes, "kubernetes/invalid", "chart/templates/ingress.yaml", "pathType:", "pathTypes:"),
    (deployment.set_image, "set-image/written", "deploy/set-image.sh", "  digest: .*", "  digests: .*"),
    (deployment.set_image, "set-image/refused", "deploy/set-image.sh", "sha256:[0-9a-f]{64}", ".*"),
]

# The same, where values go to a GitOps repository and an ApplicationSet makes the applications.
SET = "deploy/argocd/applicationset.yaml"
GITOPS_CHANGES = [
    (content.text, "text/leftover", CI, "repository: ", "repository: ${{ values.gitops.slug }} "),
    (tools.actionlint, "actionlint/shellcheck", CI, '--message "$title"', "--message $title"),
    (tools.shellcheck, "shellcheck/SC2086", "deploy/set-image.sh", 'rm "$written"', "rm $written"),
    (deployment.argocd, "argocd/application", SET, "/{{ .environment }}/", "/{{ .cluster }}/"),
    (deployment.argocd, "argocd/application", SET, "ref: values", "ref: value"),
    (deployment.argocd, "argocd/destinations", SET, "            namespace: ", "            namespace: x-"),
    (deployment.argocd, "argocd/environments", SET, "- environment: ", "- environment: x"),
    (deployment.argocd, "argocd/kustomization", "deploy/argocd/kustomization.yaml", "  - applicationset.yaml\n", ""),
    (deployment.set_image, "set-image/written", "deploy/set-image.sh", "  digest: .*", "  digests: .*"),
]

# The same, where helm-unittest is built.
UNITTEST_CHANGES = [
    (tools.unittest, "helm-unittest/failed", "chart/templates/poddisruptionbudget.yaml", "| int) 1", "| int) 99"),
    (tools.unittest, "helm-unittest/failed", "chart/templates/_helpers.tpl", "{{- if .digest -}}", "{{- if .none -}}"),
]

# The same, where there is an API server to ask.
SERVER_CHANGES = [
    (server.dry_run, "server/refuses", DEPLOYMENT, "readinessProbe:", "readynessProbe:"),
    (server.dry_run, "server/refuses", DEPLOYMENT, "maxSurge: 1", "maxSurge: 0"),
    (server.dry_run, "server/pod-security", DEPLOYMENT, "runAsNonRoot: true", "runAsNonRoot: false"),
    (server.dry_run, "server/refuses", "deploy/argocd/project.yaml", "  sourceRepos:", "  sourceRepositories:"),
]

# The same, of what a language has to itself.
LANGUAGE_CHANGES = {
    "node-service": [
        (content.catalog, "openapi/paths", "src/http/allocations.ts", '"/v1/', '"/v3/'),
        (content.data, "data/syntax", "package.json", '"type": "module",', '"type": "module"'),
        (content.versions, "versions/digest", "Dockerfile", "@sha256:1", "@sha256:7"),
        (content.versions, "versions/language", ".nvmrc", "26.", "24."),
        (content.versions, "versions/lock", "package.json", '"fastify": "5', '"fastify": "4'),
        (content.versions, "versions/port", "src/config.ts", "PORT = 8080", "PORT = 80"),
        (tools.hadolint, "hadolint/DL3006", "Dockerfile", "FROM gcr", "FROM debian\nFROM gcr"),
    ],
    "python-service": [
        (content.catalog, "openapi/paths", "src/service/http/allocations.py", '"/v1/', '"/v3/'),
        (content.data, "data/syntax", "pyproject.toml", "[project]", "[project"),
        (content.text, "text/blank-lines", "src/service/config.py", "\n\n\n", "\n\n\n\n"),
        (content.versions, "versions/digest", "Dockerfile", "@sha256:8", "@sha256:7"),
        (content.versions, "versions/language", ".python-version", "3.14", "3.13"),
        (content.versions, "versions/lock", "requirements.in", "uvicorn", "hypercorn"),
        (content.versions, "versions/port", "src/service/config.py", "PORT = 8080", "PORT = 80"),
        (tools.hadolint, "hadolint/DL3006", "Dockerfile", "FROM python", "FROM debian\nFROM python"),
    ],
    "rust-service": [
        (content.catalog, "openapi/paths", "src/http.rs", '"/v1/', '"/v3/'),
        (content.data, "data/syntax", "Cargo.toml", "[package]", "[package"),
        (content.versions, "versions/digest", "Dockerfile", "@sha256:6", "@sha256:7"),
        (content.versions, "versions/language", "rust-toolchain.toml", 'channel = "1', 'channel = "2'),
        (content.versions, "versions/port", "src/config.rs", "u16 = 8080", "u16 = 80"),
        (tools.hadolint, "hadolint/DL3006", "Dockerfile", "FROM scratch", "FROM debian"),
    ],
}


def main():
    parser = argparse.ArgumentParser(description="Show that the checks can fail.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--language-only", action="store_true", help="not what every language has")
    parser.add_argument("--gitops", action="store_true", help="only what values in a GitOps repository make different")
    options = parser.parse_args()
    good = options.folder
    changes = LANGUAGE_CHANGES[languages.of(Repository(good)).template]
    if options.gitops:
        changes = GITOPS_CHANGES
    elif not options.language_only:
        changes = CHANGES + UNITTEST_CHANGES * tools.unittest_is_there() + SERVER_CHANGES * server.is_there() + changes
    missed = [change for change in changes if not seen(good, *change)]
    for check, rule, path, old, new in missed:
        print(f"FAILED {check.__name__} does not report {rule} for {path}: {old!r} changed to {new!r}")
    print(f"selftest: {len(changes) - len(missed)} passed, {len(missed)} failed")
    return 1 if missed else 0


def seen(good, check, rule, path, old, new):
    """Whether the check reports the rule for the changed copy, and does not for the good one."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "repository"
        shutil.copytree(good, copy, ignore=shutil.ignore_patterns(*LEFT))
        before = (copy / path).read_text()
        if old not in before or rule in rules(check, copy):
            return False
        (copy / path).write_text(before.replace(old, new))
        return rule in rules(check, copy)


def rules(check, root):
    return {finding.rule for finding in run(check, Repository(root))}


if __name__ == "__main__":
    sys.exit(main())
