"""What stands in the files: text, data, catalog, documentation, versions, pins."""

import json
import re
from pathlib import Path

import yaml

from . import deployment, languages
from .repository import Finding

PINS = json.loads((Path(__file__).parent.parent / "pins.json").read_text())

# What a template engine leaves behind when something was forgotten.
LEFTOVERS = re.compile(
    r"\$\{\{-?\s*(?:(?:values|parameters|each)\b|steps\.\w+\.output\.)"
    r"|\{%-|(?:end)?raw\s*%\}|\[object Object\]"
)
# A word of TypeScript's own; elsewhere it is what became of a value that was not there.
UNDEFINED = re.compile(r"\bundefined\b")
CPU = {"small": "50m", "medium": "200m", "large": "500m"}
# Two blank lines in a row (three in Python), or one at the start: traces of a tag that was not trimmed.
GAPS = re.compile(r"\A\n|\n\n\n")
PYTHON_GAPS = re.compile(r"\A\n|\n\n\n\n")


def text(repository):
    """Lines end as editors and reviewers expect, and no trace of the template is left."""
    for path in repository.files:
        content = repository.text(path)
        if not content.endswith("\n") or content.endswith("\n\n"):
            yield Finding("text/final-newline", f"{path}: must end with one newline")
        if "\r" in content or "\t" in content:
            yield Finding("text/characters", f"{path}: has a tab or a carriage return")
        if (PYTHON_GAPS if path.suffix == ".py" else GAPS).search(content):
            yield Finding("text/blank-lines", f"{path}: has blank lines too many")
        for number, line in enumerate(content.splitlines(), 1):
            if line != line.rstrip():
                yield Finding("text/trailing-space", f"{path}:{number}: ends with a space")
            if LEFTOVERS.search(line) or (path.suffix != ".ts" and UNDEFINED.search(line)):
                yield Finding("text/leftover", f"{path}:{number}: is not fully rendered: {line.strip()}")


def data(repository):
    """Every YAML, JSON and TOML file parses; the chart's templates are YAML only after rendering."""
    for path in repository.files:
        if path.parts[:2] == ("chart", "templates"):
            continue
        try:
            repository.parse(path)
        except (ValueError, yaml.YAMLError) as error:
            yield Finding("data/syntax", f"{path}: {error}")


def catalog(repository):
    """A component and the API that it provides, with what the portal's views look for."""
    entities = {entity["kind"]: entity for entity in repository.documents("catalog-info.yaml")}
    if set(entities) - {"Resource"} != {"Component", "API"}:
        yield Finding("catalog/kinds", f"catalog-info.yaml: holds {sorted(entities)}")
        return
    component, api = entities["Component"], entities["API"]
    for entity in (component, api):
        yield from entity_shape(entity)
    name, annotations = component["metadata"]["name"], component["metadata"]["annotations"]
    expected = {
        "argocd/app-selector": f"app.kubernetes.io/name={name}",
        "backstage.io/kubernetes-id": name,
        "backstage.io/kubernetes-label-selector": f"app.kubernetes.io/name={name}",
        "backstage.io/source-template": f"template:default/{languages.of(repository).template}",
        "backstage.io/techdocs-ref": "dir:.",
    }
    for key, value in expected.items():
        if annotations.get(key) != value:
            yield Finding("catalog/annotation", f"catalog-info.yaml: {key} is {annotations.get(key)!r}, not {value!r}")
    if component["spec"]["providesApis"] != [api["metadata"]["name"]]:
        yield Finding("catalog/api", "catalog-info.yaml: the component does not provide the API beside it")
    definition = repository.document(api["spec"]["definition"]["$text"])
    yield from openapi(repository, definition)


