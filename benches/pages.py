"""Measures what the portal promises: start, memory, a run, pages. Python's standard library only.

Each figure stands beside a reference taken in the same run, so that a slow machine shows as a slow reference:
starts beside `postgres --version` processes, pages and runs beside the liveness endpoint. Nothing here passes or
fails; it prints a table and, with --json, the same as JSON.
"""

import argparse
import gzip
import http.client
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from urllib.parse import urlsplit

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
    "/repositories",
    "/repositories/acme/bench-0",
    "/repositories/acme/bench-0/commits/main",
    "/status",
]
API = [
    "/api/catalog/entities/by-query?limit=20&filter=kind=component",
    "/api/catalog/entities/by-name/component/default/checkout-service",
    "/api/catalog/entity-facets?facet=spec.type",
]


class Portal:
    """A portal on a free port."""

    def __init__(self, binary, data_dir):
        self.started = time.perf_counter()
        self.process = subprocess.Popen(
            [binary, "serve", "--port", "0", "--data-dir", data_dir],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=tempfile.gettempdir())
        for line in self.process.stdout:
            found = re.search(r"https?://\S+:(\d+)", line)
            if found:
                self.port = int(found.group(1))
                break
        else:
            sys.exit("the portal did not start")
        while self.request("GET", "/.backstage/health/v1/readiness")[0] != 200:
            time.sleep(0.002)
        self.ready_after = time.perf_counter() - self.started
        self.cookie = self.token = None

    def request(self, method, path, body=None, headers=None):
        """(status, headers, body, seconds)"""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            begin = time.perf_counter()
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            content = response.read()
            return response.status, response.headers, content, time.perf_counter() - begin
        except ConnectionError:
            return 0, {}, b"", 0.0
        finally:
            connection.close()

    def sign_in(self):
        """A guest's token, and a session for the pages."""
        content = self.request("POST", "/api/auth/guest/refresh")[2]
        self.token = json.loads(content)["backstageIdentity"]["token"]
        status, headers, page, _ = self.request("GET", "/sign-in")
        cookies = headers.get_all("set-cookie") or []
        jar = {cookie.split("=", 1)[0]: cookie.split("=", 1)[1].split(";")[0] for cookie in cookies}
        form = re.search(rb'<form[^>]*method="post"[^>]*action="([^"]+)"[^>]*>(.*?)</form>', page, re.S | re.I)
        action = form.group(1).decode()
        fields = re.findall(rb'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', form.group(2))
        body = "&".join(f"{name.decode()}={value.decode()}" for name, value in fields)
        sent = {"content-type": "application/x-www-form-urlencoded", "origin": f"http://127.0.0.1:{self.port}",
                "sec-fetch-site": "same-origin", "cookie": "; ".join(f"{k}={v}" for k, v in jar.items())}
        _, headers, _, _ = self.request("POST", action, body, sent)
        for cookie in headers.get_all("set-cookie") or []:
            jar[cookie.split("=", 1)[0]] = cookie.split("=", 1)[1].split(";")[0]
        self.cookie = "; ".join(f"{k}={v}" for k, v in jar.items())

    def run_template(self, name):
        """Seconds from POST to completed."""
        values = {"name": name, "description": "A service", "owner": "group:default/payments",
                  "system": "system:default/checkout", "repoUrl": f"local?owner=acme&repo={name}"}
        body = json.dumps({"templateRef": "template:default/rust-service", "values": values})
        headers = {"authorization": f"Bearer {self.token}", "content-type": "application/json"}
        begin = time.perf_counter()
        status, _, content, _ = self.request("POST", "/api/scaffolder/v2/tasks", body, headers)
        if status != 201:
            sys.exit(f"the run was refused: {status} {content.decode()}")
        task = json.loads(content)["id"]
        while True:
            state = json.loads(self.request("GET", f"/api/scaffolder/v2/tasks/{task}", headers=headers)[2])["status"]
            if state in ("completed", "failed", "cancelled"):
                if state != "completed":
                    sys.exit(f"the run ended as {state}")
                return time.perf_counter() - begin
            time.sleep(0.002)

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(timeout=30)


