"""Load by wrk, on the portal and on a bare handler that answers the same bytes."""

import json
import os
import shutil
import subprocess
import tempfile

from processes import Child, cpu_seconds

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "load.lua")


def find_wrk():
    """Where wrk is."""
    if found := shutil.which("wrk"):
        return found
    raise SystemExit("wrk is missing; `make bench` installs it (Debian: apt-get install wrk)")


class Bare:
    """A server of nothing but one answer."""

    # What the server below writes by itself.
    OWN = ("date", "content-length", "connection", "transfer-encoding")

    def __init__(self, binary, folder, status, headers, body):
        lines = [f"{name}: {value}\n" for name, value in headers.items() if name.lower() not in self.OWN]
        paths = []
        for content in ("".join(lines).encode(), body):
            with tempfile.NamedTemporaryFile(dir=folder, suffix=".bare", delete=False) as file:
                file.write(content)
            paths.append(file.name)
        command = [binary, str(status), *paths]
        self.child = Child(command, os.path.join(folder, "bare.log"), stdout=subprocess.PIPE)
        self.pid = self.child.pid
        try:
            line = self.child.process.stdout.readline()
        except BaseException:
            self.child.stop()
            raise
        if not line.strip():
            raise SystemExit(f"the bare handler did not start:\n{self.child.last_words()}")
        self.port = int(line)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.stop()
        self.child.process.stdout.close()


def run(port, paths, connections, seconds, folder, headers=None):
    """Asks for the paths in turn over kept connections; what wrk saw, times in milliseconds."""
    with tempfile.NamedTemporaryFile("w", dir=folder, suffix=".paths", delete=False) as file:
        file.write("\n".join(paths) + "\n")
    command = [find_wrk(), "--threads", "1", "--connections", str(connections), "--duration", f"{seconds}s",
               "--timeout", "30s", "--script", SCRIPT]
    for name, value in (headers or {}).items():
        command += ["--header", f"{name}: {value}"]
    done = subprocess.run([*command, f"http://127.0.0.1:{port}", "--", file.name], capture_output=True, text=True,
                          timeout=seconds + 60)
    os.unlink(file.name)
    for line in done.stdout.splitlines():
        if line.startswith("{"):
            return json.loads(line)
    raise SystemExit(f"wrk failed:\n{done.stdout}{done.stderr}")


def total(runs):
    """Several runs as one: rates over all of the time, the middle run's latencies."""
    seconds, requests = (sum(run[key] for run in runs) for key in ("seconds", "requests"))
    middle = sorted(runs, key=lambda run: run["p50_ms"])[len(runs) // 2]
    return {"rate": requests / seconds if seconds else 0.0, "requests": requests, "seconds": seconds,
            "p50_ms": middle["p50_ms"], "p99_ms": middle["p99_ms"], "errors": sum(run["errors"] for run in runs)}


class Turns:
    """Portal and bare handler in turn, so that a neighbour's noise hits both alike."""

    def __init__(self, folder, bare_binary, seconds, rounds):
        self.folder, self.bare_binary, self.seconds, self.rounds = folder, bare_binary, seconds, rounds

    def measure(self, portal, bill, paths, connections, headers=None):
        """Figures of the portal with those of the bare handler under `bare`."""
        status, answer_headers, body = portal.request("GET", paths[0], headers=headers)
        if status != 200:
            raise SystemExit(f"GET {paths[0]}: {status} {body[:300]!r}")
        length = max(1, round(self.seconds / self.rounds))
        ours, limits, spent = [], [], [0.0, 0.0, 0.0]
        with Bare(self.bare_binary, self.folder, status, answer_headers, body) as bare:
            for port in (portal.port, bare.port):
                run(port, paths, connections, 1, self.folder, headers)
            for _ in range(self.rounds):
                before = bill.read()
                ours.append(run(portal.port, paths, connections, length, self.folder, headers))
                after = bill.read()
                spent = [spent[0] + after[0] - before[0], spent[1] + after[1] - before[1], spent[2]]
                begin = cpu_seconds([bare.pid])
                limits.append(run(bare.port, paths, connections, length, self.folder, headers))
                spent[2] += cpu_seconds([bare.pid]) - begin
        ours, limit = total(ours), total(limits)
        per_request = lambda seconds, requests: seconds / requests * 1e6 if requests else 0.0
        ours.update(bytes=len(body), connections=connections, server_us=per_request(spent[0], ours["requests"]),
                    database_us=per_request(spent[1], ours["requests"]))
        limit["server_us"] = per_request(spent[2], limit["requests"])
        return {**ours, "bare": limit, "share": ours["rate"] / limit["rate"] if limit["rate"] else 0.0}
