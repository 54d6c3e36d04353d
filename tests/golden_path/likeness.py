"""The service templates ask the same, do the same, and differ in what is language."""

import yaml

# Of a question: how an answer is worded may depend on the language.
WORDED = {"enumNames"}


def differences(folder):
    """A line for each difference between the templates that is none of the language's."""
    paths = sorted(folder.glob("*-service/template.yaml"))
    forms = {path.parent.name: yaml.safe_load(path.read_text())["spec"] for path in paths}
    (first, model), *others = forms.items()
    for name, spec in others:
        if questions(spec) != questions(model):
            yield f"{name} asks something else than {first}"
        mine, theirs = steps(spec), steps(model)
        if list(mine) != list(theirs):
            yield f"{name} has the steps {list(mine)}, {first} {list(theirs)}"
        for step in mine.keys() & theirs.keys():
            if mine[step] != theirs[step]:
                yield f"{name}: step {step} differs from that of {first}"


def questions(spec):
    """The form without its wording."""
    return [
        (page["title"], page.get("required"), name, {key: value for key, value in field.items() if key not in WORDED})
        for page in spec["parameters"]
        for name, field in page["properties"].items()
    ]


def steps(spec):
    """The steps by their ids, without what is language."""
    found = {}
    for step in spec["steps"]:
        given = dict(step.get("input", {}))
        values = {key: value for key, value in given.get("values", {}).items() if key not in ("debugLog", "language")}
        plain = {key: value for key, value in given.items() if key not in ("gitCommitMessage", "topics", "values")}
        found[step["id"]] = {**step, "input": plain, "values": values}
    return found
