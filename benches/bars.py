"""The bars, what Backstage was measured at, and which are met. Nothing fails here: a figure is a figure."""

from dataclasses import dataclass

MAIN = 10_000
LARGE = 200_000
DATABASES = {"embedded": "embedded", "given": "`DATABASE_URL`"}

# Backstage 1.55 at 10,000 entities on the same kind of machine (2 cores shared with the load generator), best readings.
# name: (what, Backstage's, requests per second at least, share of the bare handler at least)
LOADED = {
    "by-name": ("`by-name`", "1,544/s", 25_000, 0.70),
    "by-name-token": ("`by-name` with a bearer token", "221/s", None, None),
    "by-query": ("`by-query`, components in order, 20 of them", "82/s", 8_000, 0.60),
    "by-query-owner": ("`by-query`, an owner's components, 200 owners in turn", "368/s", None, None),
    "full-text": ("`by-query` with a full-text filter, 30 terms in turn", "103/s", 3_000, None),
    "facets": ("`entity-facets` by `spec.type`", "612/s", 20_000, None),
    "facets-filtered": ("`entity-facets` of components by tag", "52/s", 10_000, None),
    "all-components": ("all components", "12/s", 100, None),
    "ancestry": ("`ancestry`", "339/s", 15_000, None),
}


@dataclass
class Row:
    """One line of the table."""

    what: str
    database: str
    backstage: str
    bar: str
    measured: str
    beside: str
    met: bool | None


def seconds(value):
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.2f} s"


def rows(figures):
    """The table of the catalog's bars, as far as they were measured."""
    found = []
    for name, words in DATABASES.items():
        measured = figures["catalog"].get(name)
        if measured:
            found += _main(measured, words)
    for measured in figures["growth"]:
        if measured["entities"] >= LARGE:
            found.append(_memory(measured, DATABASES["given"], "–", "1 GB", 1000))
    replicas = figures.get("replicas")
    if replicas:
        read, wrote = replicas["since_read"], replicas["since_written"]
        found.append(Row("changed file seen on another replica, after its source was read", DATABASES["given"],
                         "seconds to minutes", "≤ 50 ms", seconds(read["median"]),
                         f"worst of {replicas['times']}: {seconds(read['worst'])}; "
                         f"after the writing: {seconds(wrote['median'])}",
                         read["median"] <= 0.05))
    return found


def _main(measured, database):
    ingest, warm, idle = measured["ingest"], measured["warm"], measured.get("idle")
    found = [
        Row("empty database to everything visible", database, "132–189 s (122 CPU s)", "≤ 2 s",
            seconds(ingest["seconds"]),
            f"CPU: server {ingest['server_cpu']:.2f} s, Postgres {ingest['database_cpu']:.2f} s; "
            f"with nothing to read: {seconds(ingest['nothing_to_read'])}", ingest["seconds"] <= 2),
        Row("warm start to first answer", database, "3.1 s", "≤ 0.3 s", seconds(warm["median"]),
            f"best of {warm['times']}: {seconds(warm['best'])}", warm["median"] <= 0.3),
    ]
    found += [_load(LOADED[name], by_connections["16"], database) for name, by_connections in measured["load"].items()]
    found.append(_memory(measured, database, "250–945 MB", "100 MB", 100))
    if idle:
        both = idle["server_percent"] + idle["database_percent"]
        found.append(Row("idle CPU, nothing changes", database, "9.5 % + 3.7 %", "≤ 0.2 %", f"{both:.2f} %",
                         f"server {idle['server_percent']:.2f} %, Postgres {idle['database_percent']:.2f} %, "
                         f"over {idle['seconds']} s", both <= 0.2))
    return found


def _load(about, figure, database):
    what, backstage, rate, share = about
    wanted = [f"≥ {rate:,}/s"] if rate else []
    wanted += [f"≥ {share:.0%} of bare"] if share else []
    met = None
    if wanted:
        met = figure["rate"] >= (rate or 0) and figure["share"] >= (share or 0) and not figure["errors"]
    wrong = f"; {figure['errors']} errors" if figure["errors"] else ""
    return Row(what, database, backstage, ", ".join(wanted) or "–", f"{figure['rate']:,.0f}/s",
               f"{figure['share']:.0%} of bare{wrong}", met)


