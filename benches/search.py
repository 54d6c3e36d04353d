#!/usr/bin/env python3
"""Measures search as somebody types, on a running portal, beside SQLite's full text over the same catalog in the same run.

    python3 benches/search.py --binary target/release/greenroom [--entities 50k] [--pages 5000]

A company (company.py) is put into files, with documentation sites of a thousand pages for some of its components, and the
portal reads them. Then names, their starts and misspelled names are typed letter by letter. Every request is timed from
outside, over one connection; a request that finds nothing to do (liveness) tells how much of that is the way. SQLite FTS5
has names, titles, descriptions, tags and pages in memory, with an index of prefixes, and is asked for the ten best by bm25.
"""

import argparse
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from urllib.parse import quote

import company
from pages import Visitor, liveness
from portal import Portal, write_config
from processes import resident_mb, wait_until

import yaml

QUERIES = 2000
SEED = 5
SECTIONS = 6
SITES = 5


def percentile(values, part):
    return sorted(values)[min(int(len(values) * part), len(values) - 1)]


def documentation(folder, pages, words, rng):
    """Sites of a component each; gives the texts of all pages."""
    texts, entities = [], []
    for site in range(SITES):
        docs = os.path.join(folder, f"site-{site}", "docs")
        os.makedirs(docs)
        with open(os.path.join(folder, f"site-{site}", "mkdocs.yml"), "w") as file:
            file.write(f"site_name: Site {site}\n")
        for page in range(pages // SITES):
            parts = [f"# {' '.join(rng.choices(words, k=3))}\n"]
            for _ in range(SECTIONS):
                parts.append(f"## {' '.join(rng.choices(words, k=3))}\n\n{' '.join(rng.choices(words, k=110))}\n")
            texts.append("\n".join(parts))
            with open(os.path.join(docs, f"page-{page}.md"), "w") as file:
                file.write(texts[-1])
        entities.append({"apiVersion": "backstage.io/v1alpha1", "kind": "Component",
                         "metadata": {"name": f"documented-{site}", "annotations": {"backstage.io/techdocs-ref": f"dir:./site-{site}"}},
                         "spec": {"type": "documentation", "lifecycle": "production", "owner": "platform"}})
    with open(os.path.join(folder, "documented.yaml"), "w") as file:
        yaml.safe_dump_all(entities, file)
    return texts


def misspelled(name, rng):
    at = rng.randrange(max(len(name) - 1, 1))
    return rng.choice([name[:at] + name[at + 1:], name[:at] + "x" + name[at:], name[:at] + "q" + name[at + 1:],
                       name[:at] + name[at + 1:at + 2] + name[at:at + 1] + name[at + 2:]])


def typed(names, rng):
    """What is asked while names are typed: kind of query, and texts."""
    starts, errors = [], []
    while len(starts) < QUERIES:
        name = rng.choice(names)
        starts += [name[:length] for length in range(1, len(name) + 1)]
        wrong = misspelled(name, rng)
        errors += [wrong[:length] for length in range(4, len(wrong) + 1)]
    return [("as typed", starts[:QUERIES]), ("misspelled, as typed", errors[:QUERIES]),
            ("two starts", [f"{rng.choice(names)[:5]} {rng.choice(names)[:3]}" for _ in range(QUERIES // 4)])]


def reference(entities, texts):
    database = sqlite3.connect(":memory:")
    database.execute("CREATE VIRTUAL TABLE found USING fts5(name, title, about, tags, text, prefix='1 2 3')")
    rows = ((meta.get("name"), meta.get("title"), meta.get("description"), " ".join(meta.get("tags") or []), "")
            for meta in (entity["metadata"] for entity in entities))
    database.executemany("INSERT INTO found VALUES (?, ?, ?, ?, ?)", rows)
    parts = ((section.split("\n", 1)[0], "", "", "", section) for text in texts for section in text.split("\n## "))
    database.executemany("INSERT INTO found VALUES (?, ?, ?, ?, ?)", parts)
    return database


def ask_reference(database, text):
    words = "".join(letter if letter.isalnum() else " " for letter in text).split()
    if words:
        match = " ".join(f'"{word}"' for word in words[:-1]) + f' "{words[-1]}"*'
        database.execute("SELECT name FROM found WHERE found MATCH ? ORDER BY bm25(found) LIMIT 10", (match,)).fetchall()


def timed(ask, texts):
    seconds = []
    for text in texts:
        begin = time.perf_counter()
        ask(text)
        seconds.append(time.perf_counter() - begin)
    return " ".join(f"{percentile(seconds, part) * 1000:8.2f}" for part in (0.5, 0.95, 0.99))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default="target/release/greenroom")
    parser.add_argument("--entities", type=company.size, default=50_000)
    parser.add_argument("--pages", type=int, default=5_000)
    options = parser.parse_args()
    rng = random.Random(SEED)
    with tempfile.TemporaryDirectory(prefix="greenroom-search-") as folder:
        os.chmod(folder, 0o755)
        files = os.path.join(folder, "company")
        subprocess.run([sys.executable, os.path.join(os.path.dirname(__file__), "company.py"), str(options.entities), files], check=True)
        parts = [os.path.join(files, name) for name in sorted(os.listdir(files)) if name.startswith("part-")]
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        entities = [entity for part in parts for entity in yaml.load_all(open(part), loader) if entity]
        names = [entity["metadata"]["name"] for entity in entities]
        vocabulary = sorted({word for name in names[:3000] for word in name.split("-")} | set(company.WORDS))
        texts = documentation(folder, options.pages, vocabulary, rng) if options.pages else []
        roots = [os.path.join(files, "all.yaml")] + ([os.path.join(folder, "documented.yaml")] if texts else [])
        config = write_config(os.path.join(folder, "config.yaml"), *roots)
        binary = os.path.abspath(options.binary)
        with Portal(binary, os.path.join(folder, "data"), config, log=os.path.join(folder, "log")) as portal:
            visitor = Visitor(portal)
            status = lambda: portal.request("GET", "/status", headers={"cookie": visitor.cookie})[2].decode()
            documents = lambda: int(status().split(" documents in ")[0].rsplit(">", 1)[1].replace("\u202f", ""))
            expected = options.entities + options.pages * SECTIONS
            wait_until(lambda: documents() >= expected, 300, "the index never had everything")
            print(f"{options.entities} entities, {options.pages} pages: {documents()} documents, portal {resident_mb(portal.pid):.0f} MB")
            print(f"the way alone: {liveness(portal) * 1000:.2f} ms")
            database = reference(entities, texts)

            def ask(text):
                path = f"/search/quick?q={quote(text)}"
                code = portal.request("GET", path, headers={"cookie": visitor.cookie})[0]
                if code != 200:
                    raise SystemExit(f"{path}: {code}")

            print(f"{'':24}{'p50':>12} {'p95':>8} {'p99':>8} ms")
            for what, asked in typed(names, rng):
                print(f"{what:24} us  {timed(ask, asked)}")
                print(f"{'':24} FTS {timed(lambda text: ask_reference(database, text), asked)}")


if __name__ == "__main__":
    main()