def entity_shape(entity):
    where = f"catalog-info.yaml: {entity['kind']}"
    if entity["apiVersion"] != "backstage.io/v1alpha1":
        yield Finding("catalog/version", f"{where}: apiVersion {entity['apiVersion']}")
    if not re.fullmatch(r"[a-zA-Z0-9]([a-zA-Z0-9_.-]{0,61}[a-zA-Z0-9])?", entity["metadata"]["name"]):
        yield Finding("catalog/name", f"{where}: {entity['metadata']['name']!r} is not a name")
    for field in ("type", "lifecycle", "owner"):
        if not isinstance(entity["spec"].get(field), str) or not entity["spec"][field]:
            yield Finding("catalog/field", f"{where}: spec.{field} is missing")
    # Optional ones are there with a value or not at all.
    for value in (entity["metadata"].get("description", "x"), entity["spec"].get("system", "x")):
        if not value:
            yield Finding("catalog/field", f"{where}: an optional field is empty")


def openapi(repository, definition):
    """References resolve, and every described path is among the routes and the other way round."""
    for reference in re.findall(r'\$ref: "#/([^"]+)"', repository.text("openapi.yaml")):
        node = definition
        for part in reference.split("/"):
            node = node.get(part, {})
        if not node:
            yield Finding("openapi/reference", f"openapi.yaml: {reference} is not there")
    path, pattern = languages.of(repository).routes
    routed, described = set(re.findall(pattern, repository.text(path))), set(definition["paths"])
    if routed != described:
        yield Finding("openapi/paths", f"openapi.yaml describes {sorted(described)}, {path} has {sorted(routed)}")


def documentation(repository):
    """The navigation and the links between pages lead somewhere, and every page is in the navigation."""
    pages = [page for entry in repository.document("mkdocs.yml")["nav"] for page in entry.values()]
    written = [path.name for path in repository.files if path.parts[0] == "docs"]
    if sorted(pages) != sorted(written):
        yield Finding("docs/navigation", f"mkdocs.yml lists {sorted(pages)}, docs/ holds {sorted(written)}")
    # The description may look like a link; it is quoted in the pages.
    description = (repository.answers or {}).get("parameters", {}).get("description") or ""
    for path in (path for path in repository.files if path.suffix == ".md"):
        content = repository.text(path).replace(description.strip(), "")
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", content):
            if "://" not in target and not (repository.root / path.parent / target).exists():
                yield Finding("docs/link", f"{path}: {target} is not there")


def versions(repository):
    """Base images by tag and a digest that pins.json knows; one release of the language and one port everywhere."""
    language = languages.of(repository)
    dockerfile = repository.text("Dockerfile")
    known = {(pin["image"], pin["tag"], pin["digest"]) for pin in PINS["images"]}
    stages = re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)
    for stage in stages:
        pin = re.fullmatch(r"(\S+):([^@]+)@(sha256:[0-9a-f]{64})", stage)
        if stage != "scratch" and not (pin and pin.groups() in known):
            yield Finding("versions/digest", f"Dockerfile: {stage} is not in pins.json")
    if not re.search(r"^USER 65532:65532$", dockerfile.rpartition("\nFROM ")[2], re.MULTILINE):
        yield Finding("versions/user", "Dockerfile: what runs is not the user 65532")
    yield from language.versions(repository)
    port = repository.document("chart/values.yaml")["port"]
    for path, pattern in (
        ("Dockerfile", r"^EXPOSE {port}$"),
        ("Dockerfile", r"^ENV PORT={port}$"),
        ("openapi.yaml", r"http://localhost:{port}$"),
        *language.ports,
    ):
        if not re.search(pattern.replace("{port}", str(port)), repository.text(path), re.MULTILINE):
            yield Finding("versions/port", f"{path}: the port is not {port}")


