"""The generated folder, read once, and what checks say about it."""

import json
import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import yaml


# What Git and the languages' tools leave behind.
LEFT = {".git", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".venv", "node_modules", "target"}


# What goes to the GitOps repository is in this folder.
GITOPS = "gitops"


@dataclass(frozen=True)
class Finding:
    """Something that is wrong: `rule` is a name for exceptions.yaml, `text` is for people."""

    rule: str
    text: str

    def __str__(self):
        return f"{self.text} [{self.rule}]"


class UniqueKeys(yaml.SafeLoader):
    """YAML 1.1 as most tools read it, but a repeated key is an error."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        repeated = {key for key in keys if keys.count(key) > 1}
        if repeated:
            raise yaml.constructor.ConstructorError(None, None, f"repeated keys {sorted(repeated)}", node.start_mark)
        return super().construct_mapping(node, deep)


class Repository:
    """`answers` is a document of answers/, or None when the folder is checked on its own."""

    def __init__(self, root, answers=None):
        self.root = root
        self.answers = answers
        # What a check has found out at some cost, for the next one.
        self.memory = {}

    @cached_property
    def files(self):
        """Relative paths, sorted; what builds and Git leave behind is no part of it."""
        paths = (path for path in self.root.rglob("*") if path.is_file())
        relative = (path.relative_to(self.root) for path in paths)
        return sorted(path for path in relative if path.parts[0] not in LEFT and "__pycache__" not in path.parts)

    @cached_property
    def elsewhere(self):
        """The folder with the values of the environments, where they go to a GitOps repository."""
        found = sorted(self.root.glob(f"{GITOPS}/apps/*/envs"))
        return found[0].relative_to(self.root).as_posix() if found else None

    @cached_property
    def environments(self):
        """Names, from the values files."""
        if self.elsewhere:
            return sorted(path.parent.name for path in self.root.glob(f"{self.elsewhere}/*/values.yaml"))
        names = (path.name for path in self.root.glob("chart/values-*.yaml"))
        return sorted(name.removeprefix("values-").removesuffix(".yaml") for name in names)

    def values_of(self, environment):
        """The path of an environment's values file."""
        return f"{self.elsewhere}/{environment}/values.yaml" if self.elsewhere else f"chart/values-{environment}.yaml"

    def text(self, path):
        return (self.root / path).read_text(encoding="utf-8")

    def documents(self, path):
        """Of a YAML file."""
        return [document for document in yaml.load_all(self.text(path), Loader=UniqueKeys) if document is not None]

    def document(self, path):
        """Of a YAML file with exactly one."""
        (document,) = self.documents(path)
        return document

    def parse(self, path):
        """A data file, by its name; None for other files."""
        path = Path(path)
        if path.suffix in (".yaml", ".yml"):
            return self.documents(path)
        if path.suffix == ".json":
            return json.loads(self.text(path))
        if path.suffix == ".toml" or path.name == "Cargo.lock":
            return tomllib.loads(self.text(path))
        return None
