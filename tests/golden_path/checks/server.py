"""What an API server says of the manifests: its own dry run, on a real control plane of tests/cluster.

Schemas know fields; the server also defaults, validates across fields, and admits (Pod Security in its restricted form,
with warnings as findings). Nothing is stored. The address is in a file that GREENROOM_GOLDEN_CLUSTER names, as
tests/cluster/cluster.mjs writes it; without it there is no such check.
"""

import http.client
import json
import os
import re
import ssl
import subprocess
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from .deployment import cases, render
from .repository import Finding

ROOT = Path(__file__).resolve().parents[3]
PLACE = "GREENROOM_GOLDEN_CLUSTER"
# Where the chart goes; its rules for pods are those that the portal sets.
NAMESPACE = "somewhere"
RESTRICTED = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn")}
START_SECONDS = 180

# What was said of a manifest: most are the same in many repositories.
SEEN = {}


@contextmanager
def started(work):
    """A control plane for all checks; none where it is not built."""
    if not (ROOT / "build/cluster/bin/plane").exists() and "KUBEBUILDER_ASSETS" not in os.environ:
        print("no control plane is built in build/cluster (`.ci/setup test` does that): no dry run on an API server", flush=True)
        yield
        return
    place = work / "cluster.json"
    place.unlink(missing_ok=True)
    command = ["node", ROOT / "tests/cluster/cluster.mjs", "start", "--name", "golden", "--argo", "--with-input", "--out", place]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as plane:
        try:
            wait_for(place, plane)
            os.environ[PLACE] = str(place)
            Server(place).apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": RESTRICTED}}, dry=False)
            yield
        finally:
            os.environ.pop(PLACE, None)
            plane.stdin.close()


def wait_for(place, plane):
    """Until the file is there, looked at whenever the program is still at work."""
    for _ in range(START_SECONDS * 10):
        if place.exists():
            return
        try:
            plane.wait(0.1)
        except subprocess.TimeoutExpired:
            continue
        break
    raise RuntimeError("the control plane for the dry runs did not start")


def is_there():
    """Whether there is an API server to ask."""
    return PLACE in os.environ


class Server:
    """An API server, asked over one connection."""

    def __init__(self, place):
        told = json.loads(Path(place).read_text())
        self.token, self.plurals = told["token"], {}
        context = ssl.create_default_context(cadata=told["ca"])
        self.connection = http.client.HTTPSConnection(urlsplit(told["url"]).netloc, context=context, timeout=60)

    def call(self, method, path, body=None):
        """(status, answer, warnings)"""
        headers = {"authorization": f"Bearer {self.token}", "accept": "application/json"}
        if body:
            headers["content-type"] = "application/apply-patch+yaml"
        self.connection.request(method, path, body and json.dumps(body), headers)
        response = self.connection.getresponse()
        text = response.read()
        # 299 - "what is said, with \"quotes\""
        said = [re.match(r'\d+ \S+ "((?:[^"\\]|\\.)*)"', value) for value in response.headers.get_all("warning") or []]
        warnings = [found.group(1).replace('\\"', '"') for found in said if found]
        return response.status, json.loads(text) if text.startswith(b"{") else {}, warnings

    def place(self, manifest):
        """Where an object is; None where the server does not know its kind."""
        version, kind, about = manifest["apiVersion"], manifest["kind"], manifest["metadata"]
        root = f"/apis/{version}" if "/" in version else f"/api/{version}"
        if root not in self.plurals:
            resources = self.call("GET", root)[1].get("resources", [])
            self.plurals[root] = {one["kind"]: (one["name"], one["namespaced"]) for one in resources if "/" not in one["name"]}
        if kind not in self.plurals[root]:
            return None
        plural, namespaced = self.plurals[root][kind]
        within = f"/namespaces/{about.get('namespace', NAMESPACE)}" if namespaced else ""
        return f"{root}{within}/{plural}/{about['name']}"

    def apply(self, manifest, dry=True):
        """Status, answer and warnings of applying an object; None where the server does not know its kind."""
        place = self.place(manifest)
        query = "fieldManager=golden-path&fieldValidation=Strict" + ("&dryRun=All" if dry else "")
        return place and self.call("PATCH", f"{place}?{query}", manifest)


def dry_run(repository):
    """Every manifest of the chart, and the objects of Argo CD."""
    server = Server(os.environ[PLACE])
    for case, values in cases(repository):
        for manifest in render(repository, values):
            for rule, text in judged(server, manifest):
                yield Finding(rule, f"{manifest['kind']} {manifest['metadata']['name']} ({case}): {text}")
    for path in map(str, repository.files):
        if path.startswith("deploy/argocd/") and not path.endswith("kustomization.yaml"):
            for rule, text in judged(server, repository.document(path)):
                yield Finding(rule, f"{path}: {text}")


def judged(server, manifest):
    """Rules and texts of what the server has to say."""
    key = json.dumps(manifest, sort_keys=True)
    if key not in SEEN:
        SEEN[key] = said(server, manifest)
    return SEEN[key]


def said(server, manifest):
    answer = server.apply(manifest)
    if answer is None:
        return [("server/no-kind", f"the server knows no {manifest['apiVersion']}")]
    status, body, warnings = answer
    rule = lambda warning: "server/pod-security" if "PodSecurity" in warning else "server/warns"
    found = [(rule(warning), warning) for warning in warnings]
    return found if status < 400 else [*found, ("server/refuses", f"{status} {body.get('message', '')}")]
