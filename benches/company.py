#!/usr/bin/env python3
"""Generates the catalog of a made-up company, the same one for the same size and seed.

    python3 benches/company.py 10k FOLDER [--seed 1]

FOLDER/all.yaml has one Location for each file part-*.yaml, and each of those has up to 100 documents. What the
measurements need to know about it (how many entities, names to ask for, relations to look for) is in
FOLDER/sample.json. The mix: 52 % components, 14 % APIs, 12 % resources, 13 % users, 4 % groups, 4 % systems, 0.6 %
domains; with ownership, systems and domains, provided and consumed APIs, dependencies, a tree of groups and membership.
"""

import argparse
import json
import os
import random

SEED = 20240607
DOCUMENTS_IN_FILE = 100
SAMPLED = 1000

THINGS = ("payment order cart user invoice stock price search mail event audit report media login token quota route "
          "ship refund ledger offer review basket account profile survey fraud ticket badge queue").split()
ROLES = ("api service worker gateway web store sync proxy broker engine portal agent batch job hub cache index feed "
         "stream console").split()
STORES = "db bucket topic cache".split()
WORDS = ("handles stores routes checks sends the for of and every customer order payment in near real time with strict "
         "limits used by teams across regions to keep data fresh and safe behind a small interface that owners can "
         "change").split()
LANGUAGES = "java go rust python typescript kotlin scala ruby node php".split()
FIRST = "ann ben cay dan eve fay gus hal ivy jon kim lee".split()
LAST = "ash bell cole dean east ford gray hill irwin jones".split()


def size(text):
    """`10k` or `10000` as a number."""
    number = int(text[:-1]) * 1000 if text.endswith("k") else int(text)
    if number < 100:
        raise argparse.ArgumentTypeError("a company has at least 100 entities")
    return number


def short(number):
    """10000 as `10k`."""
    return f"{number // 1000}k" if number % 1000 == 0 else str(number)


