"""What the catalog is measured by: from an empty database to everything visible, starts, requests, memory, idleness."""

import json
import os
import shutil
import statistics
import time

from company import Company
from portal import Bill, Portal, write_config
from processes import wait_until

LONGEST_INGEST = 1800
# Seconds after a start until Postgres has cleaned up after an ingest: it looks for such work once in a minute.
CLEANED_UP = 100
KINDS = ("component", "api", "resource", "system", "domain", "group", "user")
COUNT = "/api/catalog/entities/by-query?limit=0&filter=" + ",".join(f"kind={kind}" for kind in KINDS)
OPPOSITE = {"ownedBy": "ownerOf", "partOf": "hasPart", "memberOf": "hasMember", "childOf": "parentOf",
            "providesApi": "apiProvidedBy", "consumesApi": "apiConsumedBy", "dependsOn": "dependencyOf"}

# In the order of the table; those of FOLLOWED also while the catalog grows.
REQUESTS = ("by-name", "by-name-token", "by-query", "by-query-owner", "full-text", "facets", "facets-filtered",
            "all-components", "ancestry")
FOLLOWED = ("by-name", "by-query", "facets")


def by_name(reference):
    kind, rest = reference.split(":", 1)
    return f"/api/catalog/entities/by-name/{kind}/{rest}"


def requests(sample):
    """Paths by the name of what they measure; several are asked in turn."""
    listed = "/api/catalog/entities/by-query?limit=20&orderField=metadata.name,asc"
    facets = "/api/catalog/entity-facets"
    components = [by_name(f"component:default/{name}") for name in sample["components"]]
    owners = [f"group:default/{name}" for name in sample["groups"]]
    return {
        "by-name": components,
        "by-name-token": components,
        "by-query": [f"{listed}&filter=kind=component"],
        "by-query-owner": [f"{listed}&filter=kind=component,relations.ownedBy={owner}" for owner in owners],
        "full-text": [f"{listed}&filter=kind=component&fullTextFilterTerm={thing}" for thing in sample["things"]],
        "facets": [f"{facets}?facet=spec.type"],
        "facets-filtered": [f"{facets}?facet=metadata.tags&filter=kind=component"],
        "all-components": ["/api/catalog/entities?filter=kind=component"],
        "ancestry": [f"{path}/ancestry" for path in components],
    }


class Site:
    """A folder with a company's files and a portal's configuration, and the database of it: the portal's own, or one
    of a Postgres that is given."""

    def __init__(self, folder, binary, entities, postgres=None):
        self.folder, self.binary, self.postgres, self.database = folder, binary, postgres, None
        os.makedirs(folder)
        self.files = os.path.join(folder, "company")
        self.sample = Company(entities).write(self.files)
        self.config = write_config(os.path.join(folder, "app-config.yaml"), os.path.join(self.files, "all.yaml"))
        self.config_of_nothing = write_config(os.path.join(folder, "nothing.yaml"))

    def empty(self):
        """Forgets what a portal stored."""
        self.forget()
        if self.postgres:
            self.database = f"greenroom-{time.monotonic_ns()}"
            self.postgres.create(self.database)

    def forget(self):
        """Leaves nothing of it."""
        shutil.rmtree(self.data_dir("data"), ignore_errors=True)
        if self.database:
            self.postgres.ask("postgres", f'DROP DATABASE "{self.database}" WITH (FORCE)')
            self.database = None

    def data_dir(self, name):
        return os.path.join(self.folder, name)

    def portal(self, name="data", config=None):
        """Starts one; `name` is its data directory."""
        url = self.postgres.url(self.database) if self.postgres else None
        return Portal(self.binary, self.data_dir(name), config or self.config, url,
                      os.path.join(self.folder, f"{name}.log"))

    def bill(self, *portals):
        return Bill(portals, self.postgres)


def is_complete(portal, sample):
    """Whether every entity, and each sampled relation seen from both ends, is in the answers."""
    if portal.get(COUNT)["totalItems"] != sample["entities"]:
        return False
    return all(has_relation(portal, source, kind, target)
               for relation in sample["relations"]
               for source, kind, target in (
                   (relation["source"], relation["type"], relation["target"]),
                   (relation["target"], OPPOSITE[relation["type"]], relation["source"])))


def has_relation(portal, source, kind, target):
    status, _, body = portal.request("GET", by_name(source))
    return status == 200 and {"type": kind, "targetRef": target} in json.loads(body).get("relations", [])


def ingest(site):
    """Empty database to everything visible; (figures, the portal, still running)."""
    site.empty()
    with site.portal(config=site.config_of_nothing) as portal:
        # The part that is not the catalog's: a cluster where there is none, migrations, what is shipped.
        nothing = portal.first_answer()
    site.empty()
    before = site.bill().read()[1]
    portal = site.portal()
    try:
        wait_until(lambda: is_complete(portal, site.sample), LONGEST_INGEST, "not every entity became visible", 0.01)
        wall = time.perf_counter() - portal.started
        server, database = site.bill(portal).read()
    except BaseException:
        portal.stop()
        raise
    figures = {"seconds": wall, "server_cpu": server, "database_cpu": database - before, "nothing_to_read": nothing}
    return figures, portal


def memory(site, portal, peace=20):
    """After some seconds of peace."""
    time.sleep(peace)
    return {"server_mb": portal.memory_mb(), "all_mb": site.bill(portal).all_memory_mb()}


def warm_starts(site, times=5):
    """Process start to first answer, when the database is filled and no file changed."""
    seconds = []
    for _ in range(times):
        with site.portal() as portal:
            seconds.append(portal.first_answer())
    return {"median": statistics.median(seconds), "best": min(seconds), "times": times}


def idle(site, portal, seconds):
    """CPU of a portal that nobody asks and whose files do not change, in per cent of one core."""
    bill = site.bill(portal)
    begin, before = time.perf_counter(), bill.read_finely()
    time.sleep(seconds)
    wall, after = time.perf_counter() - begin, bill.read_finely()
    server, database = ((late - early) / wall * 100 for early, late in zip(before, after))
    return {"server_percent": server, "database_percent": database, "seconds": seconds}


def load(site, portal, turns, names, connections, say):
    """Each request under load; figures by name and number of connections."""
    figures, bill, paths = {}, site.bill(portal), requests(site.sample)
    for name in names:
        token = {"Authorization": f"Bearer {portal.guest_token()}"} if name == "by-name-token" else None
        for number in connections:
            figure = turns.measure(portal, bill, paths[name], number, token)
            say(f"  {name}, {number} connections: {figure['rate']:,.0f}/s, {figure['share']:.0%} of the bare handler")
            figures.setdefault(name, {})[str(number)] = figure
    return figures
