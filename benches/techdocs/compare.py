#!/usr/bin/env python3
"""Builds documentation trees with MkDocs and with Greenroom, and says what differs.

    build/venv/bin/python benches/techdocs/compare.py --mkdocs VENV/bin/mkdocs FOLDER...

Nothing is fetched: FOLDER holds a mkdocs.yml, VENV what that file asks for. A page counts as the same if its words and its
elements are; what differs is counted by element, and shown with an example. Times are those of the whole command, processor
seconds of all its threads, the best of several runs.
"""

import argparse
import collections
import html.parser
import json
import pathlib
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]

# What carries no meaning by itself, or is drawn by the theme.
UNCOUNTED = {"div", "span", "html", "body", "main", "svg", "path", "script", "style", "link", "meta", "wbr", "nav", "hr"}
# Elements of a theme within the content, by class.
THEME = {
    "headerlink", "md-content__button", "md-source-file", "linenos", "md-annotation", "md-feedback", "md-tags", "filename",
    "md-tag", "git-revision-date-localized-plugin", "md-source-date", "admonition-title-icon", "md-clipboard", "linenodiv",
    "toc", "footnote-backref", "mermaid-source", "md-post__meta",
}
SKIPPED = {"script", "style", "svg", "template", "noscript", "figcaption"}
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


class Content(html.parser.HTMLParser):
    """The words and the elements of a page's main content."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.stack = []
        self.inside = 0
        self.skipped = 0
        self.found = False
        self.words = []
        self.elements = collections.Counter()

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        classes = set((values.get("class") or "").split())
        is_main = values.get("role") == "main" or "md-content__inner" in classes or tag == "main" and "md-main" not in classes
        skipped = tag in SKIPPED or bool(classes & THEME)
        if self.inside and not self.skipped and not skipped and tag not in UNCOUNTED:
            is_line = tag == "a" and ("__codelineno" in (values.get("href") or "") or not values.get("href"))
            if not is_line and tag not in ("input", "label"):
                self.elements[tag] += 1
        if tag in VOID:
            return
        enters = not self.found and is_main
        if enters:
            self.found = True
        self.stack.append((tag, enters, skipped and self.inside > 0))
        self.inside += enters
        self.skipped += skipped and self.inside > 0

    def handle_endtag(self, tag):
        if tag in VOID:
            return
        for depth in range(len(self.stack) - 1, -1, -1):
            if self.stack[depth][0] == tag:
                for _, entered, skipped in self.stack[depth:]:
                    self.inside -= entered
                    self.skipped -= skipped
                del self.stack[depth:]
                return

    def handle_data(self, data):
        if self.inside and not self.skipped:
            self.words.extend(re.findall(r"\w+", data))


def read(path):
    content = Content()
    content.feed(path.read_text(encoding="utf-8", errors="replace"))
    return content


def run(command, folder):
    """Wall seconds and processor seconds of a command."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return wall, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def best(command, folder, times):
    runs = [run(command, folder) for _ in range(times)]
    return min(wall for wall, _ in runs), min(cpu for _, cpu in runs)


def pages(folder):
    found = {}
    for path in sorted(folder.rglob("*.html")):
        name = path.relative_to(folder).as_posix()
        if name != "404.html" and not name.startswith(("assets/", "search/")):
            found[name] = path
    return found


def compare(theirs, ours):
    """What differs between two built sites."""
    one, other = pages(theirs), pages(ours)
    shared = sorted(set(one) & set(other))
    elements, examples = collections.Counter(), collections.defaultdict(list)
    words = missing = extra = same = same_words = total = 0
    for name in shared:
        a, b = read(one[name]), read(other[name])
        wa, wb = collections.Counter(a.words), collections.Counter(b.words)
        lost, added = wa - wb, wb - wa
        words += sum(wa.values())
        missing += sum(lost.values())
        extra += sum(added.values())
        total += sum(a.elements.values())
        differs = False
        for tag in set(a.elements) | set(b.elements):
            difference = b.elements[tag] - a.elements[tag]
            if difference:
                differs = True
                elements[tag, difference > 0] += abs(difference)
                examples[tag].append((difference, name))
        if not lost and not added:
            same_words += 1
            same += not differs
        elif lost or added:
            examples["words"].append((sum(lost.values()) + sum(added.values()), name, list(lost)[:8], list(added)[:8]))
    return {
        "theirs": len(one), "ours": len(other), "shared": len(shared), "same": same, "same_words": same_words, "words": words,
        "missing": missing, "extra": extra, "elements": total,
        "only_theirs": sorted(set(one) - set(other)), "only_ours": sorted(set(other) - set(one)),
        "differences": sorted(((tag, ("more" if more else "fewer"), count) for (tag, more), count in elements.items()), key=lambda it: -it[2]),
        "examples": {tag: sorted(found, key=lambda it: -abs(it[0]))[:4] for tag, found in examples.items()},
    }


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folders", nargs="+", type=pathlib.Path)
    arguments.add_argument("--mkdocs", default="mkdocs", help="MkDocs' program")
    arguments.add_argument("--greenroom", default=str(ROOT / "target/release/greenroom"))
    arguments.add_argument("--times", type=int, default=3, help="runs of each")
    arguments.add_argument("--keep", type=pathlib.Path, help="a folder to leave the sites in")
    arguments.add_argument("--json", type=pathlib.Path, help="a file for everything that was found")
    asked = arguments.parse_args()
    found = {}
    for folder in asked.folders:
        name = folder.resolve().name
        with tempfile.TemporaryDirectory() as scratch:
            place = (asked.keep or pathlib.Path(scratch)) / name
            shutil.rmtree(place, ignore_errors=True)
            theirs, ours = place.resolve() / "theirs", place.resolve() / "ours"
            mkdocs = best([asked.mkdocs, "build", "--no-strict", "-q", "-d", str(theirs)], folder, asked.times)
            greenroom = best([asked.greenroom, "techdocs", "build", str(folder.resolve()), "--output", str(ours)], folder, asked.times)
            result = compare(theirs, ours)
        result.update(mkdocs=mkdocs, greenroom=greenroom)
        found[name] = result
        print(f"\n{name}: {result['shared']} pages in both, {len(result['only_theirs'])} only MkDocs', {len(result['only_ours'])} only ours")
        print(f"  the same words on {result['same_words']} pages, the same words and elements on {result['same']}")
        print(f"  of {result['words']} words {result['missing']} are missing, {result['extra']} more")
        print(f"  of {result['elements']} elements:", ", ".join(f"{count} {how} <{tag}>" for tag, how, count in result["differences"][:14]) or "all")
        print(f"  MkDocs {mkdocs[0]:.2f} s ({mkdocs[1]:.2f} s of processor), Greenroom {greenroom[0]:.3f} s ({greenroom[1]:.3f} s): {mkdocs[0] / greenroom[0]:.0f} times, {mkdocs[1] / greenroom[1]:.0f} times less work")
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