class Company:
    """Names first, so that documents can refer to each other; then the documents, in random order."""

    def __init__(self, entities, seed=SEED):
        self.random = random.Random(f"{seed}:{entities}")
        count = lambda share, least: max(least, int(entities * share))
        pick = self.random.choice
        self.domains = [f"{pick(THINGS)}-domain-{number:05}" for number in range(count(0.006, 1))]
        self.systems = [f"{pick(THINGS)}-{pick(THINGS)}-system-{number:05}" for number in range(count(0.04, 2))]
        self.groups = ["company"] + [f"team-{pick(THINGS)}-{number:05}" for number in range(1, count(0.04, 3))]
        self.apis = [f"{pick(THINGS)}-{pick(THINGS)}-api-{number:05}" for number in range(count(0.14, 1))]
        self.resources = [f"{pick(THINGS)}-{pick(STORES)}-{number:05}" for number in range(count(0.12, 1))]
        self.components = [f"{pick(THINGS)}-{pick(THINGS)}-{pick(ROLES)}-{number:05}"
                           for number in range(count(0.52, 1))]
        others = sum(map(len, (self.domains, self.systems, self.groups, self.apis, self.resources, self.components)))
        self.users = [f"{pick(FIRST)}.{pick(LAST)}{number:05}" for number in range(entities - others)]
        self.relations = {}
        self.documents = [
            *map(self._domain, self.domains),
            *map(self._system, self.systems),
            *(self._group(number) for number in range(len(self.groups))),
            *map(self._user, self.users),
            *map(self._api, self.apis),
            *map(self._resource, self.resources),
            *(self._component(number) for number in range(len(self.components))),
        ]
        self.random.shuffle(self.documents)

    def write(self, folder):
        """Writes all files; returns what is in sample.json."""
        os.makedirs(folder, exist_ok=True)
        locations = []
        for start in range(0, len(self.documents), DOCUMENTS_IN_FILE):
            name = f"part-{start // DOCUMENTS_IN_FILE:04}"
            with open(os.path.join(folder, f"{name}.yaml"), "w") as part:
                part.write("---\n".join(self.documents[start:start + DOCUMENTS_IN_FILE]))
            locations.append("apiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata:\n"
                             f"  name: {name}\nspec:\n  type: file\n  target: ./{name}.yaml\n")
        with open(os.path.join(folder, "all.yaml"), "w") as root:
            root.write("---\n".join(locations))
        sample = {
            "entities": len(self.documents),
            "files": len(locations) + 1,
            "components": self.random.sample(self.components, min(SAMPLED, len(self.components))),
            "groups": self.random.sample(self.groups[1:], min(SAMPLED, len(self.groups) - 1)),
            "things": THINGS,
            "relations": [{"type": name, "source": source, "target": target}
                          for name, (source, target) in sorted(self.relations.items())],
        }
        with open(os.path.join(folder, "sample.json"), "w") as file:
            json.dump(sample, file, indent=1)
        return sample

    def _text(self, words):
        return " ".join(self.random.choice(WORDS) for _ in range(words)).capitalize() + "."

    def _team(self):
        return self.random.choice(self.groups[1:])

    def _some(self, names, counts):
        """As many different names as one of the counts says, or fewer."""
        return sorted({self.random.choice(names) for _ in range(self.random.choice(counts))})

    def _relate(self, name, source, target):
        """Keeps the last relation of each type, to look for when all is read."""
        self.relations[name] = (source, target)

    def _head(self, kind, name, words=12, **metadata):
        lines = ["apiVersion: backstage.io/v1alpha1", f"kind: {kind}", "metadata:", f"  name: {name}",
                 f"  description: {quoted(self._text(words))}"]
        if "title" in metadata:
            lines.append(f"  title: {quoted(metadata['title'])}")
        for key in ("annotations", "labels"):
            if key in metadata:
                lines += [f"  {key}:"] + [f"    {name}: {quoted(value)}" for name, value in metadata[key].items()]
        if "tags" in metadata:
            lines += listed("tags", metadata["tags"])
        if "links" in metadata:
            lines.append("  links:")
            for url, title in metadata["links"]:
                lines += [f"    - url: {url}", f"      title: {quoted(title)}"]
        return lines + ["spec:"]

    def _owned(self, kind, name):
        owner = self._team()
        self._relate("ownedBy", f"{kind}:default/{name}", f"group:default/{owner}")
        return [f"  owner: {owner}"]

    def _part_of_system(self, kind, name):
        system = self.random.choice(self.systems)
        self._relate("partOf", f"{kind}:default/{name}", f"system:default/{system}")
        return [f"  system: {system}"]

    def _domain(self, name):
        return document(self._head("Domain", name) + self._owned("domain", name))

    def _system(self, name):
        return document(self._head("System", name, title=titled(name)) + self._owned("system", name)
                        + [f"  domain: {self.random.choice(self.domains)}"])

    def _group(self, number):
        name = self.groups[number]
        lines = self._head("Group", name) + [
            f"  type: {'team' if number else 'organization'}", "  profile:", f"    displayName: {quoted(titled(name))}",
            f"    email: {name}@example.com"]
        if number:
            parent = self.groups[(number - 1) // 6]
            self._relate("childOf", f"group:default/{name}", f"group:default/{parent}")
            lines.append(f"  parent: {parent}")
        return document(lines + ["  children: []"])

    def _user(self, name):
        teams = self._some(self.groups[1:], [1, 1, 2])
        self._relate("memberOf", f"user:default/{name}", f"group:default/{teams[0]}")
        return document(self._head("User", name, words=4) + [
            "  profile:", f"    displayName: {quoted(name.replace('.', ' ').title())}",
            f"    email: {name}@example.com"] + listed("memberOf", teams))

    def _api(self, name):
        pick = self.random.choice
        lines = self._head("API", name, tags=self.random.sample(LANGUAGES, 2)) + [
            f"  type: {pick(['openapi', 'openapi', 'grpc', 'asyncapi', 'graphql'])}",
            f"  lifecycle: {pick(['production', 'experimental', 'deprecated'])}",
            *self._owned("api", name), *self._part_of_system("api", name),
            "  definition: |", "    openapi: 3.0.0", f"    info: {{ title: {name}, version: 1.0.0 }}", "    paths:"]
        paths = sorted({f"/{pick(THINGS)}s/{{id}}/{pick(THINGS)}" for _ in range(self.random.randint(3, 9))})
        for path in paths:
            lines += [f"      {path}:", "        get:", f"          summary: {self._text(6)}",
                      "          responses: { '200': { description: OK } }"]
        return document(lines)

    def _resource(self, name):
        kind = self.random.choice(["database", "s3-bucket", "kafka-topic", "cache"])
        return document(self._head("Resource", name) + [
            f"  type: {kind}", *self._owned("resource", name), *self._part_of_system("resource", name)])

    def _component(self, number):
        pick, name = self.random.choice, self.components[number]
        annotations = {
            "github.com/project-slug": f"acme/{name}",
            "backstage.io/techdocs-ref": "dir:.",
            "backstage.io/source-location": f"url:https://git.example.com/acme/{name}/",
            "backstage.io/kubernetes-id": name,
            "pagerduty.com/integration-key": f"{self.random.getrandbits(128):032x}",
        }
        labels = {"tier": pick("123"), "region": pick(["eu", "us", "ap"])}
        links = [(f"https://grafana.example.com/d/{name}", "Dashboard"),
                 (f"https://runbooks.example.com/{name}", "Runbook")]
        tags = self.random.sample(LANGUAGES, self.random.randint(1, 4))
        lines = self._head("Component", name, title=titled(name), tags=tags, annotations=annotations, labels=labels,
                           links=links)
        lines += [f"  type: {pick(['service', 'service', 'service', 'website', 'library'])}",
                  f"  lifecycle: {pick(['production', 'production', 'experimental', 'deprecated'])}",
                  *self._owned("component", name), *self._part_of_system("component", name)]
        provided, consumed = self._some(self.apis, [0, 1, 1, 2]), self._some(self.apis, [0, 1, 2, 3])
        needed = [f"resource:{resource}" for resource in self._some(self.resources, [0, 1, 2])]
        # Only on earlier ones, so that dependencies make no circle.
        if number and self.random.random() < 0.5:
            needed.append(f"component:{self.components[self.random.randrange(number)]}")
        for relation, kind, names in (("providesApi", "api", provided), ("consumesApi", "api", consumed)):
            for target in names:
                self._relate(relation, f"component:default/{name}", f"{kind}:default/{target}")
        for target in needed:
            self._relate("dependsOn", f"component:default/{name}", target.replace(":", ":default/"))
        return document(lines + listed("providesApis", provided) + listed("consumesApis", consumed)
                        + listed("dependsOn", needed))


def quoted(text):
    return json.dumps(text)


def titled(name):
    return name.replace("-", " ").title()


def listed(key, values):
    return [f"  {key}:"] + [f"    - {value}" for value in values] if values else []


def document(lines):
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("entities", type=size, help="how many, as 10k or 10000")
    parser.add_argument("folder")
    parser.add_argument("--seed", default=SEED)
    arguments = parser.parse_args()
    sample = Company(arguments.entities, arguments.seed).write(arguments.folder)
    print(f"{sample['entities']} entities in {sample['files']} files")


if __name__ == "__main__":
    main()
