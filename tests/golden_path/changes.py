"""The templates that change a service that is there, tried against a portal with such a service.

A portal is started on a fresh data folder, makes services, and is started again with more environments, at another
address. Every combination of a template's options is rendered against the first; what comes out is laid over the service's
repository, and the result gets every check that a new service gets. One of each is run for real, and its branch must hold
just that. The other services, which have their values in a GitOps repository, are changed in fewer ways.
"""

import json
import re
import shutil
import signal
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

import yaml

import combinations
from check import check, run
from checks.deployment import cases, render
from checks.repository import GITOPS, Finding, Repository

SERVICE = "rust-service"
GITOPS_URL = "local?owner=acme&repo=gitops"
# What is different in each, by what its name ends with.
SERVICES = {
    "": {},
    "proposed": {"values": "gitops-pull-request", "gitopsRepoUrl": GITOPS_URL},
    "committed": {"values": "gitops-commit", "gitopsRepoUrl": GITOPS_URL, "applications": "set"},
}
# Beside those that the service begins with, in their place in the order of promotion.
MORE = [
    (1, {"name": "qa", "title": "Quality", "automated": True, "colour": "blue"}),
    # A name that is something else to YAML.
    (3, {"name": "no", "title": "Norway", "automated": False, "colour": "violet"}),
]
STORAGE = {"small": "5Gi", "medium": "20Gi", "large": "100Gi"}


def prepared(greenroom, setup, templates, base):
    """Name, folder, answers of the service, answers of the change, and findings so far, of each changed repository.

    `base` are the answers that the services are made from.
    """
    work = setup.work / "changes"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    services = [named(base, kind, answers) for kind, answers in SERVICES.items()]
    with portal(greenroom, work, base["environments"]) as url:
        told(greenroom, url, work, "run", "gitops-repository", {"repoUrl": GITOPS_URL, "owner": "group:default/platform"})
    for service in services:
        with portal(greenroom, work, base["environments"]) as url:
            told(greenroom, url, work, "run", SERVICE, service["parameters"])
        if service["parameters"].get("values") == "gitops-pull-request":
            merge(work, f"add-{service['parameters']['name']}")
    for service in services:
        yield from changed(greenroom, work, templates, service)


def named(base, kind, answers):
    """The answers for a service of its own, with some that are different."""
    suffix = f"-{kind}" if kind else ""
    name = base["parameters"]["name"] + suffix
    environments = [{**one, "application": f"{name}-{one['name']}"} for one in base["environments"]]
    own = {"name": name, "repoUrl": base["parameters"]["repoUrl"] + suffix}
    return {**base, "kind": kind, "parameters": base["parameters"] | own | answers, "environments": environments}


def changed(greenroom, work, templates, service):
    """The same of one service."""
    name, kind = service["parameters"]["name"], service["kind"]
    more = list(service["environments"])
    for place, environment in MORE:
        where = {"namespace": f"payments-{environment['name']}", "application": f"{name}-{environment['name']}"}
        more.insert(place, {**service["environments"][0], **environment, **where})
    with portal(greenroom, work, more) as url:
        folder = assembled(url, service, "main", "main", work / f"service{kind}")
        for label, template, answers, is_run in every(templates, kind):
            label = f"{label}-{kind}" if kind else label
            made, whole = work / f"{label}-made", work / label
            asked = {"component": f"component:default/{name}"} | answers
            told(greenroom, url, work, "render", templates / template, asked, "--out", made)
            shutil.copytree(folder, whole, ignore=shutil.ignore_patterns(".git"))
            shutil.copytree(made, whole, dirs_exist_ok=True)
            there = [one for one in more if one in service["environments"] or one["name"] == answers.get("environment")]
            findings = list(untouched(made, folder, name))
            if is_run:
                told(greenroom, url, work, "run", template, asked)
                own, values = branches(service, template, answers)
                proposed = assembled(url, service, own, values, work / f"{label}-branch")
                findings += different(whole, proposed, own)
            yield label, whole, {**service, "environments": there}, answers, findings


