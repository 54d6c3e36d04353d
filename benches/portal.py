"""A portal under measurement: its configuration, its start, requests as an API client makes them."""

import http.client
import json
import os
import re
import selectors
import subprocess
import time

from processes import (Child, cpu_seconds, ended_seconds, proportional_mb, resident_mb, scheduled_seconds, stat, tree,
                       wait_until)

START_LIMIT = 1800

CONFIG = """\
backend:
  auth:
    dangerouslyDisableDefaultAuthPolicy: true
catalog:
  locations: {locations}
"""


def write_config(path, *roots):
    """A portal that reads these files, templates among them, and asks nobody who they are, as Backstage was measured."""
    allow = [{"allow": ["Component", "API", "Resource", "System", "Domain", "Location", "Group", "User", "Template"]}]
    locations = [{"type": "file", "target": root, "rules": allow} for root in roots]
    with open(path, "w") as file:
        file.write(CONFIG.format(locations=json.dumps(locations)))
    return path


class Portal:
    """A portal on a free port; ends with the block. `started` is when its process was started."""

    def __init__(self, binary, data_dir, config=None, database_url=None, log="portal.log"):
        command = [binary, "serve", "--port", "0", "--data-dir", data_dir]
        if config:
            command += ["--config", config]
        environment = {key: value for key, value in os.environ.items()
                       if key not in ("DATABASE_URL", "RUST_LOG") and not key.startswith("APP_CONFIG_")}
        if database_url:
            environment["DATABASE_URL"] = database_url
        self.started = time.perf_counter()
        self.child = Child(command, log, stdout=subprocess.PIPE, cwd=os.path.dirname(os.path.abspath(log)),
                           env=environment)
        self.pid = self.child.pid
        try:
            self.port = self._announced()
        except BaseException:
            self.child.stop()
            raise
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        if hasattr(self, "connection"):
            self.connection.close()
        self.child.stop()
        self.child.process.stdout.close()

    def _announced(self):
        """The port, from the lines it greets with."""
        output, seen = self.child.process.stdout, b""
        deadline = time.monotonic() + START_LIMIT
        with selectors.DefaultSelector() as selector:
            selector.register(output, selectors.EVENT_READ)
            while time.monotonic() < deadline:
                if not selector.select(timeout=1):
                    continue
                piece = os.read(output.fileno(), 65536)
                seen += piece
                if found := re.search(rb"https?://[^\s/]+:(\d+)", seen):
                    return int(found.group(1))
                if not piece:
                    break
        raise SystemExit(f"the portal did not start:\n{self.child.last_words()}")

    def request(self, method, path, body=None, headers=None):
        """(status, headers, body) over one connection that is kept."""
        for attempt in (1, 2):
            try:
                self.connection.request(method, path, body, headers or {})
                response = self.connection.getresponse()
                return response.status, response.headers, response.read()
            except (ConnectionError, http.client.HTTPException):
                # The server may have closed a connection that was idle.
                self.connection.close()
                if attempt == 2:
                    raise

    def get(self, path):
        """The JSON of a path that must be there."""
        status, _, body = self.request("GET", path)
        if status != 200:
            raise SystemExit(f"GET {path}: {status} {body[:500].decode(errors='replace')}")
        return json.loads(body)

    def answers(self, path):
        """Whether a path answers 200 yet."""
        try:
            return self.request("GET", path)[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def first_answer(self):
        """Seconds from the process's start to the first page of entities."""
        wait_until(lambda: self.answers("/api/catalog/entities?limit=1"), 60, "no first answer", 0.001)
        return time.perf_counter() - self.started

    def guest_token(self):
        return json.loads(self.request("POST", "/api/auth/guest/refresh")[2])["backstageIdentity"]["token"]

    def memory_mb(self):
        return resident_mb(self.pid)


class Bill:
    """Who used how much CPU and memory: the servers, and Postgres below them or on its own."""

    def __init__(self, portals, postgres=None):
        self.portals = portals
        self.postgres = postgres

    def _processes(self):
        """(process ids of servers, process ids of Postgres)"""
        servers, databases = [], tree(self.postgres.pid) if self.postgres else []
        for portal in self.portals:
            for pid in tree(portal.pid):
                try:
                    name = stat(pid)[0]
                except OSError:
                    continue
                (databases if name in ("postgres", "postmaster", "initdb") else servers).append(pid)
        return servers, databases

    def read(self):
        """CPU seconds until now: (servers, Postgres). What a server started and what ended is Postgres' programs."""
        servers, databases = self._processes()
        return cpu_seconds(servers), cpu_seconds(databases) + ended_seconds(servers + databases)

    def read_finely(self):
        """The same to the nanosecond, but for what ended, of which the system tells hundredths of a second."""
        servers, databases = self._processes()
        return scheduled_seconds(servers), scheduled_seconds(databases) + ended_seconds(servers + databases)

    def all_memory_mb(self):
        """Memory of everything together."""
        servers, databases = self._processes()
        return proportional_mb(servers + databases)
