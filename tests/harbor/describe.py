"""Reads Harbor's API description back out of the client that was generated from it.

Harbor publishes `swagger.yaml` in no package of its own, but the client `harbor-api-client` was generated from it, and its
code still says every operation, parameter and model. What is lost on the way is which status codes an operation has.

    describe.py OUT    writes {operations: [...], models: {name: JSON schema}} as JSON
"""

import ast
import importlib.util
import json
import pathlib
import re
import sys

SIMPLE = {
    "str": {"type": "string"},
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "bool": {"type": "boolean"},
    "object": {},
    "Object": {},
    "date": {"type": "string", "format": "date"},
    "datetime": {"type": "string", "format": "date-time"},
    "file": {"type": "string"},
}


def schema(kind):
    """The JSON schema of a type as the generator writes it: `str`, `list[Label]`, `dict(str, object)`."""
    if kind in SIMPLE:
        return SIMPLE[kind]
    if found := re.fullmatch(r"list\[(.*)\]", kind):
        return {"type": "array", "items": schema(found[1])}
    if found := re.fullmatch(r"dict\(str, (.*)\)", kind):
        return {"type": "object", "additionalProperties": schema(found[1])}
    return {"$ref": f"#/models/{kind}"}


def model(path):
    """The name and the schema of the class in a file of models, or None."""
    text = path.read_text()
    for node in ast.parse(text).body:
        if isinstance(node, ast.ClassDef):
            fields = {t.id: ast.literal_eval(a.value) for a in node.body if isinstance(a, ast.Assign) for t in a.targets if isinstance(t, ast.Name) and t.id in ("swagger_types", "attribute_map")}
            names = fields["attribute_map"]
            properties = {names[own]: dict(schema(kind)) for own, kind in fields["swagger_types"].items()}
            required = re.findall(r"Invalid value for `(\w+)`, must not be `None`", text)
            for own, word, limit in re.findall(r"Invalid value for `(\w+)`, length must be (less|greater) than or equal to `(\d+)`", text):
                properties[names[own]]["maxLength" if word == "less" else "minLength"] = int(limit)
            result = {"type": "object", "properties": properties, "additionalProperties": False}
            if required:
                result["required"] = sorted({names[own] for own in required})
            # The generator has no fields for a model that is a map; swagger's is one of integers.
            if not properties:
                result = {"type": "object"}
            return node.name, result
    return None


def operation(function):
    """An operation, from the function that sends it."""
    text = ast.unparse(function)
    found = re.search(r"call_api\('([^']+)', '([A-Z]+)'", text)
    if not found:
        return None
    types = {name: (kind, "(required)" in rest) for kind, name, rest in re.findall(r":param (\S+(?:\(str, \w+\))?) (\w+): ?(.*)", ast.get_docstring(function) or "")}
    response = re.search(r"response_type='([^']+)'", text)
    body = re.search(r"body_params = params\['(\w+)'\]", text)
    query = {wire: schema(types[own][0]) for wire, own in re.findall(r"query_params\.append\(\('([^']+)', params\['(\w+)'\]\)\)", text)}
    return {
        "operationId": function.name.removesuffix("_with_http_info"),
        "method": found[2],
        "path": found[1],
        "pathParameters": {wire: schema(types[own][0]) for wire, own in re.findall(r"path_params\['([^']+)'\] = params\['(\w+)'\]", text)},
        "query": query,
        "body": {"schema": schema(types[body[1]][0]), "required": types[body[1]][1]} if body else None,
        "answer": schema(response[1]) if response else None,
    }


def main():
    found = importlib.util.find_spec("harbor_client")
    if found is None:
        sys.exit("describe.py: harbor-api-client is not installed; run .ci/setup test")
    package = pathlib.Path(found.submodule_search_locations[0])
    models = dict(filter(None, (model(path) for path in sorted((package / "models").glob("*.py")))))
    functions = [node for path in sorted((package / "api").glob("*.py")) for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef) and node.name.endswith("_with_http_info")]
    operations = list(filter(None, map(operation, functions)))
    out = pathlib.Path(sys.argv[1])
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps({"operations": operations, "models": models}, indent=1))


main()
