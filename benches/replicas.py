"""How soon a changed file is seen on another replica: two servers on one database.

The file is written and one server is told to read it (`POST /refresh`); the other is asked until it answers with the
change. Counted from the writing, and from the moment the source was read, which the change log notes.
"""

import json
import os
import re
import statistics
import threading
import time

from catalog import by_name, is_complete
from processes import wait_until

LONGEST = 60


class Editor:
    """Changes the description of a component in its file, as an editor does: at once."""

    def __init__(self, site):
        self.folder, self.part_of = site.files, {}
        for part in sorted(os.listdir(site.files)):
            if part.startswith("part-"):
                with open(os.path.join(site.files, part)) as file:
                    self.part_of.update((name, part) for name in re.findall(r"^  name: (\S+)$", file.read(), re.M))

    def describe(self, name, text):
        path = os.path.join(self.folder, self.part_of[name])
        with open(path) as file:
            content = file.read()
        line = re.compile(rf"(^  name: {re.escape(name)}\n  description: )[^\n]*", re.M)
        changed, times = line.subn(lambda found: found.group(1) + json.dumps(text), content)
        if times != 1:
            raise SystemExit(f"{name} is {times} times in {path}")
        with open(f"{path}.new", "w") as file:
            file.write(changed)
        os.replace(f"{path}.new", path)


def shows(portal, reference, text):
    status, _, body = portal.request("GET", by_name(reference))
    return status == 200 and json.loads(body)["metadata"].get("description") == text


def measure(site, times, say):
    """Seconds for some changes, one after the other. The site's database is filled."""
    editor = Editor(site)
    with site.portal("data") as reading, site.portal("replica") as other:
        for portal in (reading, other):
            portal.first_answer()
            # Both have read what there is, and listen.
            wait_until(lambda: is_complete(portal, site.sample), LONGEST, "a replica does not show everything", 0.05)
        since_written, since_read = [], []
        for number in range(times):
            name, text = site.sample["components"][number], f"Change number {number + 1}."
            reference = f"component:default/{name}"
            # The clock of the change log, which runs on this machine.
            written = time.time()
            editor.describe(name, text)
            refresh = threading.Thread(target=ask_to_read, args=(reading, reference), daemon=True)
            refresh.start()
            wait_until(lambda: shows(other, reference, text), LONGEST, "the change did not reach the replica", 0)
            seen = time.time()
            refresh.join(LONGEST)
            read = float(site.postgres.ask(site.database, (
                "SELECT extract(epoch FROM max(changed_at)) FROM catalog_change "
                f"WHERE reference = '{reference}'")))
            since_written.append(seen - written)
            since_read.append(seen - read)
    figures = {"times": times}
    for name, seconds in (("since_read", since_read), ("since_written", since_written)):
        figures[name] = {"median": statistics.median(seconds), "worst": max(seconds)}
    say(f"  seen {figures['since_read']['median'] * 1000:.0f} ms after the reading")
    return figures


def ask_to_read(portal, reference):
    portal.request("POST", "/api/catalog/refresh", json.dumps({"entityRef": reference}),
                   {"content-type": "application/json"})
