"""What the catalog is measured by: from an empty database to everything visible, starts, requests, memory, idleness."""

import json
import os
import shutil
import statistics
import time
from urllib.parse import quote

from company import Company
from load import Turns
from portal import Bill, Portal, write_config
from processes import scheduled_seconds, wait_until

LONGEST_INGEST = 1800
KINDS = ("component", "api", "resource", "system", "domain", "group", "user")
COUNT = "/api/catalog/entities/by-query?limit=0&filter=" + ",".join(f"kind={kind}" for kind in KINDS)
OPPOSITE = {"ownedBy": "ownerOf", "partOf": "hasPart", "memberOf": "hasMember", "childOf": "parentOf",
            "providesApi": "apiProvidedBy", "consumesApi": "apiConsumedBy", "dependsOn": "dependencyOf"}

# Those that are followed as the catalog grows.
FOLLOWED = ("by-name", "by-query", "facets")


def by_name(reference):
    kind, rest = reference.split(":", 1)
    namespace, name = rest.split("/", 1)
    return f"/api/catalog/entities/by-name/{kind}/{namespace}/{name}"


def requests(sample):
    """Paths by the name of what they measure."""
    query, facets = "/api/catalog/entities/by-query?limit=20&filter=kind=component", "/api/catalog/entity-facets?facet=spec.type"
    ordered = f"{query}&orderField=metadata.name,asc"
    components = [by_name(f"component:default/{name}") for name in sample["components"]]
    owners = [quote(f"group:default/{name}", safe=":/") for name in sample["groups"]]
    return {
        "by-name": components,
        "by-query": [ordered],
        "by-query-owner": [f"{ordered},relations.ownedby={owner}".replace(
            "filter=kind=component&orderField=metadata.name,asc,", "orderField=metadata.name,asc&filter=kind=component,")
            for owner in owners],
        "full-text": [f"{ordered}&fullTextFilterTerm={term}" for term in sample["things"]],
        "facets": [facets],
        "facets-filtered": [f"{facets}&filter=kind=component,spec.lifecycle=production"],
        "all-components": ["/api/catalog/entities?filter=kind=component"],
        "ancestry": [f"{path}/ancestry" for path in components],
    }


class Site:
    """A folder with a company's files, a portal's configuration, and databases for it."""

    def __init__(self, folder, binary, entities, postgres=None, seed=None):
        self.folder, self.binary, self.postgres = folder, binary, postgres
        os.makedirs(folder, exist_ok=True)
        company = Company(entities) if seed is None else Company(entities, seed)
        self.files = os.path.join(folder, "company")
        self.sample = company.write(self.files)
        self.config = write_config(os.path.join(folder, "app-config.yaml"), os.path.join(self.files, "all.yaml"))
        self.database = None

    def empty(self):
        """Forgets what a portal stored."""
        shutil.rmtree(self.data_dir(), ignore_errors=True)
        if self.postgres:
            if self.database:
                self.postgres.ask("postgres", f'DROP DATABASE "{self.database}" WITH (FORCE)')
            self.database = f"greenroom-{time.monotonic_ns()}"
            self.postgres.create(self.database)

    def forget(self):
        """As `empty`, for good."""
        self.empty()
        if self.postgres:
            self.postgres.ask("postgres", f'DROP DATABASE "{self.database}" WITH (FORCE)')

    def data_dir(self, name="data"):
        return os.path.join(self.folder, name)

    def portal(self, name="data", config=True):
        url = self.postgres.url(self.database) if self.postgres else None
        return Portal(self.binary, self.data_dir(name), self.config if config is True else config, url,
                      os.path.join(self.folder, f"{name}.log"))

    def bill(self, *portals):
        return Bill(portals, self.postgres)


def is_complete(portal, sample):
    """Whether every entity and each sampled relation, seen from both ends, is in the answers."""
    if portal.get(COUNT)["totalItems"] != sample["entities"]:
        return False
    for relation in sample["relations"]:
        ends = ((relation["source"], relation["type"], relation["target"]),
                (relation["target"], OPPOSITE[relation["type"]], relation["source"]))
        for source, kind, target in ends:
            status, _, body = portal.request("GET", by_name(source))
            wanted = {"type": kind, "targetRef": target}
            if status != 200 or wanted not in json.loads(body).get("relations", []):
                return False
    return True


def ingest(site):
    """Empty database to everything visible; returns (figures, the running portal)."""
    site.empty()
    with site.portal(config=empty_config(site)) as portal:
        # What a start costs that has nothing to read: the programs, a cluster where there is none, migrations.
        portal.first_answer()
        nothing = time.perf_counter() - portal.started
    site.empty()
    own_before = site.bill().read()[1]
    portal = site.portal()
    try:
        wait_until(lambda: is_complete(portal, site.sample), LONGEST_INGEST, "not every entity became visible", 0.01)
        wall = time.perf_counter() - portal.started
        server, database = site.bill(portal).read()
        figures = {"wall_s": wall, "server_s": server, "database_s": database - own_before, "nothing_to_read_s": nothing}
        return figures, portal
    except BaseException:
        portal.stop()
        raise


def empty_config(site):
    path = os.path.join(site.folder, "empty.yaml")
    with open(path, "w") as file:
        file.write("catalog:\n  locations: []\nbackend:\n  auth:\n    dangerouslyDisableDefaultAuthPolicy: true\n")
    return path


def settle(seconds=5):
    time.sleep(seconds)


def memory(site, portal):
    """After a while of peace."""
    settle()
    return {"server_mb": portal.memory_mb(), "all_mb": site.bill(portal).all_memory_mb()}


def warm_starts(site, times=5):
    """The database is filled, nothing changed: process start to first answer."""
    seconds = []
    for _ in range(times):
        with site.portal() as portal:
            seconds.append(portal.first_answer())
    return {"median_s": statistics.median(seconds), "best_s": min(seconds), "times": times}


def idle(site, portal, seconds):
    """CPU of a portal that nobody asks and whose files do not change, in per cent of one core."""
    settle()
    bill = site.bill(portal)
    server, database = bill.read(scheduled_seconds)
    begin = time.perf_counter()
    time.sleep(seconds)
    wall = time.perf_counter() - begin
    server_after, database_after = bill.read(scheduled_seconds)
    return {"server_percent": (server_after - server) / wall * 100,
            "database_percent": (database_after - database) / wall * 100, "seconds": seconds}


def load(site, portal, turns: Turns, names, connections, say):
    """Every request of the names under load; figures by name and number of connections."""
    figures = []
    bill, paths = site.bill(portal), requests(site.sample)
    for name in names:
        for number in connections:
            headers, asked = None, name
            if name == "by-name-token":
                headers, asked = {"Authorization": f"Bearer {portal.guest_token()}"}, "by-name"
            figure = {"name": name, **turns.measure(portal, bill, paths[asked], number, headers)}
            say(f"{name}, {number} connections: {figure['rate']:,.0f}/s, {figure['share']:.0%} of the bare handler")
            figures.append(figure)
    return figures
