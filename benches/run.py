#!/usr/bin/env python3
"""First runner; see --help."""
import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
from contextlib import ExitStack

import catalog
from company import short, size
from load import Turns, find_wrk
from postgres import Postgres

LOADED = ("by-name", "by-name-token", "by-query", "by-query-owner", "full-text", "facets", "facets-filtered", "all-components", "ancestry")


def say(text):
    print(text, file=sys.stderr, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--bare", required=True)
    parser.add_argument("--size", type=size, default=10000)
    parser.add_argument("--database", choices=("embedded", "given"), default="given")
    parser.add_argument("--seconds", type=int, default=6)
    parser.add_argument("--only", default=",".join(LOADED))
    arguments = parser.parse_args()
    find_wrk()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with ExitStack() as stack:
        folder = tempfile.mkdtemp(prefix="greenroom-bench-")
        os.chmod(folder, 0o755)
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        postgres = stack.enter_context(Postgres(os.path.join(folder, "postgres"))) if arguments.database == "given" else None
        site = catalog.Site(os.path.join(folder, short(arguments.size)), os.path.abspath(arguments.binary), arguments.size, postgres)
        figures, portal = catalog.ingest(site)
        with portal:
            say(figures)
            say(catalog.memory(site, portal))
            turns = Turns(folder, os.path.abspath(arguments.bare), arguments.seconds, 3)
            names = arguments.only.split(",")
            loads = catalog.load(site, portal, turns, names, (16, 1), say)
            say(catalog.memory(site, portal))
        say(catalog.warm_starts(site))
        print(json.dumps(loads, indent=1))


if __name__ == "__main__":
    main()
