"""What the figures were taken on."""

import datetime
import os
import platform
import re
import subprocess

from postgres import programs


def describe(binary):
    """Everything but the load after the run."""
    with open("/proc/cpuinfo") as file:
        model = re.search(r"^model name\s*: (.*)$", file.read(), re.M)
    with open("/proc/meminfo") as file:
        memory = int(re.search(r"MemTotal:\s+(\d+)", file.read()).group(1))
    return {
        "date": datetime.date.today().isoformat(),
        "cores": len(os.sched_getaffinity(0)),
        "processor": model.group(1).strip() if model else platform.machine(),
        "memory_gb": memory / 1024 / 1024,
        "kernel": platform.release().split("-")[0],
        "postgres": version_of(f"{programs()}/postgres"),
        "greenroom": version_of(binary),
        "load_before": os.getloadavg()[0],
    }


def version_of(program):
    """The first number with dots in `--version`."""
    text = subprocess.run([program, "--version"], capture_output=True, text=True, check=True, timeout=30).stdout
    return re.search(r"\d+(?:\.\d+)+", text).group(0)