def _memory(measured, database, backstage, bar, limit):
    memory, words = measured["memory"], []
    for name, when in (("memory_after_load", "after the load"), ("memory_warm", "after the idleness")):
        if name in measured:
            words.append(f"{when}: {measured[name]['server_mb']:,.0f} MB")
    words.append(f"server and Postgres: {memory['all_mb']:,.0f} MB")
    return Row(f"memory with {measured['entities']:,} entities", database, backstage, f"≤ {bar}",
               f"{memory['server_mb']:,.0f} MB", "; ".join(words), memory["server_mb"] <= limit)


def scaffolder_rows(figures):
    """The table of runs and rendering."""
    measured = figures.get("scaffolder")
    if not measured:
        return []
    line = lambda what, backstage, bar, told, beside, met: Row(what, DATABASES["given"], backstage, bar, told, beside, met)
    millis = lambda value: f"{value * 1000:.1f} ms"
    found = [
        line("run of one step, POST to completed", "43–63 ms", "≤ 5 ms", millis(measured["one_step"]), "",
             measured["one_step"] <= 0.005),
        line("run that renders 30 files", "159–191 ms", "≤ 15 ms", millis(measured["thirty_files"]), "",
             measured["thirty_files"] <= 0.015),
        line("runs of one step, 50 asked for at once", "22–39/s", "≥ 500/s", f"{measured['burst']:.0f}/s", "",
             measured["burst"] >= 500),
        line("dry run of a template of 30 files", "~250 ms", "≤ 10 ms", millis(measured["dry_run"]), "",
             measured["dry_run"] <= 0.01),
    ]
    rate, reference = measured["rendered"] / 1e6, measured["nunjitsu"]
    met, beside = rate >= 50, f"{measured['whole'] / 1e6:.0f} MB/s with reading and writing"
    if reference:
        times = measured["rendered"] / reference
        met, beside = met and times >= 20, f"{times:.0f} × Nunjitsu ({reference / 1e6:.1f} MB/s); {beside}"
    found.append(line("rendering, one core, 1 % expressions", "–", "≥ 50 MB/s, ≥ 20 × Nunjitsu", f"{rate:.0f} MB/s", beside,
                      met))
    return found


def picker_rows(figures):
    """The table of pickers: at most a few times what the cheapest answer of the same portal takes."""
    measured = figures.get("pickers")
    if not measured:
        return []
    live = measured["liveness"]
    row = lambda name, one: Row(f"entity picker, {name}, {measured['entities']:,} entities", DATABASES["given"], "–",
                                "≤ 10 ms", f"{one['seconds'] * 1000:.1f} ms",
                                f"{one['seconds'] / live:.1f} × liveness ({live * 1000:.2f} ms); {one['options']} options",
                                one["seconds"] <= 0.01)
    return [row(name, one) for name, one in measured["asked"].items()]


def view_rows(figures):
    """The table of pages over a large catalog."""
    measured = figures.get("views")
    if not measured:
        return []
    live = measured["liveness"]
    found = []
    for name, one in measured["pages"].items():
        bar = 0.05 if name.startswith("graph") else 0.01
        found.append(Row(name, "embedded", "", f"≤ {bar * 1000:.0f} ms", f"{one['p99'] * 1000:.1f} ms",
                         f"half within {one['p50'] * 1000:.1f} ms; liveness {live['p99'] * 1000:.2f} ms; "
                         f"{one['bytes'] / 1000:.1f} kB at most", one["p99"] <= bar))
    return found


