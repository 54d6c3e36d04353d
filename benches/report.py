"""Figures as a table on the terminal, and between the markers of docs/performance.md with the plot beside it."""

import os
import re

import bars
import plot
from company import short

MET = {True: "met", False: "not met", None: ""}
PLOT = os.path.join("images", "performance.svg")


def terminal(figures):
    """Everything that has a bar, one line each."""
    found = [("what", "database", "measured", "bar", "", "beside it")]
    found += [(plain(row.what), plain(row.database), row.measured, row.bar, MET[row.met], plain(row.beside))
              for row in bars.rows(figures) + bars.scaffolder_rows(figures) + bars.picker_rows(figures)
              + bars.page_rows(figures) + bars.view_rows(figures) + bars.delivery_rows(figures)]
    widths = [max(len(line[column]) for line in found) for column in range(6)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in found]
    lines += ["", *growth_lines(figures)] if figures["growth"] else []
    return "\n".join(lines)


def plain(text):
    return text.replace("`", "")


def growth_lines(figures):
    """The growth as text."""
    table = growth_table(figures)
    widths = [max(len(line[column]) for line in table) for column in range(len(table[0]))]
    return ["  ".join(cell.rjust(width) for cell, width in zip(line, widths)) for line in table]


def growth_table(figures):
    """A line of heads, and one for each size."""
    lines = [["entities", "ingest", "CPU server + Postgres", "per entity", "warm start", "memory, server",
              "with Postgres", "by-name", "by-query", "facets"]]
    for one in figures["growth"]:
        ingest, memory = one["ingest"], one["memory"]
        per_entity = ingest["seconds"] / one["entities"] * 1e6
        rate = lambda name: f"{one['load'][name]['16']['rate']:,.0f}/s, {one['load'][name]['16']['server_us']:.0f} µs"
        lines.append([short(one["entities"]), bars.seconds(ingest["seconds"]),
                      f"{ingest['server_cpu']:.1f} + {ingest['database_cpu']:.1f} s", f"{per_entity:.0f} µs",
                      bars.seconds(one["warm"]["median"]), f"{memory['server_mb']:,.0f} MB",
                      f"{memory['all_mb']:,.0f} MB", *map(rate, ("by-name", "by-query", "facets"))])
    return lines


def panels(figures):
    """What the plot shows."""
    grown = figures["growth"]
    line = lambda name, value: (name, [(one["entities"], max(value(one), 1e-3)) for one in grown])
    return [
        ("seconds", [line("empty database to everything visible", lambda one: one["ingest"]["seconds"]),
                     line("warm start to first answer", lambda one: one["warm"]["median"])]),
        ("memory, MB", [line("server", lambda one: one["memory"]["server_mb"]),
                        line("server and Postgres", lambda one: one["memory"]["all_mb"])]),
        ("server CPU per request, µs", [
            line(words, lambda one, name=name: one["load"][name]["16"]["server_us"])
            for name, words in (("by-query", "by-query, ordered, 20 items"), ("facets", "facets"),
                                ("by-name", "by-name"))]),
    ]


def markdown(table):
    """Lines of cells; the first is the head."""
    line = lambda cells: "| " + " | ".join(cells) + " |"
    return "\n".join([line(table[0]), line(["---"] * len(table[0])), *map(line, table[1:])])


def sections(figures):
    """What stands between the markers, by their names; only what was measured."""
    found = {"machine": machine_words(figures["machine"])}
    if rows := bars.rows(figures):
        head = ["what", "database", "Backstage", "bar", "measured", "", "beside it"]
        found["bars"] = markdown([head, *([row.what, row.database, row.backstage, row.bar, row.measured, MET[row.met],
                                           row.beside] for row in rows)])
        found["requests"] = markdown(requests_table(figures))
    if figures["growth"]:
        found["growth"] = markdown(growth_table(figures))
    if rows := bars.scaffolder_rows(figures) + bars.picker_rows(figures):
        head = ["what", "Backstage", "bar", "measured", "", "beside it"]
        lines = ([row.what, row.backstage, row.bar, row.measured, MET[row.met], row.beside] for row in rows)
        found["scaffolder"] = markdown([head, *lines])
    if rows := bars.page_rows(figures):
        head = ["what", "bar", "measured", "", "beside it"]
        lines = ([row.what, row.bar, row.measured, MET[row.met], row.beside] for row in rows)
        found["pages"] = markdown([head, *lines])
    if rows := bars.view_rows(figures):
        lines = ([row.what, row.bar, row.measured, MET[row.met], row.beside] for row in rows)
        found["views"] = markdown([["page", "bar", "p99", "", "beside it"], *lines])
    if rows := bars.delivery_rows(figures):
        head = ["what", "bar", "measured", "", "beside it"]
        lines = ([row.what, row.bar, row.measured, MET[row.met], row.beside] for row in rows)
        found["delivery"] = markdown([head, *lines])
    return found


def requests_table(figures):
    """Every request at every number of connections, beside the bare handler."""
    lines = [["request", "database", "bytes", "connections", "requests/s", "p50", "p99", "CPU server + Postgres",
              "bare requests/s", "bare p99", "bare CPU"]]
    for name, words in bars.DATABASES.items():
        for request, by_connections in figures["catalog"].get(name, {}).get("load", {}).items():
            for connections, one in by_connections.items():
                bare = one["bare"]
                lines.append([request, words, f"{one['bytes']:,}", connections, f"{one['rate']:,.0f}",
                              f"{one['p50_ms']:.2f} ms", f"{one['p99_ms']:.2f} ms",
                              f"{one['server_us']:,.0f} + {one['database_us']:,.0f} µs", f"{bare['rate']:,.0f}",
                              f"{bare['p99_ms']:.2f} ms", f"{bare['server_us']:,.0f} µs"])
    return lines


def machine_words(machine):
    return (f"Measured on {machine['date']}: {machine['cores']} cores ({machine['processor']}), "
            f"{machine['memory_gb']:.0f} GB of memory, Linux {machine['kernel']}, Postgres {machine['postgres']}, "
            f"Greenroom {machine['greenroom']}; "
            f"load average {machine['load_before']:.1f} before and {machine['load_after']:.1f} after. "
            "The load generator ran on the same cores.")


def write_docs(figures, page):
    """Rewrites what was measured in the page, and the plot."""
    with open(page) as file:
        text = file.read()
    for name, content in sections(figures).items():
        between = re.compile(rf"(<!-- bench:{name} -->\n).*?(<!-- /bench:{name} -->)", re.S)
        text, times = between.subn(lambda found: f"{found.group(1)}\n{content}\n\n{found.group(2)}", text)
        if times != 1:
            raise SystemExit(f"{page} has {times} places for bench:{name}")
    with open(page, "w") as file:
        file.write(text)
    if figures["growth"]:
        with open(os.path.join(os.path.dirname(page), PLOT), "w") as file:
            file.write(plot.draw(panels(figures)))
