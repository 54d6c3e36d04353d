"""Pages over a large catalog: what the slowest of many views takes on the server, by kind of page.

Every page is read many times over one connection, different entities in turn; the liveness endpoint is read as often in the
same run, so that what the machine adds can be seen in its slowest answers.
"""

import itertools
import time
from urllib.parse import quote

import catalog
from pages import Visitor
from processes import wait_until

READINGS = 500
LONGEST_INDEX = 120


def pages(sample):
    """Paths by the name of the page; several are read in turn."""
    entity = lambda reference: "/catalog/default/" + reference.replace(":default/", "/")
    ends = [end for relation in sample["relations"] for end in (relation["source"], relation["target"])]
    of = lambda kind: sorted({entity(end) for end in ends if end.startswith(f"{kind}:")})
    components = [f"/catalog/default/component/{name}" for name in sample["components"]]
    graphs = [f"/catalog-graph?root=component:default/{name}" for name in sample["components"]]
    return {
        "start": ["/"],
        "list": ["/catalog", "/catalog?kind=api", "/catalog?kind=component&sort=-name", "/catalog?kind=all"],
        "list, text": [f"/catalog?q={quote(thing)}" for thing in sample["things"]],
        "list, an owner": [f"/catalog?owner=group:default/{name}" for name in sample["groups"]],
        "component": components,
        "component, dependencies": [f"{path}/dependencies" for path in components],
        "component, history": [f"{path}/history" for path in components],
        "component, raw": [f"{path}/raw" for path in components],
        "API": of("api"),
        "system": of("system"),
        "group": [f"/catalog/default/group/{name}" for name in sample["groups"]],
        "user": of("user"),
        "organisation": ["/organisation"],
        "problems": ["/catalog/problems"],
        "search": [f"/search?q={quote(thing)}" for thing in sample["things"]],
        "search, as typed": [f"/search/quick?q={quote(thing[:length])}" for thing in sample["things"] for length in (1, 2, 3, 5)],
        "graph, two steps": graphs,
        "graph, five steps": [f"{path}&depth=5" for path in graphs],
        "docs": ["/docs"],
        "create": ["/create"],
        "status": ["/status"],
    }


def timed(portal, paths, headers):
    seconds, most = [], 0
    for path in itertools.islice(itertools.cycle(paths), READINGS):
        begin = time.perf_counter()
        status, _, content = portal.request("GET", path, headers=headers)
        seconds.append(time.perf_counter() - begin)
        if status != 200:
            raise SystemExit(f"GET {path}: {status}")
        most = max(most, len(content))
    seconds.sort()
    return {"p50": seconds[READINGS // 2], "p99": seconds[READINGS * 99 // 100], "bytes": most, "paths": len(paths)}


def measure(site, say):
    """All of it, on a portal of its own."""
    _, portal = catalog.ingest(site)
    with portal:
        visitor = Visitor(portal)
        headers = {"accept-encoding": "gzip", "cookie": visitor.cookie}
        found = lambda: b'href="/catalog/default/' in portal.request("GET", f"/search?q={sample_name}", headers={"cookie": visitor.cookie})[2]
        sample_name = quote(site.sample["components"][0])
        wait_until(found, LONGEST_INDEX, "the search never had the catalog")
        figures = {"entities": site.sample["entities"], "readings": READINGS, "pages": {},
                   "liveness": timed(portal, ["/.backstage/health/v1/liveness"], {})}
        for name, paths in pages(site.sample).items():
            figures["pages"][name] = timed(portal, paths, headers)
            say(f"  {name}: p99 {figures['pages'][name]['p99'] * 1000:.1f} ms")
    return figures