def page_rows(figures):
    """The table of starts, runs and pages."""
    pages = figures.get("pages")
    if not pages:
        return []
    line = lambda what, bar, measured, beside, met: Row(what, "embedded", "", bar, measured, beside, met)
    own = f"{seconds(pages['process_start'])} for `greenroom --version`"
    run, live = pages["run"], pages["liveness"]
    found = [
        line("binary", "≤ 60 MB", f"{pages['binary_mb']:.1f} MB", "", pages["binary_mb"] <= 60),
        line("first start", "≤ 4 s", seconds(pages["first_start"]), own, pages["first_start"] <= 4),
        line("second start", "≤ 0.5 s", seconds(pages["second_start"]), own, pages["second_start"] <= 0.5),
        line("memory, idle, with Postgres", "≤ 150 MB", f"{pages['all_mb']:.0f} MB",
             f"server {pages['server_mb']:.0f} MB", pages["all_mb"] <= 150),
        line("run of `rust-service`", "≤ 300 ms", seconds(run["median"]),
             f"slowest {seconds(run['slowest'])}; {run['median'] / live:,.0f} × liveness ({live * 1000:.2f} ms)",
             run["median"] <= 0.3),
    ]
    for path, page in pages["pages"].items():
        met = page["seconds"] <= 0.03 and page["bytes"] <= 100_000
        found.append(line(f"`{path}`", "≤ 30 ms, 100 kB",
                          f"{page['seconds'] * 1000:.1f} ms, {page['bytes'] / 1000:.1f} kB",
                          f"{page['seconds'] / live:.0f} × liveness; {page['plain_bytes'] / 1000:.0f} kB unpacked", met))
    return found


def delivery_rows(figures):
    """The table of clusters and delivery."""
    measured = figures.get("delivery")
    if not measured:
        return []
    line = lambda what, bar, told, beside, met: Row(what, "embedded", "", bar, told, beside, met)
    millis = lambda value: f"{value * 1000:.1f} ms"
    watching, changing = measured["watching"], measured.get("changing")
    live = watching["liveness"]
    page = lambda one: (f"{one['seconds'] / live:.0f} × liveness ({live * 1000:.2f} ms); {one['bytes'] / 1000:.0f} kB, "
                        f"{one['plain_bytes'] / 1000:.0f} kB unpacked")
    cost = watching["with_mb"] - watching["without_mb"]
    found = [
        line("memory, 5 clusters of 2,000 pods", "≤ 150 MB", f"{watching['with_mb']:.0f} MB",
             f"watches {cost:.0f} MB ({watching['objects']:,} objects, pods of {watching['pod_bytes'] / 1000:.1f} kB on the server); "
             f"without clusters {watching['without_mb']:.0f} MB; after the pages {watching['after_mb']:.0f} MB",
             watching["with_mb"] <= 150),
        line("matrix, 100 services × 3 environments", "≤ 50 ms", millis(watching["matrix"]["seconds"]), page(watching["matrix"]),
             watching["matrix"]["seconds"] <= 0.05),
        line("Kubernetes page of a component, on 5 clusters", "≤ 20 ms", millis(watching["kubernetes"]["seconds"]),
             page(watching["kubernetes"]), watching["kubernetes"]["seconds"] <= 0.02),
    ]
    if not changing:
        return found
    change, plan, apply = changing["change"], changing["plan_changed"], changing["apply"]
    return found + [
        line("change on the API server until it is on the matrix page", "≤ 300 ms", seconds(change["median"]),
             f"worst of {change['times']}: {seconds(change['worst'])}", change["median"] <= 0.3),
        line("plan of 40 objects that change, with differences", "≤ 400 ms", seconds(plan["median"]),
             f"worst {seconds(plan['worst'])}; the same requests without the portal {seconds(changing['alone_plan']['median'])}; "
             f"of 40 new ones {seconds(changing['plan_new']['median'])}", plan["median"] <= 0.4),
        line("run that applies 40 new objects", "≤ 1 s", seconds(apply["median"]),
             f"worst {seconds(apply['worst'])}; applying them without the portal {seconds(changing['alone_apply']['median'])}",
             apply["median"] <= 1),
    ]