def branches(service, template, answers):
    """Where a change is proposed in the service's repository, and where its values are in the GitOps repository."""
    name = service["parameters"]["name"]
    if template == "add-database":
        return "database", f"{name}-database" if answers["highAvailability"] else "main"
    proposed = service["parameters"].get("values") == "gitops-pull-request"
    environment = answers["environment"]
    return f"environment/{environment}", f"add-{name}-{environment}" if proposed else "main"


def tried(setup, label, folder, asked, answers, findings):
    """A report on one changed repository."""
    repository = Repository(folder, asked)
    report = check(label, repository, "none", setup)
    for finding in [*findings, *run(lambda repository: database(repository, answers), repository)]:
        report.failed += 1
        report.lines.append(f"FAILED {label}: {finding}")
    return report


def different(changed, proposed, branch):
    """Where the branch of a pull request is not what the rehearsal made."""
    for path in sorted(set(Repository(proposed).files) | set(Repository(changed).files)):
        both = [one / path for one in (proposed, changed)]
        if not all(one.exists() for one in both) or both[0].read_bytes() != both[1].read_bytes():
            yield Finding("change/branch", f"{path} is not the same on the branch {branch}")


def every(templates, kind):
    """Name, template, answers, and whether it is run for real, of each case.

    Values that are committed are there for the next case, so what adds some comes last.
    """
    form = yaml.safe_load((templates / "add-database/template.yaml").read_text())
    found, size = combinations.combined(combinations.options(form))
    if kind:
        found = [one for one in found if one["size"] == "small" and one["engine"] == "cloudnative-pg"]
    print(f"add-database {kind}: {len(found)} of {size} combinations of its options", flush=True)
    for number, answers in enumerate(found, 1):
        yield f"add-database-{number}", "add-database", answers, number == len(found)
    for number, (_, environment) in enumerate(MORE, 1):
        answers = {"environment": environment["name"], "replicas": 3}
        yield f"add-environment-{number}", "add-environment", answers, number == len(MORE)


def untouched(made, service, name):
    """Nothing is changed but what the change is about: most of what was read comes out as it was."""
    for path in Repository(made).files:
        if path.parts[0] == GITOPS and path.parts[1:4] == ("apps", name, "envs"):
            continue
        if path.parts[0] not in ("chart", "deploy", "docs", "catalog-info.yaml", "mkdocs.yml"):
            yield Finding("change/path", f"{path} is written")
        elif (service / path).exists() and path.parts[:2] == ("chart", "templates"):
            if (made / path).read_bytes() != (service / path).read_bytes():
                yield Finding("change/path", f"{path} is changed")


