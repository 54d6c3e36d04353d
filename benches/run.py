#!/usr/bin/env python3
"""Measures the portal, beside its limits, and says which bars are met. Python's standard library, and wrk.

Parts, each of which can be left out:
  catalog     ingest, warm start, memory, idleness, requests with 10k entities, on the embedded database and a given one
  replicas    how soon a changed file is seen by another server on the same database
  growth      the same as catalog, in short, for every size, on a given database
  scaffolder  runs, dry runs, rendering, and the search of an entity picker at 50k entities, on a given database
  pages       first start, a run, every page, with the example organisation
  views       the slowest views of every kind of page with 10k entities, on the embedded database
  delivery    memory and pages with five clusters; changes, plans and applying with a real API server

Nothing passes or fails. Everything it starts it ends, also when it is interrupted. A Postgres of its own stands for the
one that DATABASE_URL would name; the variable itself is not read.
"""

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
from contextlib import ExitStack

import bars
import catalog
import delivery
import machine
import pages
import pickers
import replicas
import report
import scaffolder
import views
from company import short, size
from load import Turns, find_wrk
from portal import Bill
from postgres import Postgres

PARTS = ("catalog", "replicas", "growth", "scaffolder", "pages", "views", "delivery")
CONNECTIONS = (16, 1)
CHANGES = 20


def say(text):
    """Progress; the result goes to standard output."""
    print(text, file=sys.stderr, flush=True)


class Bench:
    """One run: where things are, and what was asked for."""

    def __init__(self, options, folder, postgres):
        self.options, self.folder, self.postgres = options, folder, postgres
        self.binary = os.path.abspath(options.binary)
        self.turns = Turns(folder, os.path.abspath(options.bare), options.seconds, options.rounds)
        self.figures = {"machine": machine.describe(self.binary), "catalog": {}, "growth": []}

    def run(self):
        """All that was asked for, from the quickest to the longest."""
        parts = self.options.parts
        if "pages" in parts:
            say("pages")
            self.figures["pages"] = pages.measure(os.path.join(self.folder, "pages"), self.binary,
                                                  lambda portal: Bill([portal]), say)
        if "views" in parts:
            say(f"views, {short(self.options.entities)}")
            with self.site("embedded", self.options.entities) as site:
                self.figures["views"] = views.measure(site, say)
        if "delivery" in parts:
            say("delivery")
            self.figures["delivery"] = delivery.measure(os.path.join(self.folder, "delivery"), self.binary, say)
        if "scaffolder" in parts:
            say("scaffolder")
            self.figures["scaffolder"] = scaffolder.measure(os.path.join(self.folder, "scaffolder"), self.binary,
                                                            self.postgres, self.options.node_modules, say)
            say(f"pickers, {short(pickers.ENTITIES)}")
            self.figures["pickers"] = pickers.measure(os.path.join(self.folder, "pickers"), self.binary, self.postgres, say)
        for database in self.options.databases if "catalog" in parts else ():
            say(f"catalog, {short(self.options.entities)}, {database} database")
            with self.site(database, self.options.entities) as site:
                self.figures["catalog"][database] = self.catalog(site)
        if "replicas" in parts:
            say("replicas")
            with self.site("replicas", self.options.entities) as site:
                site.empty()
                self.figures["replicas"] = replicas.measure(site, CHANGES, say)
        for entities in sorted(self.options.sizes) if "growth" in parts else ():
            say(f"growth, {short(entities)}")
            with self.site("growth", entities) as site:
                self.figures["growth"].append(self.growth(site))
        self.figures["machine"]["load_after"] = os.getloadavg()[0]

    def site(self, name, entities):
        """A company in a folder of its own, which is removed when it is done with."""
        stack = ExitStack()
        folder = os.path.join(self.folder, f"{name}-{short(entities)}")
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        site = catalog.Site(folder, self.binary, entities, None if name == "embedded" else self.postgres)
        stack.callback(site.forget)
        return _Entered(stack, site)

    def catalog(self, site):
        """Everything of one size."""
        ingest, portal = catalog.ingest(site)
        say(f"  all visible after {ingest['seconds']:.2f} s")
        with portal:
            figures = {"entities": site.sample["entities"], "ingest": ingest, "memory": catalog.memory(site, portal)}
            say(f"  {figures['memory']['server_mb']:.0f} MB")
            figures["load"] = catalog.load(site, portal, self.turns, self.options.requests, CONNECTIONS, say)
            figures["memory_after_load"] = catalog.memory(site, portal)
        figures["warm"] = catalog.warm_starts(site)
        if self.options.idle:
            say(f"  idle for {self.options.idle} s")
            with site.portal() as portal:
                portal.first_answer()
                catalog.memory(site, portal, catalog.CLEANED_UP)
                figures["idle"] = catalog.idle(site, portal, self.options.idle)
                figures["memory_warm"] = catalog.memory(site, portal, 0)
        return figures

    def growth(self, site):
        """What is followed over all sizes."""
        ingest, portal = catalog.ingest(site)
        say(f"  all visible after {ingest['seconds']:.2f} s")
        with portal:
            figures = {"entities": site.sample["entities"], "ingest": ingest, "memory": catalog.memory(site, portal)}
            say(f"  {figures['memory']['server_mb']:.0f} MB")
            figures["load"] = catalog.load(site, portal, self.turns, catalog.FOLLOWED, CONNECTIONS[:1], say)
        figures["warm"] = catalog.warm_starts(site, 3)
        return figures


