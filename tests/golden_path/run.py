"""Renders the service templates with `greenroom template render` and checks what came out.

    python run.py --greenroom target/debug/greenroom --work build/golden-path [--node DIR]

Every template is rendered with every file of answers/, by a portal configured with the environments it names, and with
combinations of the options of its form. What came out gets every check of check.py, also a dry run on a real API server,
which is started once; the suite of its language is run on the one of minimal.yaml, because the others hold the same sources. The templates that change a service are tried by
changes.py. Last, selftest.py shows that the checks can fail.
"""

import argparse
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import yaml

import changes
import combinations
import likeness
from changes import SERVICE
from check import check, stale
from checks import languages, server, tools
from checks.languages import LANGUAGES, Setup
from checks.repository import Repository

HERE = Path(__file__).resolve().parent
TEMPLATES = HERE.parent.parent / "templates/software"
BUILT = "minimal"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--greenroom", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--node", type=Path, help="the folder of the Node.js that node-service is for, if it is there")
    parser.add_argument("--only", choices=sorted(LANGUAGES), help="one template")
    options = parser.parse_args()
    work = options.work.resolve()
    shutil.rmtree(work / "rendered", ignore_errors=True)
    work.mkdir(parents=True, exist_ok=True)
    # The tools are where this Python's packages are.
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    # The caller's own portal is not meant.
    for name in ("DATABASE_URL", "GREENROOM_DATA_DIR"):
        os.environ.pop(name, None)

    began = time.monotonic()
    setup = Setup(work, str(options.node.resolve()) if options.node and options.node.is_dir() else "")
    greenroom = options.greenroom.resolve()
    failed, used = [f"likeness: {line}" for line in likeness.differences(TEMPLATES)], set()
    templates = [template for template in sorted(LANGUAGES) if options.only in (None, template)]
    jobs = [(tried, greenroom, setup, *job) for template in templates for job in cases(template)]
    # The ones that build something first: they take the longest.
    jobs.sort(key=lambda job: job[5] != "all")
    if SERVICE in templates:
        base = yaml.safe_load((HERE / "answers" / f"{BUILT}.yaml").read_text())
        jobs += [(changes.tried, setup, *job) for job in changes.prepared(greenroom, setup, TEMPLATES, base)]
    if not tools.unittest_is_there():
        print("helm-unittest is not built in build/helm-unittest (`.ci/setup test` does that): the charts' own tests are not run", flush=True)
    with server.started(work):
        # Started afresh, not forked: Helm's library, written in Go, does not live on in a fork.
        with ProcessPoolExecutor(os.cpu_count(), multiprocessing.get_context("spawn")) as pool:
            for report in pool.map(done, jobs):
                show(report)
                used |= report.used
                if report.failed:
                    failed.append(report.name)
        # One template alone may not need all of them.
        failed += [] if options.only else stale(used)
        for number, template in enumerate(templates):
            command = [sys.executable, HERE / "selftest.py", work / "rendered" / f"{template}-{BUILT}"]
            if subprocess.run(command + ["--language-only"] * (number > 0), cwd=HERE).returncode:
                failed.append(f"selftest of {template}")
        command = [sys.executable, HERE / "selftest.py", work / "rendered" / f"{templates[0]}-gitops", "--gitops"]
        if subprocess.run(command, cwd=HERE).returncode:
            failed.append("selftest of values in a GitOps repository")
    print(f"golden path: {len(jobs)} repositories in {time.monotonic() - began:.0f} s")
    if failed:
        sys.exit("golden path: failed: " + "\n".join(failed))


def show(report):
    print("\n".join(line for line in report.lines if report.failed or not line.startswith("ok ")), flush=True)


def cases(template):
    """Template, name, what of the suite to run, and answers."""
    for path in sorted((HERE / "answers").glob("*.yaml")):
        answers = yaml.safe_load(path.read_text())
        yield template, f"{template}-{path.stem}", "all" if path.stem == BUILT else "quick", answers
    form = yaml.safe_load((TEMPLATES / template / "template.yaml").read_text())
    tried, size = combinations.combined(combinations.options(form))
    print(f"{template}: {len(tried)} of {size} combinations of its options", flush=True)
    base = yaml.safe_load((HERE / "answers" / f"{BUILT}.yaml").read_text())
    for number, chosen in enumerate(tried, 1):
        answers = {**base, "parameters": base["parameters"] | with_gitops(chosen)}
        yield template, f"{template}-{number}", "none", answers


def with_gitops(chosen):
    """The answers with a GitOps repository beside the service's, where values go to one."""
    if chosen["values"] == "service":
        return chosen
    return chosen | {"gitopsRepoUrl": chosen["repoUrl"].replace("repo=payments-api", "repo=gitops")}


def done(job):
    """The report of a job: a function and what it is called with."""
    function, *given = job
    return function(*given)


def tried(greenroom, setup, template, name, suite, answers):
    """Renders and checks one new repository."""
    folder = setup.work / "rendered" / name
    render(greenroom, TEMPLATES / template, answers, folder, setup.work)
    repository = Repository(folder, answers)
    report = check(name, repository, suite, setup)
    languages.tidy(repository)
    if report.failed:
        report.lines.insert(0, f"{name}: {json.dumps(answers['parameters'])}")
    return report


def render(greenroom, template, answers, folder, work):
    environments = [
        {
            "name": each["name"],
            "title": each["title"],
            "cluster": each["cluster"],
            "server": each["server"],
            "namespace": each["namespace"],
            "sync": "automated" if each["automated"] else "pull-request",
            "colour": each["colour"],
        }
        for each in answers["environments"]
    ]
    config, values = work / f"{folder.name}-config.json", work / f"{folder.name}-values.json"
    config.write_text(json.dumps({"environments": environments}))
    values.write_text(json.dumps(answers["parameters"]))
    command = [greenroom, "template", "render", template, "--values", values, "--out", folder,
               "--config", config, "--data-dir", work / "data"]
    done = subprocess.run(command, timeout=300, capture_output=True, text=True)
    config.unlink()
    values.unlink()
    if done.returncode:
        raise RuntimeError(f"cannot render {folder.name}: {done.stdout}{done.stderr}")


if __name__ == "__main__":
    main()