def answers(repository):
    """What was answered stands where it belongs, unchanged, however odd its characters."""
    if not repository.answers:
        return
    given = repository.answers["parameters"]
    entities = {entity["kind"]: entity for entity in repository.documents("catalog-info.yaml")}
    component, api = entities["Component"], entities["API"]
    values = repository.document("chart/values.yaml")
    exposure = given.get("exposure", "none")
    description = (given.get("description") or "").strip() or None
    owner, name = re.search(r"owner=([^&]+)&repo=([^&]+)", given["repoUrl"]).groups()
    team = re.split("[:/]", given["owner"])[-1]
    slug = component["metadata"]["annotations"].get("github.com/project-slug")
    github = given["repoUrl"].startswith("github.com?")
    image = f"{given.get('registry', 'ghcr.io')}/{owner}/{name}".lower()
    for what, found, expected in (
        ("name", component["metadata"]["name"], given["name"]),
        ("description", component["metadata"].get("description"), description),
        ("owner", component["spec"]["owner"], given["owner"]),
        ("system", component["spec"].get("system"), given.get("system") or None),
        ("system of the API", api["spec"].get("system"), given.get("system") or None),
        ("lifecycle", component["spec"]["lifecycle"], given.get("lifecycle", "experimental")),
        ("project slug", slug, f"{owner}/{name}" if github else None),
        ("package description", languages.of(repository).description(repository), description),
        ("chart name", repository.document("chart/Chart.yaml")["name"], given["name"]),
        ("chart description", repository.document("chart/Chart.yaml").get("description"), description),
        ("API description", repository.document("openapi.yaml")["info"].get("description"), description),
        ("site description", repository.document("mkdocs.yml").get("site_description"), description),
        ("code owner", repository.text(".github/CODEOWNERS").split()[-1], f"@{owner}/{team}"),
        ("port", values["port"], given.get("port", 8080)),
        ("image", values["image"]["repository"], image),
        ("CPU", values["resources"]["requests"]["cpu"], CPU[given.get("size", "small")]),
        ("gateway", values["route"]["enabled"], exposure == "gateway"),
        ("ingress", values["ingress"]["enabled"], exposure == "ingress"),
        ("monitoring", values["serviceMonitor"]["enabled"], given.get("monitoring", False)),
        ("secrets", values["secrets"]["enabled"], given.get("secrets", False)),
        ("architectures", architectures(repository), given.get("architectures", "amd64")),
        ("values", delivered(component, given), given.get("values", "service")),
        ("application set", deployment.is_set(repository), given.get("applications") == "set"),
        ("environments", repository.environments, sorted(one["name"] for one in repository.answers["environments"])),
        ("order of promotion", order(repository), [one["name"] for one in repository.answers["environments"]]),
    ):
        if found != expected:
            yield Finding("answers/value", f"{what}: {found!r}, not {expected!r}")


def delivered(component, given):
    """Where the values are, by what the catalog entry says of it."""
    annotations = component["metadata"]["annotations"]
    where = annotations.get("greenroom.dev/values-repository")
    how = f"gitops-{annotations.get('greenroom.dev/values-delivery')}" if where else "service"
    return how if where == given.get("gitopsRepoUrl") else f"{how} in {where}"


def order(repository):
    """The environments as the workflows see them."""
    return [one["name"] for one in repository.document("deploy/environments.yaml")["environments"]]


def architectures(repository):
    """What the image is built for."""
    matrix = repository.document(".github/workflows/ci.yaml")["jobs"]["image"]["strategy"]["matrix"]["include"]
    return "-".join(one["architecture"] for one in matrix)


def pins(repository):
    """Every action by a commit that pins.json knows, with its version beside it; no rights that no job asked for."""
    known = {(pin["action"], pin["commit"], pin["version"]) for pin in PINS["actions"]}
    for path in (path for path in repository.files if path.parts[:2] == (".github", "workflows")):
        for number, line in enumerate(repository.text(path).splitlines(), 1):
            if not re.match(r"\s*(- )?uses:", line):
                continue
            # A workflow of the repository itself.
            if re.search(r"uses: \./\.github/workflows/\S+$", line):
                continue
            pin = re.match(r"\s*(?:- )?uses: ([^@\s]+)@([0-9a-f]{40}) # (v\d+\.\d+\.\d+)$", line)
            if not pin or pin.groups() not in known:
                yield Finding("actions/pin", f"{path}:{number}: is not in pins.json: {line.strip()}")
        workflow = repository.document(path)
        if workflow.get("permissions") != {}:
            yield Finding("actions/permissions", f"{path}: the top level must say permissions: {{}}")
        for job, body in workflow["jobs"].items():
            # What a called workflow may take is said by its own jobs.
            for field in ("permissions",) if "uses" in body else ("permissions", "timeout-minutes"):
                if field not in body:
                    yield Finding("actions/job", f"{path}: job {job} has no {field}")