def tree(root):
    """Process ids below and with root."""
    children = {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/stat") as stat:
                parent = int(stat.read().rsplit(")", 1)[1].split()[1])
        except (OSError, IndexError):
            continue
        children.setdefault(parent, []).append(int(entry))
    found, todo = [], [root]
    while todo:
        pid = todo.pop()
        found.append(pid)
        todo += children.get(pid, [])
    return found


def memory(root):
    """(PSS of all processes, RSS of the server alone), in MB. PSS counts shared pages once."""
    total = 0
    for pid in tree(root):
        try:
            with open(f"/proc/{pid}/smaps_rollup") as rollup:
                total += int(re.search(r"^Pss:\s+(\d+)", rollup.read(), re.M).group(1))
        except (OSError, AttributeError):
            continue
    with open(f"/proc/{root}/status") as status:
        own = int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1))
    return total / 1024, own / 1024


def median_ms(samples):
    return statistics.median(samples) * 1000


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    binary = os.path.abspath(arguments.binary)
    rows = []
    row = lambda what, value, bar, reference="": rows.append((what, value, bar, reference))

    spawn = []
    for _ in range(5):
        begin = time.perf_counter()
        subprocess.run([binary, "--version"], stdout=subprocess.DEVNULL, check=True)
        spawn.append(time.perf_counter() - begin)
    process_start = f"{median_ms(spawn):.0f} ms for greenroom --version"
    row("binary size", f"{os.path.getsize(binary) / 1e6:.1f} MB", "60 MB")

    data_dir = tempfile.mkdtemp(prefix="greenroom-bench-")
    try:
        portal = Portal(binary, data_dir)
        row("first start to 200", f"{portal.ready_after:.2f} s", "4 s", process_start)
        portal.stop()
        warm = []
        for _ in range(5):
            portal = Portal(binary, data_dir)
            warm.append(portal.ready_after)
            if len(warm) < 5:
                portal.stop()
        row("second start to 200, median of 5", f"{statistics.median(warm):.2f} s", "0.5 s", process_start)
        time.sleep(5)
        everything, own = memory(portal.process.pid)
        row("memory idle, all processes (PSS)", f"{everything:.0f} MB", "150 MB", f"{own:.0f} MB RSS of the server")

        portal.sign_in()
        reference = [portal.request("GET", "/.backstage/health/v1/liveness")[3] for _ in range(50)]
        reference_ms = median_ms(reference)
        runs = [portal.run_template(f"bench-{number}") for number in range(10)]
        row("run of rust-service, median of 10", f"{median_ms(runs):.0f} ms", "300 ms",
            f"{median_ms(runs) / reference_ms:.0f} x liveness ({reference_ms:.2f} ms)")
        row("run of rust-service, slowest", f"{max(runs) * 1000:.0f} ms", "300 ms")

        for path in PAGES + API:
            headers = {"accept-encoding": "gzip"}
            if path.startswith("/api"):
                headers["authorization"] = f"Bearer {portal.token}"
            else:
                headers["cookie"] = portal.cookie
            samples = []
            for _ in range(20):
                status, answer, content, seconds = portal.request("GET", path, headers=headers)
                samples.append(seconds)
            size = len(content)
            plain = len(gzip.decompress(content)) if answer.get("content-encoding") == "gzip" else size
            row(path if status == 200 else f"{path} ({status}!)", f"{median_ms(samples):.1f} ms, {size / 1000:.1f} kB",
                "30 ms, 100 kB", f"{median_ms(samples) / reference_ms:.0f} x liveness; {plain / 1000:.0f} kB unpacked")
        portal.stop()
    finally:
        shutil.rmtree(data_dir, ignore_errors=True)

    if arguments.json:
        print(json.dumps([dict(zip(("what", "value", "bar", "reference"), each)) for each in rows], indent=1))
        return
    widths = [max(len(each[column]) for each in rows) for column in range(3)]
    for what, value, bar, reference in rows:
        print(f"{what:{widths[0]}}  {value:>{widths[1]}}  bar {bar:{widths[2]}}  {reference}")


if __name__ == "__main__":
    main()
