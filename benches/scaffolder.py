"""What runs of templates are measured by: how long one takes, how many there are in a second, how fast files are rendered.

On a given database. Nunjitsu, the engine that Backstage renders with, renders one of the same files in the same run.
"""

import base64
import http.client
import json
import os
import statistics
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

from portal import Portal, write_config
from processes import wait_until

READINGS = 30
QUEUED, PEOPLE = 50, 10
FILES, LARGE_FILES, LARGE_BYTES = 30, 600, 100_000
LONGEST = 120
VALUES = {"name": "payments", "owner": "group:default/payments", "port": 8080}
WORDS = "the service answers what its clients ask and tells nobody else about it, whatever the weather may be like today\n"
EXPRESSION = "${{ values.name }}"

TEMPLATE = """apiVersion: scaffolder.backstage.io/v1beta3
kind: Template
metadata: {{ name: {name} }}
spec:
  type: service
  owner: group:default/payments
  parameters:
    - properties: {{ name: {{ type: string }}, owner: {{ type: string }}, port: {{ type: number }} }}
  steps:
    - id: only
      name: Only
      action: {action}
      input: {input}
"""


def text(size):
    """Words with one byte of an expression in a hundred."""
    piece = (WORDS * 20)[:99 * len(EXPRESSION)] + EXPRESSION + "\n"
    return (piece * (size // len(piece) + 1))[:size // len(piece) * len(piece)]


def skeleton_file(number):
    """What services are made of: a few lines, some with an answer in them."""
    lines = [f"# file {number} of ${{{{ values.name }}}}", "owner: ${{ values.owner | lower }}",
             "{% if values.port > 1024 %}port: ${{ values.port }}{% endif %}"]
    return "\n".join(lines + [WORDS.strip()] * 20) + "\n"


def write(folder):
    """The templates; where each is."""
    values = json.dumps({name: f"${{{{ parameters.{name} }}}}" for name in VALUES})
    fetch = lambda more="": f"{{ url: ./skeleton, values: {values}{more} }}"
    small = [(f"src/file-{number}.txt", skeleton_file(number)) for number in range(FILES)]
    large = [(f"file-{number}.txt", text(LARGE_BYTES)) for number in range(LARGE_FILES)]
    templates = {
        "one-step": ("debug:log", "{ message: 'hello ${{ parameters.name }}' }", []),
        "thirty-files": ("fetch:template", fetch(), small),
        "large": ("fetch:template", fetch(), large),
        "large-copied": ("fetch:template", fetch(", copyWithoutTemplating: ['**']"), large),
    }
    places = []
    for name, (action, given, files) in templates.items():
        home = os.path.join(folder, name)
        for path, content in [("template.yaml", TEMPLATE.format(name=name, action=action, input=given)),
                              *((f"skeleton/{path}", content) for path, content in files)]:
            os.makedirs(os.path.dirname(os.path.join(home, path)), exist_ok=True)
            with open(os.path.join(home, path), "w") as file:
                file.write(content)
        places.append(os.path.join(home, "template.yaml"))
    return places


class Client:
    def __init__(self, portal):
        self.portal = portal
        self.headers = {"content-type": "application/json"}

    def call(self, method, path, body=None, expected=200):
        status, _, content = self.portal.request(method, f"/api/scaffolder/v2{path}", body and json.dumps(body), self.headers)
        if status != expected:
            raise SystemExit(f"{method} {path}: {status} {content[:500].decode(errors='replace')}")
        return json.loads(content)

    def begin(self, template):
        body = {"templateRef": f"template:default/{template}", "values": VALUES}
        return self.call("POST", "/tasks", body, 201)["id"]

    def run(self, template):
        """Seconds from POST to completed."""
        begin = time.perf_counter()
        task = self.begin(template)
        while (status := self.call("GET", f"/tasks/{task}")["status"]) in ("open", "processing"):
            if time.perf_counter() - begin > LONGEST:
                raise SystemExit(f"the run of {template} did not end")
        if status != "completed":
            raise SystemExit(f"the run of {template} ended as {status}")
        return time.perf_counter() - begin

    def burst(self, template, count):
        """Runs in a second, of so many that several people ask for at once."""
        done = lambda: self.call("GET", "/tasks?status=completed&limit=1")["totalTasks"]
        body = json.dumps({"templateRef": f"template:default/{template}", "values": VALUES})
        connections = [http.client.HTTPConnection("127.0.0.1", self.portal.port, timeout=60) for _ in range(PEOPLE)]
        for connection in connections:
            connection.connect()

        def ask(connection):
            for _ in range(count // PEOPLE):
                connection.request("POST", "/api/scaffolder/v2/tasks", body, self.headers)
                answer = connection.getresponse()
                answer.read()
                if answer.status != 201:
                    raise SystemExit(f"a run was refused: {answer.status}")

        before, begin = done(), time.perf_counter()
        with ThreadPoolExecutor(PEOPLE) as people:
            list(people.map(ask, connections))
        wait_until(lambda: done() - before >= count, LONGEST, "not every run ended", 0.002)
        seconds = time.perf_counter() - begin
        for connection in connections:
            connection.close()
        return count / seconds

    def dry_run(self, folder):
        """Seconds of a dry run of a folder's template."""
        files = []
        for path, _, names in os.walk(os.path.join(folder, "skeleton")):
            for name in names:
                place = os.path.join(path, name)
                with open(place, "rb") as file:
                    content = base64.b64encode(file.read()).decode()
                files.append({"path": os.path.relpath(place, folder), "base64Content": content})
        entity = self.portal.get("/api/catalog/entities/by-name/template/default/" + os.path.basename(folder))
        body = {"template": entity, "values": VALUES, "secrets": {}, "directoryContents": files}
        begin = time.perf_counter()
        answer = self.call("POST", "/dry-run", body)
        seconds = time.perf_counter() - begin
        if len(answer["directoryContents"]) != FILES:
            raise SystemExit(f"the dry run gave {len(answer['directoryContents'])} files")
        return seconds


def nunjitsu(modules, file, seconds=3):
    """Bytes of source in a second; none where it is not installed."""
    if not os.path.exists(os.path.join(modules, "nunjitsu")):
        return None
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "nunjitsu.mjs")
    done = subprocess.run(["node", script, modules, file, str(seconds)], capture_output=True, text=True, check=True)
    return float(done.stdout)


def measure(folder, binary, postgres, modules, say):
    """All of it."""
    places = write(os.path.join(folder, "templates"))
    config = write_config(os.path.join(folder, "app-config.yaml"), *places)
    database = f"greenroom-{time.monotonic_ns()}"
    postgres.create(database)
    log = os.path.join(folder, "portal.log")
    try:
        with Portal(binary, os.path.join(folder, "data"), config, postgres.url(database), log) as portal:
            client = Client(portal)
            known = lambda: portal.answers("/api/catalog/entities/by-name/template/default/large-copied")
            wait_until(known, LONGEST, "the templates are not in the catalog", 0.01)
            for name in ("one-step", "thirty-files"):
                client.run(name)
            median = lambda what: statistics.median(what() for _ in range(READINGS))
            figures = {"one_step": median(lambda: client.run("one-step")),
                       "thirty_files": median(lambda: client.run("thirty-files")),
                       "dry_run": median(lambda: client.dry_run(os.path.dirname(places[1]))),
                       "burst": statistics.median(client.burst("one-step", QUEUED) for _ in range(5))}
            say(f"  one step {figures['one_step'] * 1000:.1f} ms, thirty files {figures['thirty_files'] * 1000:.1f} ms, "
                f"{figures['burst']:.0f} runs/s")
            times = {name: min(client.run(name) for _ in range(3)) for name in ("large", "large-copied")}
            size = sum(os.path.getsize(os.path.join(os.path.dirname(places[2]), "skeleton", f"file-{number}.txt"))
                       for number in range(LARGE_FILES))
            figures.update(rendered=size / (times["large"] - times["large-copied"]), whole=size / times["large"])
    finally:
        postgres.ask("postgres", f'DROP DATABASE "{database}" WITH (FORCE)')
    figures["nunjitsu"] = nunjitsu(modules, os.path.join(os.path.dirname(places[2]), "skeleton", "file-0.txt"))
    say(f"  rendering {figures['rendered'] / 1e6:.0f} MB/s, Nunjitsu {(figures['nunjitsu'] or 0) / 1e6:.1f} MB/s")
    return figures
