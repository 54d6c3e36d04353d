"""What people wait for: the first start, a run of a template, every page. With the example organisation.

Times stand beside the liveness endpoint's in the same run, so that a slow machine shows as a slow reference.
"""

import gzip
import json
import os
import re
import statistics
import subprocess
import time

from portal import Portal
from processes import wait_until

PAGES = [
    "/",
    "/create",
    "/create/tasks",
    "/catalog",
    "/catalog?kind=component&type=service",
    "/catalog/default/component/checkout-service",
    "/catalog/default/group/payments",
    "/catalog/default/system/checkout",
    "/catalog/problems",
    "/catalog/locations",
    "/catalog/default/component/checkout-service/dependencies",
    "/catalog/default/api/checkout-api/api",
    "/catalog-graph?root=component:default/checkout-service",
    "/organisation",
    "/search?q=checkout",
    "/docs",
    "/docs/default/component/greenroom/configuration/",
    "/settings",
    "/repositories",
    "/repositories/acme/bench-0",
    "/repositories/acme/bench-0/commits/main",
    "/status",
]
RUNS = 10
LONGEST_RUN = 120
READINGS = 20


class Visitor:
    """Somebody with a session for pages and a token for the API."""

    def __init__(self, portal):
        self.portal, self.token = portal, portal.guest_token()
        _, headers, page = portal.request("GET", "/sign-in")
        jar = cookies(headers)
        form = re.search(rb'<form[^>]*method="post"[^>]*action="([^"]+)"[^>]*>(.*?)</form>', page, re.S | re.I)
        fields = re.findall(rb'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', form.group(2))
        body = "&".join(f"{name.decode()}={value.decode()}" for name, value in fields)
        sent = {"content-type": "application/x-www-form-urlencoded", "origin": f"http://127.0.0.1:{portal.port}",
                "sec-fetch-site": "same-origin", "cookie": written(jar)}
        _, headers, _ = portal.request("POST", form.group(1).decode(), body, sent)
        self.cookie = written(jar | cookies(headers))

    def run_template(self, name):
        """Seconds from POST to completed."""
        values = {"name": name, "description": "A service", "owner": "group:default/payments",
                  "system": "system:default/checkout", "repoUrl": f"local?owner=acme&repo={name}"}
        body = json.dumps({"templateRef": "template:default/rust-service", "values": values})
        headers = {"authorization": f"Bearer {self.token}", "content-type": "application/json"}
        begin = time.perf_counter()
        status, _, content = self.portal.request("POST", "/api/scaffolder/v2/tasks", body, headers)
        if status != 201:
            raise SystemExit(f"the run was refused: {status} {content.decode()}")
        path = f"/api/scaffolder/v2/tasks/{json.loads(content)['id']}"
        ended = lambda: state(self.portal, path, headers) in ("completed", "failed", "cancelled")
        wait_until(ended, LONGEST_RUN, f"the run {name} did not end")
        seconds = time.perf_counter() - begin
        if state(self.portal, path, headers) != "completed":
            raise SystemExit(f"the run {name} ended as {state(self.portal, path, headers)}")
        return seconds

    def read(self, path):
        """(median seconds, bytes sent, bytes unpacked)"""
        headers, seconds = {"accept-encoding": "gzip", "cookie": self.cookie}, []
        for _ in range(READINGS):
            begin = time.perf_counter()
            status, answer, content = self.portal.request("GET", path, headers=headers)
            seconds.append(time.perf_counter() - begin)
            if status != 200:
                raise SystemExit(f"GET {path}: {status}")
        plain = gzip.decompress(content) if answer.get("content-encoding") == "gzip" else content
        return statistics.median(seconds), len(content), len(plain)


def state(portal, path, headers):
    return json.loads(portal.request("GET", path, headers=headers)[2])["status"]


def cookies(headers):
    return dict(cookie.split(";")[0].split("=", 1) for cookie in headers.get_all("set-cookie") or [])


def written(jar):
    return "; ".join(f"{name}={value}" for name, value in jar.items())


def liveness(portal):
    seconds = []
    for _ in range(50):
        begin = time.perf_counter()
        portal.request("GET", "/.backstage/health/v1/liveness")
        seconds.append(time.perf_counter() - begin)
    return statistics.median(seconds)


def process_start(binary):
    """The shortest thing the program can do: what a start is compared with."""
    seconds = []
    for _ in range(5):
        begin = time.perf_counter()
        subprocess.run([binary, "--version"], stdout=subprocess.DEVNULL, check=True)
        seconds.append(time.perf_counter() - begin)
    return statistics.median(seconds)


def ready(portal):
    wait_until(lambda: portal.answers("/.backstage/health/v1/readiness"), 60, "not ready", 0.001)
    return time.perf_counter() - portal.started


def measure(folder, binary, bill, say):
    """All of it; leaves nothing in the folder that anybody needs."""
    os.makedirs(folder)
    start = lambda: Portal(binary, os.path.join(folder, "data"), log=os.path.join(folder, "portal.log"))
    figures = {"binary_mb": os.path.getsize(binary) / 1e6, "process_start": process_start(binary)}
    with start() as portal:
        figures["first_start"] = ready(portal)
    warm = []
    for _ in range(5):
        with start() as portal:
            warm.append(ready(portal))
    figures["second_start"] = statistics.median(warm)
    with start() as portal:
        ready(portal)
        time.sleep(5)
        figures["all_mb"], figures["server_mb"] = bill(portal).all_memory_mb(), portal.memory_mb()
        visitor = Visitor(portal)
        figures["liveness"] = liveness(portal)
        runs = [visitor.run_template(f"bench-{number}") for number in range(RUNS)]
        figures["run"] = {"median": statistics.median(runs), "slowest": max(runs)}
        say(f"  a run takes {figures['run']['median'] * 1000:.0f} ms")
        keys = ("seconds", "bytes", "plain_bytes")
        figures["pages"] = {path: dict(zip(keys, visitor.read(path))) for path in PAGES}
    return figures
