"""What clusters cost, and what people wait for who look at them.

Two kinds of API servers stand in for clusters. Five light ones (`apiserver.py`), with two thousand pods each and a hundred
services in three environments: what watching them takes in memory, and how long the pages take. And a real one, of
`tests/cluster`: how soon a change of it is on the matrix, how long a plan of forty objects takes with its differences, and
putting them there. Where the real one is not built, that part is left out.

Times stand beside the liveness endpoint's in the same run; plans and applying beside the same requests to the API server
alone, as many at once, over connections that are kept.
"""

import base64
import http.client
import json
import os
import ssl
import statistics
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from apiserver import digest, service_name
from pages import Visitor, liveness
from portal import Portal
from processes import Child, wait_until

CLUSTERS, PODS, SERVICES = 5, 2000, 100
ENVIRONMENTS = ("dev", "staging", "prod")
OBJECTS, AT_ONCE = 40, 8
READINGS, CHANGES, PLANS = 30, 20, 10
LONGEST, PEACE = 180, 20
MATRIX = "/delivery"
APPLICATIONS = "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications"
JSON = {"content-type": "application/json"}
APPLY = {"content-type": "application/apply-patch+yaml"}
MERGE = {"content-type": "application/merge-patch+json"}

TEMPLATE = """apiVersion: scaffolder.backstage.io/v1beta3
kind: Template
metadata: { name: forty-objects }
spec:
  type: service
  owner: group:default/payments
  parameters:
    - properties: { set: { type: string }, note: { type: string } }
  steps:
    - id: fetch
      name: Fetch
      action: fetch:template
      input: { url: ./skeleton, values: { set: '${{ parameters.set }}', note: '${{ parameters.note }}' } }
    - id: apply
      name: Apply
      action: kubernetes:apply
      input: { cluster: real, manifestPath: deploy }
"""


def component(number):
    """A service as the catalog has it; Argo CD's applications are found by its annotation."""
    name = service_name(number)
    return {"apiVersion": "backstage.io/v1alpha1", "kind": "Component",
            "metadata": {"name": name, "annotations": {"argocd/app-name": name, "backstage.io/kubernetes-id": name}},
            "spec": {"type": "service", "lifecycle": "production", "owner": "group:default/payments"}}


