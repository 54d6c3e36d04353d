"""Sends generated requests to a running portal and compares the answers with Backstage's own OpenAPI document.

    python schema.py --greenroom target/debug/greenroom [--plugin catalog] [--max-examples 100] [--seed 1]

catalog.openapi.json and search.openapi.json are the official documents of Backstage 1.55's catalog and search. Where it contradicts what a real Backstage
was recorded to answer, the recording counts: see CONTRADICTIONS. Each is shown to be one before it is taken out of the
document. No answer may be a server error, and every answer must conform.
"""

import argparse
import copy
import json
import re
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

import jsonschema_rs

HERE = Path(__file__).resolve().parent
PLUGINS = ["catalog", "search"]
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
]
# Seconds after which the run is given up.
LIMIT = 300


def partial_entities(document):
    """An entity in a list of which `fields` were asked."""
    schemas = document["components"]["schemas"]
    partial = copy.deepcopy(schemas["Entity"])
    del partial["required"]
    # A part of metadata need not have the name either.
    meta = copy.deepcopy(schemas["EntityMeta"])
    meta.pop("required", None)
    partial["properties"]["metadata"] = meta
    schemas["PartialEntity"] = partial
    reference = {"$ref": "#/components/schemas/PartialEntity"}
    document["paths"]["/entities"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]["items"] = reference
    schemas["EntitiesQueryResponse"]["properties"]["items"]["items"] = reference
    schemas["EntitiesBatchResponse"]["properties"]["items"]["items"] = {"anyOf": [reference, {"type": "null"}]}


def ordinary_errors(document):
    """The answer to a request that is itself malformed."""
    content = document["paths"]["/validate-entity"]["post"]["responses"]["400"]["content"]["application/json"]
    content["schema"] = {"anyOf": [content["schema"], {"$ref": "#/components/schemas/Error"}]}


# What the document says otherwise than the recordings: a recording that shows it, why, and what counts instead.
CONTRADICTIONS = [
    ("catalog-read/085-by-refs", "with `fields`, entities lack what was not asked for", partial_entities),
    ("catalog-query/004-page-2", "with `fields`, entities lack what was not asked for", partial_entities),
    ("catalog-validate/068-no-location", "a malformed request is answered like everywhere else", ordinary_errors),
]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--greenroom", type=Path, required=True)
    parser.add_argument("--max-examples", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plugin", choices=PLUGINS, help="only this one; without, one after the other")
    options = parser.parse_args()
    codes = [check(options, plugin) for plugin in ([options.plugin] if options.plugin else PLUGINS)]
    sys.exit(max(codes))


def check(options, plugin):
    """Checks one plugin; 0 if every answer was right."""
    document = json.loads((HERE / f"{plugin}.openapi.json").read_text())
    contradictions = [one for one in CONTRADICTIONS if one[0].startswith(plugin)]
    for recording, reason, correct in contradictions:
        if conforms(document, plugin, recording):
            sys.exit(f"{recording} does not contradict the document: {reason}")
        print(f"not as the document says, as {recording} shows: {reason}")
    for correct in {correct: None for _, _, correct in contradictions}:
        correct(document)
    for recording, _, _ in contradictions:
        if not conforms(document, plugin, recording):
            sys.exit(f"{recording} contradicts the corrected document, too")
    with tempfile.TemporaryDirectory(prefix="greenroom-schema-") as folder:
        return run(options, plugin, document, Path(folder))


def conforms(document, plugin, recording):
    """Whether a recorded answer is what the document says."""
    pair = json.loads((HERE / "golden" / f"{recording}.json").read_text())
    request, response = pair["request"], pair["response"]
    path = request["path"].removeprefix(f"/api/{plugin}").split("?")[0]
    content = document["paths"][path][request["method"].lower()]["responses"][str(response["status"])]["content"]
    schema = {**content["application/json"]["schema"], "components": document["components"]}
    return jsonschema_rs.is_valid(schema, response["json"])


def run(options, plugin, document, folder):
    serve = [options.greenroom.resolve(), "serve", "--port", "0", "--data-dir", folder / "data"]
    with open(folder / "log", "wb") as log:
        portal = subprocess.Popen(serve, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        lines = iter(portal.stdout.readline, "")
        url = next((found[0] for line in lines if (found := re.search(r"https?://\S+:\d+", line))), None)
        if url is None:
            sys.exit(f"the portal said no address:\n{(folder / 'log').read_text()}")
        token = ask(f"{url}/api/auth/guest/refresh", method="POST")["backstageIdentity"]["token"]
        base = f"{url}/api/{plugin}"
        if plugin == "catalog":
            give_examples(document, base, token)
        (folder / "document.json").write_text(json.dumps(document))
        command = [Path(sys.executable).parent / "schemathesis", "run", folder / "document.json"]
        command += ["--url", base, "--header", f"Authorization: Bearer {token}"]
        command += ["--seed", str(options.seed), "--max-examples", str(options.max_examples)]
        command += ["--phases", "examples,coverage,fuzzing", "--checks", ",".join(CHECKS), "--continue-on-failure"]
        # Made-up references name nothing most of the time; that is a case as good as others.
        command += ["--warnings", "off", "--request-timeout", "30"]
        return subprocess.run(command, cwd=folder, timeout=LIMIT).returncode
    finally:
        portal.terminate()
        portal.wait()


def ask(url, method="GET", token=None):
    request = urllib.request.Request(url, method=method)
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def give_examples(document, base, token):
    """Lets some requests name what there is."""
    entities = ask(f"{base}/entities?limit=20", token=token)
    known = {
        "uid": [entity["metadata"]["uid"] for entity in entities],
        "kind": sorted({entity["kind"] for entity in entities}),
        "namespace": ["default"],
        "name": [entity["metadata"]["name"] for entity in entities],
    }
    parameters = document["components"]["parameters"].values()
    inline = (operation.get("parameters", []) for path in document["paths"].values() for operation in path.values())
    for parameter in [*parameters, *(each for several in inline for each in several)]:
        values = known.get(parameter.get("name"))
        if values and parameter["in"] == "path":
            # Half of them made up, half of them known.
            parameter["schema"] = {"anyOf": [{"enum": values}, parameter["schema"]]}


if __name__ == "__main__":
    main()