def database(repository, answers):
    """The claim, its size, and the way to it, in every environment."""
    if "engine" not in answers:
        return
    operator = answers["engine"] == "cloudnative-pg"
    group, kind = ("postgresql.cnpg.io", "Cluster") if operator else ("database.acme.example", "PostgreSQLInstance")
    automated = {one["name"]: one["automated"] for one in repository.document("deploy/environments.yaml")["environments"]}
    for case, values in cases(repository):
        if case not in automated:
            continue
        manifests = render(repository, values)
        claims = [one for one in manifests if one["kind"] == kind and one["apiVersion"].startswith(f"{group}/")]
        (claim,) = claims
        spec = claim["spec"]["storage"] | claim["spec"] if operator else claim["spec"]["parameters"]
        size = spec["size"] if operator else spec["storage"]
        wanted = 3 if answers["highAvailability"] and not automated[case] else 1
        if (size, spec["instances"]) != (STORAGE[answers["size"]], wanted):
            yield Finding("change/database", f"{case}: {spec['instances']} instances of {size}")
        (deployment,) = [one for one in manifests if one["kind"] == "Deployment"]
        variables = {one["name"]: one for one in deployment["spec"]["template"]["spec"]["containers"][0]["env"]}
        secret = claim["metadata"]["name"] + "-app" if operator else claim["spec"]["writeConnectionSecretToRef"]["name"]
        reference = {"name": secret, "key": "uri"}
        if variables.get("DATABASE_URL", {}).get("valueFrom") != {"secretKeyRef": reference}:
            yield Finding("change/database", f"{case}: DATABASE_URL is {variables.get('DATABASE_URL')}")
        policies = {one["metadata"]["name"]: one["spec"] for one in manifests if one["kind"] == "NetworkPolicy"}
        way = policies[deployment["metadata"]["name"]]["egress"][-1]
        if [port["port"] for port in way["ports"]] != [5432]:
            yield Finding("change/database", f"{case}: the service may not reach the database: {way}")
        if operator:
            pods = {"cnpg.io/cluster": claim["metadata"]["name"]}
            selected = policies[claim["metadata"]["name"]]["podSelector"]["matchLabels"]
            if selected != pods or way["to"] != [{"podSelector": {"matchLabels": pods}}]:
                yield Finding("change/database", f"{case}: the policies select {selected} and {way['to']}")
    resources = [one for one in repository.documents("catalog-info.yaml") if one["kind"] == "Resource"]
    component = next(one for one in repository.documents("catalog-info.yaml") if one["kind"] == "Component")
    names = [f"resource:default/{one['metadata']['name']}" for one in resources]
    if not names or component["spec"]["dependsOn"] != names:
        yield Finding("change/catalog", f"the service depends on {component['spec'].get('dependsOn')}, not on {names}")


@contextmanager
def portal(greenroom, work, environments):
    """The address of a portal with these environments, until it is not needed any more."""
    config = work / "portal.json"
    kept = ("name", "title", "cluster", "server", "colour")
    config.write_text(json.dumps({"environments": [
        {key: one[key] for key in kept}
        | {"namespace": one["namespace"], "sync": "automated" if one["automated"] else "pull-request"}
        for one in environments
    ]}))
    command = [greenroom, "serve", "--port", "0", "--data-dir", work / "data", "--config", config]
    with (work / "portal.log").open("w") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            for line in process.stdout:
                if found := re.search(r"https?://\S+:\d+", line):
                    yield found[0]
                    break
            else:
                raise RuntimeError(f"the portal did not start: {(work / 'portal.log').read_text()}")
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)


def told(greenroom, url, work, verb, template, answers, *more):
    """`greenroom template run` or `render`, at the portal."""
    values = work / "values.json"
    values.write_text(json.dumps(answers))
    command = [greenroom, "template", verb, template, "--server", url, "--values", values, *more]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if done.returncode:
        raise RuntimeError(f"cannot {verb} {template} with {answers}: {done.stdout}{done.stderr}")


def assembled(url, service, own, values, folder):
    """A branch of the service's repository, with its values on a branch of the GitOps repository where they are there."""
    cloned(url, service["parameters"]["repoUrl"], own, folder)
    if "gitopsRepoUrl" in service["parameters"]:
        with tempfile.TemporaryDirectory() as clone:
            cloned(url, GITOPS_URL, values, clone)
            apps = Path("apps") / service["parameters"]["name"]
            shutil.copytree(Path(clone) / apps, folder / GITOPS / apps)
    return folder


def merge(work, branch):
    """A branch of the GitOps repository becomes its main one, while no portal looks."""
    (folder,) = (work / "data").glob("repositories/**/gitops.git")
    subprocess.run(["git", "update-ref", "refs/heads/main", f"refs/heads/{branch}"], cwd=folder, check=True, timeout=60)


def cloned(url, repository, branch, folder):
    """A branch of a repository of the portal's own forge."""
    owner, name = re.search(r"owner=([^&]+)&repo=([^&]+)", repository).groups()
    command = ["git", "clone", "--quiet", "--branch", branch, f"{url}/git/{owner}/{name}.git", folder]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
