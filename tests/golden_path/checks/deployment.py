"""How the service is deployed: chart, manifests, Argo CD."""

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import kubernetes_validate
import yaml
from helm_python import HelmError
from helm_python import chart as helm_chart

from .repository import Finding, Repository

# What the API's schemas say of a manifest, by version and manifest: most are the same in many repositories.
SEEN = {}

# The oldest that Chart.yaml allows, and the newest that the validator knows.
KUBERNETES = ("1.29", "1.37")
DIGEST = "sha256:" + "0123456789abcdef" * 4
RELEASED = {"image": {"tag": "sha-0123456789ab", "digest": DIGEST}}
# Everything that is off by default.
EVERYTHING = RELEASED | {
    "autoscaling": {"enabled": True, "minReplicas": 2, "maxReplicas": 3},
    "imagePullSecrets": ["registry"],
    "labels": {"team": "a"},
    "networkPolicy": {"egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}], "ports": [{"port": 5432}]}]},
    "podAnnotations": {"example.org/a": "b"},
    "envFromSecrets": {"TOKEN": {"secret": "{{ .Release.Name }}-token", "key": "token"}},
    "ingress": {"enabled": True, "hostnames": ["a.example.org"], "annotations": {"example.org/a": "b"}},
    "secrets": {"enabled": True},
    "serviceMonitor": {"enabled": True},
    "route": {"enabled": True, "parentRefs": [{"name": "gateway"}], "hostnames": ["{{ .Release.Name }}.example.org"]},
}


def merge(base, over):
    """As Helm lays one values file over another."""
    both = dict(base)
    for key, value in over.items():
        both[key] = merge(both[key], value) if isinstance(value, dict) and isinstance(both.get(key), dict) else value
    return both


def cases(repository):
    """What is rendered: every environment as generated and after a release, and one with everything on."""
    for environment in repository.environments:
        values = repository.document(repository.values_of(environment))
        yield environment, values
        yield f"{environment}, released", merge(values, RELEASED)
    yield "everything", EVERYTHING


def render(repository, values):
    """The manifests of one case."""
    key = json.dumps(values, sort_keys=True)
    if key not in repository.memory:
        repository.memory[key] = rendered(repository, values)
    return repository.memory[key]


def rendered(repository, values):
    name = repository.document("chart/Chart.yaml")["name"]
    with helm_chart.Chart.load(repository.root / "chart") as loaded:
        loaded.validate_schema(values)
        files = loaded.render(values, name=name, namespace="somewhere")
    manifests = {path: text for path, text in files.items() if path.endswith(".yaml")}
    return [item for text in manifests.values() for item in yaml.safe_load_all(text) if item]


def helm(repository):
    """`helm lint --strict` and `helm template`; every message counts, information too."""
    severities = {0: "unknown", 1: "info", 2: "warning", 3: "error"}
    for case, values in cases(repository):
        report = helm_chart.lint(repository.root / "chart", values, strict=True)
        messages = {(message["severity"], message["path"], message["error"]) for message in report["messages"]}
        for severity, path, text in sorted(messages):
            yield Finding(f"helm/{severities[severity]}", f"{case}: {path}: {text}")
        for error in report["errors"]:
            if not any(error in text or text in error for _, _, text in messages):
                yield Finding("helm/error", f"{case}: {error}")
        try:
            manifests = render(repository, values)
        except HelmError as error:
            yield Finding("helm/error", f"{case}: {error}")
            continue
        kinds = {manifest["kind"] for manifest in manifests}
        for missing in {"Deployment", "NetworkPolicy", "Service", "ServiceAccount"} - kinds:
            yield Finding("helm/missing", f"{case}: renders no {missing}")
        fewest, budget = floor(manifests)
        if (fewest > 1) != budget:
            yield Finding("helm/budget", f"{case}: {fewest} pods and {'a' if budget else 'no'} disruption budget")


def floor(manifests):
    """How many pods there are at least, and whether a disruption budget guards them."""
    by_kind = {manifest["kind"]: manifest for manifest in manifests}
    scaler = by_kind.get("HorizontalPodAutoscaler")
    deployment = by_kind["Deployment"]["spec"]
    if scaler and "replicas" in deployment:
        raise ValueError("the deployment sets replicas although it is scaled")
    return (scaler["spec"]["minReplicas"] if scaler else deployment["replicas"]), "PodDisruptionBudget" in by_kind


def kubernetes(repository):
    """Every manifest against the API's own schemas, unknown fields refused."""
    for case, values in cases(repository):
        for manifest in render(repository, values):
            for version in KUBERNETES:
                problem = judged(manifest, version)
                if problem:
                    rule, text = problem
                    name = f"{manifest['kind']} {manifest['metadata']['name']}"
                    yield Finding(f"kubernetes/{rule}", f"{name} ({case}, {version}): {text}")


def judged(manifest, version):
    """Rule and text of what is wrong, or None."""
    key = version, json.dumps(manifest, sort_keys=True)
    if key not in SEEN:
        SEEN[key] = None
        try:
            kubernetes_validate.validate(manifest, version, strict=True)
        except kubernetes_validate.SchemaNotFoundError:
            SEEN[key] = "no-schema", f"there is no {manifest['apiVersion']}"
        except kubernetes_validate.ValidationError as error:
            SEEN[key] = "invalid", f"{'.'.join(map(str, error.path))}: {error.message}"
    return SEEN[key]


def pods(repository):
    """What the restricted Pod Security Standard asks for, and what a pod needs besides to be a good neighbour."""
    for case, values in cases(repository):
        (deployment,) = [one for one in render(repository, values) if one["kind"] == "Deployment"]
        pod = deployment["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        security, own = pod["securityContext"], container["securityContext"]
        waits = {one["name"]: one["value"] for one in container["env"] if "value" in one}
        waiting = int(waits["DRAIN_SECONDS"]) + int(waits["SHUTDOWN_SECONDS"])
        for what, good in (
            ("runs as a user that is not root", security["runAsNonRoot"] is True and security["runAsUser"] > 0),
            ("uses the runtime's seccomp profile", security["seccompProfile"] == {"type": "RuntimeDefault"}),
            ("cannot gain privileges", own["allowPrivilegeEscalation"] is False),
            ("has no capabilities", own["capabilities"] == {"drop": ["ALL"]}),
            ("cannot write its file system", own["readOnlyRootFilesystem"] is True),
            ("has no token of the cluster", pod["automountServiceAccountToken"] is False),
            ("has all three probes", {"startupProbe", "readinessProbe", "livenessProbe"} <= set(container)),
            ("asks for CPU and memory", set(container["resources"]["requests"]) == {"cpu", "memory"}),
            ("is limited in memory", "memory" in container["resources"]["limits"]),
            ("is spread", len(pod["topologySpreadConstraints"]) == 2),
            ("has the time to stop", pod["terminationGracePeriodSeconds"] > waiting),
            ("runs by digest", case in repository.environments or container["image"].endswith("@" + DIGEST)),
            ("selects its own pods", deployment["spec"]["selector"]["matchLabels"].items()
             <= deployment["spec"]["template"]["metadata"]["labels"].items()),
        ):
            if not good:
                yield Finding("pods/restricted", f"{case}: not true that the pod {what}")


def refusals(repository):
    """The values schema refuses what would fail in the cluster."""
    for wrong in (
        {"unknown": 1},
        {"image": {"digest": "sha256:short"}},
        {"image": {"digest": 5}},
        {"port": 80},
        {"replicas": 0},
        {"env": {"lower": "x"}},
        {"env": {"PORT": "1"}},
        {"resources": {"limits": {"memory": "lots"}}},
        {"environment": "a b"},
        {"envFromSecrets": {"PORT": {"secret": "a", "key": "b"}}},
        {"envFromSecrets": {"TOKEN": {"secret": "a"}}},
        {"ingress": {"enabled": True, "hostnames": []}},
        {"route": {"enabled": True, "hostnames": []}},
        {"secrets": {"store": {"kind": "Vault"}}},
        {"serviceMonitor": {"interval": "often"}},
    ):
        with helm_chart.Chart.load(repository.root / "chart") as loaded:
            try:
                loaded.validate_schema(merge(loaded.values, wrong))
            except Exception:  # noqa: BLE001, S112
                continue
        yield Finding("values/accepted", f"values.schema.json accepts {wrong}")


def argocd(repository):
    """The project allows exactly what its applications do, and each environment has its own, as it was asked for."""
    project = repository.document("deploy/argocd/project.yaml")
    listed = repository.document("deploy/argocd/kustomization.yaml")["resources"]
    objects = ["applicationset.yaml"] if is_set(repository) else [f"{name}.yaml" for name in repository.environments]
    written = [path.name for path in repository.files if path.parts[:2] == ("deploy", "argocd")]
    if sorted(listed) != sorted(["project.yaml", *objects]) or sorted(written) != sorted([*listed, "kustomization.yaml"]):
        yield Finding("argocd/kustomization", f"kustomization.yaml lists {listed}")
    allowed = [(place["server"], place["namespace"]) for place in project["spec"]["destinations"]]
    kinds = {(one["group"], one["kind"]) for one in project["spec"]["namespaceResourceWhitelist"]}
    rendered = {
        (manifest["apiVersion"].rpartition("/")[0], manifest["kind"])
        for _, values in cases(repository)
        for manifest in render(repository, values)
    }
    if rendered != kinds:
        yield Finding("argocd/kinds", f"the project allows {sorted(kinds)}, the chart makes {sorted(rendered)}")
    asked = {one["name"]: one for one in (repository.answers or {}).get("environments", [])}
    used, made = [], list(applications(repository))
    if sorted(name for name, _, _ in made) != repository.environments:
        yield Finding("argocd/environments", f"there are applications for {[name for name, _, _ in made]}")
    for name, path, application in made:
        used.append((application["spec"]["destination"]["server"], application["spec"]["destination"]["namespace"]))
        for text in application_findings(repository, name, application, project, asked.get(name)):
            yield Finding("argocd/application", f"{path} ({name}): {text}")
    if sorted(used) != sorted(allowed):
        yield Finding("argocd/destinations", f"the project allows {allowed}, the applications use {used}")


def is_set(repository):
    return (repository.root / "deploy/argocd/applicationset.yaml").exists()


def applications(repository):
    """Environment, file and Application of each, as Argo CD sees it."""
    if not is_set(repository):
        for name in repository.environments:
            path = f"deploy/argocd/{name}.yaml"
            if (repository.root / path).exists():
                yield name, path, repository.document(path)
        return
    path = "deploy/argocd/applicationset.yaml"
    spec = repository.document(path)["spec"]
    (generator,) = spec["generators"]
    for element in generator["list"]["elements"]:
        application = filled(yaml.safe_dump(spec["template"], width=1000), element)
        yield element["environment"], path, patched(application, filled(spec["templatePatch"], element))


def filled(text, element):
    """A text of Go's templates with the values of one element; Helm's engine is Go's."""
    with tempfile.TemporaryDirectory() as folder:
        chart = Path(folder) / "chart"
        (chart / "templates").mkdir(parents=True)
        (chart / "Chart.yaml").write_text("apiVersion: v2\nname: filled\nversion: 0.1.0\n")
        (chart / "templates/it.yaml").write_text("{{- with .Values.element }}\n" + text + "\n{{- end }}\n")
        with helm_chart.Chart.load(chart) as loaded:
            (made,) = loaded.render({"element": element}, name="filled", namespace="default").values()
    return yaml.safe_load(made)


def patched(base, patch):
    """A strategic merge patch, of which only maps and new lists are used: null takes a key away."""
    both = dict(base)
    for key, value in (patch or {}).items():
        if value is None:
            both.pop(key, None)
        else:
            both[key] = patched(both.get(key) or {}, value) if isinstance(value, dict) else value
    return both


def application_findings(repository, name, application, project, asked):
    spec, labels = application["spec"], application["metadata"]["labels"]
    service = repository.document("chart/Chart.yaml")["name"]
    if spec["project"] != project["metadata"]["name"]:
        yield f"is in the project {spec['project']}"
    sources = spec.get("sources") or [spec["source"]]
    if [source["repoURL"] for source in sources] != project["spec"]["sourceRepos"]:
        yield f"deploys {[source['repoURL'] for source in sources]}, not the project's {project['spec']['sourceRepos']}"
    own = f"values-{name}.yaml"
    if repository.elsewhere:
        own = repository.values_of(name).replace("gitops/", "$values/", 1)
        if len(sources) != 2 or sources[1].get("ref") != "values" or "path" in sources[1]:
            yield f"has the sources {sources}"
    if sources[0]["helm"]["valueFiles"] != ["values.yaml", own]:
        yield f"uses {sources[0]['helm']['valueFiles']}"
    if (labels["app.kubernetes.io/name"], labels["environment"]) != (service, name):
        yield f"has the labels {labels}"
    if not asked:
        return
    found = (application["metadata"]["name"], spec["destination"]["server"], spec["destination"]["namespace"])
    if found != (asked["application"], asked["server"], asked["namespace"]):
        yield f"is {found}"
    automated = spec["syncPolicy"].get("automated")
    wanted = {"prune": True, "selfHeal": True} if asked["automated"] else None
    if automated != wanted:
        yield f"syncs with {automated}"
    if ("finalizers" in application["metadata"]) != asked["automated"]:
        yield f"has the finalizers {application['metadata'].get('finalizers')}"


def set_image(repository):
    """The script of the pipeline changes the image and nothing else, and refuses what is no image."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "repository"
        for part in ("chart", "deploy", "gitops"):
            if (repository.root / part).exists():
                shutil.copytree(repository.root / part, copy / part)
        environment = os.environ | ({"GITOPS": "gitops"} if repository.elsewhere else {})

        def run(*arguments):
            script = ["sh", "deploy/set-image.sh", *arguments]
            return subprocess.run(script, cwd=copy, env=environment, capture_output=True, check=False).returncode

        for name in repository.environments:
            path = repository.values_of(name)
            code = run(name, RELEASED["image"]["tag"], DIGEST)
            expected = merge(repository.document(path), RELEASED)
            if code or Repository(copy).document(path) != expected:
                yield Finding("set-image/written", f"{path}: not as expected after set-image.sh (exit code {code})")
            kept = (copy / path).read_text()
            bad = (name, "a b", DIGEST), (name, "a/b", DIGEST), (name, "a", "sha256:0"), ("nowhere", "a", DIGEST)
            for wrong in bad:
                if run(*wrong) == 0 or (copy / path).read_text() != kept:
                    yield Finding("set-image/refused", f"set-image.sh accepts {wrong}")