def objects(set_name, note):
    """Forty objects of a namespace, of the kinds that services are made of. Deployments keep no pods: who makes those is
    not what is measured."""
    about = lambda kind, name, version="v1": {"apiVersion": version, "kind": kind, "metadata": {
        "name": name, "namespace": "bench", "labels": {"app.kubernetes.io/part-of": set_name}, "annotations": {"note": note}}}
    found = []
    for number in range(OBJECTS // 5):
        name, labels = f"{set_name}-{number}", {"app": f"{set_name}-{number}"}
        container = {"name": "server", "image": "registry.acme.example/acme/server:1.4.2", "ports": [{"containerPort": 8080}],
                     "env": [{"name": "NOTE", "value": note}], "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}}}
        template = {"metadata": {"labels": labels}, "spec": {"containers": [container], "serviceAccountName": name}}
        found += [
            about("ServiceAccount", name),
            {**about("ConfigMap", name), "data": {"note": note, **{f"key-{at}": "value " * 20 for at in range(5)}}},
            {**about("Service", name), "spec": {"selector": labels, "ports": [{"port": 80, "targetPort": 8080}]}},
            {**about("Deployment", name, "apps/v1"), "spec": {"replicas": 0, "selector": {"matchLabels": labels}, "template": template}},
            {**about("NetworkPolicy", name, "networking.k8s.io/v1"), "spec": {"podSelector": {"matchLabels": labels}, "policyTypes": ["Ingress"]}},
        ]
    return found


def address(one):
    version = one["apiVersion"]
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    plural = "networkpolicies" if one["kind"] == "NetworkPolicy" else one["kind"].lower() + "s"
    return f"{root}/namespaces/{one['metadata']['namespace']}/{plural}/{one['metadata']['name']}"


class Real:
    """A real control plane of tests/cluster; ends with the block. Requests are made by as many threads as want to."""

    def __init__(self, folder):
        self.out = os.path.join(folder, "cluster.json")
        root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        command = ["node", os.path.join(root, "tests/cluster/cluster.mjs"), "start", "--name", "real", "--argo", "--out", self.out]
        self.child = Child(command, os.path.join(folder, "cluster.log"))
        self.own = threading.local()

    def __enter__(self):
        def is_there():
            if self.child.process.poll() is not None:
                raise SystemExit(f"the control plane did not start:\n{self.child.last_words()}")
            return os.path.exists(self.out)
        try:
            wait_until(is_there, LONGEST, "the control plane is not ready", 0.1)
        except BaseException:
            self.child.stop()
            raise
        with open(self.out) as file:
            self.told = json.load(file)
        self.context = ssl.create_default_context(cadata=self.told["ca"])
        return self

    def __exit__(self, *_):
        self.child.stop()

    def entry(self):
        """It as one of the portal's clusters."""
        return {"name": "real", "url": self.told["url"], "authProvider": "serviceAccount",
                "serviceAccountToken": self.told["token"], "caData": base64.b64encode(self.told["ca"].encode()).decode()}

    def call(self, method, path, body=None, headers=JSON):
        if not hasattr(self.own, "connection"):
            self.own.connection = http.client.HTTPSConnection(urlsplit(self.told["url"]).netloc, context=self.context, timeout=60)
        connection = self.own.connection
        connection.request(method, path, body and json.dumps(body), {**headers, "authorization": f"Bearer {self.told['token']}"})
        answer = connection.getresponse()
        text = answer.read()
        if answer.status >= 400 and not (method == "GET" and answer.status == 404):
            raise SystemExit(f"{method} {path}: {answer.status} {text[:300].decode(errors='replace')}")
        return json.loads(text)

    def apply(self, one, dry=False):
        return self.call("PATCH", f"{address(one)}?fieldManager=bench{'&dryRun=All' if dry else ''}", one, APPLY)

    def together(self, work, wanted):
        """Seconds of doing something with each, some at once. The threads have their connections before."""
        with ThreadPoolExecutor(AT_ONCE) as people:
            list(people.map(lambda _: self.call("GET", "/version"), range(AT_ONCE * 4)))
            begin = time.perf_counter()
            list(people.map(work, wanted))
            return time.perf_counter() - begin


def write_config(folder, clusters, control):
    """A portal with these clusters, a hundred services, and the template."""
    os.makedirs(os.path.join(folder, "template/skeleton/deploy"), exist_ok=True)
    services, template = os.path.join(folder, "services.yaml"), os.path.join(folder, "template/template.yaml")
    with open(services, "w") as file:
        file.write("\n---\n".join(json.dumps(component(number)) for number in range(SERVICES)))
    with open(template, "w") as file:
        file.write(TEMPLATE)
    with open(os.path.join(folder, "template/skeleton/deploy/all.yaml"), "w") as file:
        file.write("\n---\n".join(json.dumps(one) for one in objects("${{ values.set }}", "${{ values.note }}")))
    allow = [{"allow": ["Component", "Template"]}]
    config = {
        "catalog": {"locations": [{"type": "file", "target": target, "rules": allow} for target in (services, template)]},
        "kubernetes": {"clusterLocatorMethods": [{"type": "config", "clusters": clusters}]},
        "environments": [{"name": name, "cluster": clusters[number % len(clusters)]["name"] if clusters else "none",
                          "server": f"https://{name}.acme.example:6443", "colour": "blue"}
                         for number, name in enumerate(ENVIRONMENTS)],
        "argocd": {"instances": [{"name": "main", "cluster": control, "namespace": "argocd"}] if clusters else []},
    }
    path = os.path.join(folder, "app-config.yaml")
    with open(path, "w") as file:
        json.dump(config, file)
    return path


def start(folder, binary, clusters, control=None):
    os.makedirs(folder, exist_ok=True)
    config = write_config(folder, clusters, control)
    return Portal(binary, os.path.join(folder, "data"), config, log=os.path.join(folder, "portal.log"))


def text(visitor, path):
    status, _, content = visitor.portal.request("GET", path, headers={"cookie": visitor.cookie})
    if status != 200:
        raise SystemExit(f"GET {path}: {status}")
    return content


def kubernetes(number):
    return f"/catalog/default/component/{service_name(number)}/kubernetes"


def is_known(portal):
    last = service_name(SERVICES - 1)
    names = (f"component/default/{last}", "template/default/forty-objects")
    headers = {"authorization": f"Bearer {portal.guest_token()}"}
    return all(portal.request("GET", f"/api/catalog/entities/by-name/{name}", headers=headers)[0] == 200 for name in names)


def known(portal):
    wait_until(lambda: portal.answers("/.backstage/health/v1/readiness"), LONGEST, "not ready", 0.01)
    wait_until(lambda: is_known(portal), LONGEST, "the services are not in the catalog", 0.05)
    return Visitor(portal)


def watching(folder, binary, say):
    """Memory with and without clusters, and the pages."""
    with start(os.path.join(folder, "without"), binary, []) as portal:
        known(portal)
        time.sleep(PEACE)
        without = portal.memory_mb()
    program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "apiserver.py")
    command = [sys.executable, program, os.path.join(folder, "servers"), "--clusters", str(CLUSTERS), "--pods", str(PODS),
               "--services", str(SERVICES), "--environments", ",".join(ENVIRONMENTS)]
    log = os.path.join(folder, "servers.log")
    with Child(command, log, stdout=subprocess.PIPE) as servers:
        told = json.loads(servers.process.stdout.readline())
        clusters = [{"name": one["name"], "url": one["url"], "authProvider": "anonymous", "caData": one["caData"]} for one in told]
        with start(os.path.join(folder, "with"), binary, clusters, clusters[0]["name"]) as portal:
            visitor = known(portal)
            everything = lambda: text(visitor, MATRIX).count(b"1.4.2") >= SERVICES * len(ENVIRONMENTS) and all(
                text(visitor, kubernetes(number)).count(b">Ready<") >= CLUSTERS * 4 for number in (0, SERVICES - 1))
            wait_until(everything, LONGEST, "not everything is seen", 0.2)
            seen = time.perf_counter() - portal.started
            time.sleep(PEACE)
            figures = {"without_mb": without, "with_mb": portal.memory_mb(), "objects": sum(one["objects"] for one in told),
                       "seen": seen, "liveness": liveness(portal), "pod_bytes": told[0]["pod_bytes"]}
            for name, path in (("matrix", MATRIX), ("kubernetes", kubernetes(7))):
                seconds, size, plain = visitor.read(path)
                figures[name] = {"seconds": seconds, "bytes": size, "plain_bytes": plain}
            figures["after_mb"] = portal.memory_mb()
    say(f"  {figures['with_mb']:.0f} MB with clusters, {without:.0f} MB without; matrix {figures['matrix']['seconds'] * 1000:.1f} ms, "
        f"Kubernetes {figures['kubernetes']['seconds'] * 1000:.1f} ms")
    return figures


def application(number, environment, tag):
    service = service_name(number)
    source = {"repoURL": f"https://git.acme.example/acme/{service}.git", "targetRevision": "main", "path": "chart"}
    image = f"registry.acme.example/acme/{service}:{tag}"
    return {
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
        "metadata": {"name": f"{service}-{environment}", "namespace": "argocd", "labels": {"environment": environment}},
        "spec": {"project": service, "source": source,
                 "destination": {"server": f"https://{environment}.acme.example:6443", "namespace": environment}},
        "status": {"sync": {"status": "Synced", "revision": digest(service)[7:47], "comparedTo": {
                       "source": source, "destination": {"server": "", "namespace": environment}}},
                   "health": {"status": "Healthy"}, "summary": {"images": [image]}}}


class Follower:
    """An open page: what it is told, and when."""

    def __init__(self, visitor):
        self.connection = http.client.HTTPConnection("127.0.0.1", visitor.portal.port, timeout=60)
        self.connection.request("GET", f"{MATRIX}/events", headers={"cookie": visitor.cookie, "accept": "text/event-stream"})
        self.answer = self.connection.getresponse()

    def wait(self):
        while not self.answer.readline().startswith(b"event: changed"):
            pass

    def close(self):
        self.connection.close()


def changes(real, visitor):
    """Seconds from the change of an application until a page that follows has fetched it, as its script does."""
    taken = []
    follower = Follower(visitor)
    follower_is_told = threading.Thread(target=follower.wait)
    follower_is_told.start()
    real.call("PATCH", f"{APPLICATIONS}/{service_name(0)}-dev", application(0, "dev", "first"), MERGE)
    follower_is_told.join()
    for number in range(CHANGES):
        # A page at rest: what was told about the change before is over.
        time.sleep(0.5)
        tag = f"2.0.{number}"
        changed = application(number % SERVICES, "dev", tag)
        begin = time.perf_counter()
        real.call("PATCH", f"{APPLICATIONS}/{changed['metadata']['name']}", changed, MERGE)
        while True:
            follower.wait()
            if tag.encode() in text(visitor, MATRIX):
                break
        taken.append(time.perf_counter() - begin)
    follower.close()
    return taken


def plan(visitor, set_name, note):
    """Seconds of the plan's page; its objects that change."""
    headers = {"cookie": visitor.cookie}
    path = f"/create/templates/default/forty-objects?set={set_name}&note={note}"
    status, answer, _ = visitor.portal.request("GET", path, headers=headers)
    if status not in (302, 303):
        raise SystemExit(f"GET {path}: {status}")
    draft = answer["location"].split("/drafts/")[1].split("/")[0]
    begin = time.perf_counter()
    page = text(visitor, f"/create/drafts/{draft}/plan")
    seconds = time.perf_counter() - begin
    if page.count(b"on cluster real") < OBJECTS:
        raise SystemExit(f"the plan of {set_name} with {note} has {page.count(b'on cluster real')} objects")
    return seconds


def run(visitor, set_name, note):
    """Seconds from POST to completed, asked over one connection."""
    headers = {**JSON, "authorization": f"Bearer {visitor.token}"}
    body = json.dumps({"templateRef": "template:default/forty-objects", "values": {"set": set_name, "note": note}})
    begin = time.perf_counter()
    status, _, content = visitor.portal.request("POST", "/api/scaffolder/v2/tasks", body, headers)
    if status != 201:
        raise SystemExit(f"the run was refused: {status} {content.decode()}")
    path = f"/api/scaffolder/v2/tasks/{json.loads(content)['id']}"
    while (state := json.loads(visitor.portal.request("GET", path, headers=headers)[2])["status"]) in ("open", "processing"):
        if time.perf_counter() - begin > LONGEST:
            raise SystemExit("the run did not end")
        time.sleep(0.002)
    if state != "completed":
        raise SystemExit(f"the run ended as {state}")
    return time.perf_counter() - begin


def rehearse_alone(real, set_name, note):
    """What a plan asks of the API server, without the portal."""
    def both(one):
        real.call("GET", address(one))
        real.apply(one, dry=True)
    return real.together(both, objects(set_name, note))


def changing(folder, binary, say):
    """Changes that are seen, plans, applying, with a real API server."""
    with Real(folder) as real:
        real.call("PATCH", "/api/v1/namespaces/bench?fieldManager=bench",
                  {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "bench"}}, APPLY)
        post = lambda one: real.call("POST", APPLICATIONS, application(*one, "1.0.0"))
        real.together(post, [(number, environment) for number in range(SERVICES) for environment in ENVIRONMENTS])
        with start(os.path.join(folder, "real"), binary, [real.entry()], "real") as portal:
            visitor = known(portal)
            wait_until(lambda: text(visitor, MATRIX).count(b"1.0.0") >= SERVICES * len(ENVIRONMENTS), LONGEST, "not everything is seen", 0.1)
            time.sleep(5)
            seen = changes(real, visitor)
            run(visitor, "warm", "warm")
            figures = {"liveness": liveness(portal), "change": {"median": statistics.median(seen), "worst": max(seen), "times": len(seen)}}
            by = {"plan_new": [], "apply": [], "plan_changed": [], "alone_plan": [], "alone_apply": []}
            for number in range(PLANS):
                by["plan_new"].append(plan(visitor, f"set-{number}", "one"))
                by["apply"].append(run(visitor, f"set-{number}", "one"))
                by["plan_changed"].append(plan(visitor, f"set-{number}", "two"))
                by["alone_apply"].append(real.together(real.apply, objects(f"alone-{number}", "one")))
                by["alone_plan"].append(rehearse_alone(real, f"alone-{number}", "two"))
            figures.update({name: {"median": statistics.median(taken), "worst": max(taken)} for name, taken in by.items()})
    say(f"  a change is seen after {figures['change']['median'] * 1000:.0f} ms; plan {figures['plan_changed']['median'] * 1000:.0f} ms, "
        f"apply {figures['apply']['median'] * 1000:.0f} ms")
    return figures


def is_built():
    """Whether there is a control plane to start."""
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    return os.path.exists(os.path.join(root, "build/cluster/bin/plane")) or "KUBEBUILDER_ASSETS" in os.environ


def measure(folder, binary, say):
    """All of it."""
    os.makedirs(folder)
    figures = {"watching": watching(folder, binary, say)}
    if is_built():
        figures["changing"] = changing(folder, binary, say)
    else:
        say("  no control plane is built in build/cluster (`.ci/setup test` does that): left out what asks a real one")
    return figures
