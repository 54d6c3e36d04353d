"""Renders the rust-service template with `greenroom template render` and checks what came out.

    python run.py --greenroom target/debug/greenroom --work build/golden-path

Every file of answers/ is rendered by a portal configured with the environments it names. The first gets every check,
the cargo builds included; the others everything but the builds. Last, selftest.py shows that the checks can fail.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

HERE = Path(__file__).resolve().parent
TEMPLATE = HERE.parent.parent / "templates/software/rust-service"
BUILT = "minimal"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--greenroom", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    options = parser.parse_args()
    work = options.work.resolve()
    shutil.rmtree(work / "rendered", ignore_errors=True)
    work.mkdir(parents=True, exist_ok=True)
    # The tools are where this Python's packages are.
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

    failed = []
    for answers in sorted((HERE / "answers").glob("*.yaml")):
        folder = work / "rendered" / answers.stem
        render(options.greenroom.resolve(), answers, folder, work)
        cargo = "all" if answers.stem == BUILT else "format"
        check = [sys.executable, HERE / "check.py", folder, "--answers", answers, "--cargo", cargo, "--target-dir", work / "target"]
        if subprocess.run(check, cwd=HERE).returncode:
            failed.append(answers.stem)
    if subprocess.run([sys.executable, HERE / "selftest.py", work / "rendered" / BUILT], cwd=HERE).returncode:
        failed.append("selftest")
    if failed:
        sys.exit(f"golden path: failed for {', '.join(failed)}")


def render(greenroom, answers, folder, work):
    written = yaml.safe_load(answers.read_text())
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
        for each in written["environments"]
    ]
    config, values = work / f"{answers.stem}-config.json", work / f"{answers.stem}-values.json"
    config.write_text(json.dumps({"environments": environments}))
    values.write_text(json.dumps(written["parameters"]))
    command = [greenroom, "template", "render", TEMPLATE, "--values", values, "--out", folder,
               "--config", config, "--data-dir", work / "data"]
    # The caller's own portal is not meant.
    environment = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "GREENROOM_DATA_DIR")}
    if subprocess.run(command, env=environment, timeout=300).returncode:
        sys.exit(f"golden path: cannot render {answers.name}")


if __name__ == "__main__":
    main()
