"""What somebody waits for who looks for an entity in a form, where the catalog is large.

Times stand beside the liveness endpoint's in the same run, so that a slow machine shows as a slow reference.
"""

import json
import os
import statistics
import time
import urllib.parse

from catalog import Site
from pages import Visitor
from processes import wait_until

ENTITIES = 50_000
READINGS = 30
LONGEST = 600
LIVENESS = "/.backstage/health/v1/liveness"
COMPONENTS = [{"kind": "Component"}]
OWNERS = [{"kind": ["Group", "User"]}]
# name: (the picker's filter, what is typed); what every name has, some have, one has, none has.
ASKED = {
    "nothing typed": (COMPONENTS, ""),
    "one letter": (COMPONENTS, "a"),
    "a word": (COMPONENTS, "payment"),
    "two words": (COMPONENTS, "payment api"),
    "nothing fits": (COMPONENTS, "zzzz"),
    "owners": (OWNERS, "ann"),
    "everything": ([], "cart"),
}


def path(given, words):
    return "/create/entities?" + urllib.parse.urlencode({"filter": json.dumps(given), "q": words})


def seconds(visitor, asked):
    """Each of the readings, and how many options there were."""
    taken, options = [], 0
    for _ in range(READINGS):
        begin = time.perf_counter()
        status, _, body = visitor.portal.request("GET", asked, headers={"cookie": visitor.cookie})
        taken.append(time.perf_counter() - begin)
        if status != 200:
            raise SystemExit(f"GET {asked}: {status}")
        options = body.count(b"<option")
    return taken, options


def measure(folder, binary, postgres, say, entities=ENTITIES):
    """The search of an entity picker, by what is typed."""
    site = Site(folder, binary, entities, postgres)
    site.empty()
    try:
        with site.portal() as portal:
            everything = lambda: portal.get("/api/catalog/entities/by-query?limit=0")["totalItems"] >= site.sample["entities"]
            wait_until(everything, LONGEST, "not every entity became visible", 0.05)
            visitor = Visitor(portal)
            live = statistics.median(seconds(visitor, LIVENESS)[0])
            found = {}
            for name, (given, words) in ASKED.items():
                taken, options = seconds(visitor, path(given, words))
                found[name] = {"seconds": statistics.median(taken), "slowest": max(taken), "options": options}
                say(f"  picker, {name}: {found[name]['seconds'] * 1000:.2f} ms, {options} options, "
                    f"{found[name]['seconds'] / live:.1f} × liveness")
    finally:
        site.forget()
    return {"entities": entities, "liveness": live, "asked": found}