class _Entered:
    """A stack of things to undo, and what it is about."""

    def __init__(self, stack, value):
        self.stack, self.value = stack, value

    def __enter__(self):
        return self.value

    def __exit__(self, *error):
        return self.stack.__exit__(*error)


def listed(choices, parse=str):
    """A list with commas, of some choices or of whatever parses."""
    def read(text):
        values = [parse(part.strip()) for part in text.split(",") if part.strip()]
        if wrong := [value for value in values if choices and value not in choices]:
            raise argparse.ArgumentTypeError(f"{wrong[0]} is none of {', '.join(choices)}")
        return values
    return read


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default="target/release/greenroom", help="the portal (%(default)s)")
    parser.add_argument("--bare", default="target/release/bare", help="the bare handler (%(default)s)")
    parser.add_argument("--node-modules", default="build/node/node_modules",
                        help="where Nunjitsu is, which rendering is compared with (%(default)s)")
    parser.add_argument("--parts", type=listed(PARTS), default=list(PARTS), help="as catalog,pages (all)")
    parser.add_argument("--databases", type=listed(tuple(bars.DATABASES)), default=list(bars.DATABASES),
                        help="for the part catalog: embedded,given (both)")
    parser.add_argument("--requests", type=listed(catalog.REQUESTS), default=list(catalog.REQUESTS),
                        help=f"for the part catalog: some of {','.join(catalog.REQUESTS)} (all)")
    parser.add_argument("--entities", type=size, default=bars.MAIN, help="for the parts catalog, replicas and views (10k)")
    parser.add_argument("--sizes", type=listed((), size), default=[1000, 10_000, 50_000, bars.LARGE],
                        help="for the part growth (1k,10k,50k,200k); the last takes long")
    parser.add_argument("--seconds", type=int, default=6, help="of load for each request (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="in how many turns with the bare handler (%(default)s)")
    parser.add_argument("--idle", type=int, default=60,
                        help="seconds to watch it do nothing, 0 for not at all (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print every figure as JSON instead of a table")
    parser.add_argument("--docs", metavar="PAGE", help="rewrite the tables of this page, and the plot beside it")
    return parser.parse_args()


def interrupted(*_):
    """Once: what ends everything must not be interrupted itself."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def main():
    options = arguments()
    find_wrk()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupted)
    try:
        with ExitStack() as stack:
            folder = tempfile.mkdtemp(prefix="greenroom-bench-")
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            # Postgres' own user has to pass.
            os.chmod(folder, 0o711)
            postgres = stack.enter_context(Postgres(os.path.join(folder, "postgres")))
            bench = Bench(options, folder, postgres)
            bench.run()
    except KeyboardInterrupt:
        sys.exit("interrupted; everything that was started has ended")
    print(json.dumps(bench.figures, indent=1) if options.json else report.terminal(bench.figures))
    if options.docs:
        report.write_docs(bench.figures, options.docs)


if __name__ == "__main__":
    main()
