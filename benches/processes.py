"""Child processes that surely end, and what they cost: CPU time and memory of whole trees, from /proc."""

import os
import re
import signal
import subprocess
import time

TICK = os.sysconf("SC_CLK_TCK")


class Child:
    """A process in a session of its own, so that Ctrl-C reaches the bench alone, which then ends it in order."""

    def __init__(self, command, log, stop_signal=signal.SIGINT, **options):
        self.stop_signal = stop_signal
        self.log = log
        with open(log, "ab") as output:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stderr=output, start_new_session=True,
                **{"stdout": output, **options})
        self.pid = self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self, patience=30):
        """Asks it to end, and ends it with everything below where it does not."""
        if self.process.poll() is not None:
            return
        below = tree(self.pid)
        self.process.send_signal(self.stop_signal)
        try:
            self.process.wait(patience)
        except subprocess.TimeoutExpired:
            for pid in below:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            self.process.wait(patience)

    def last_words(self):
        """The end of its log, for an error message."""
        with open(self.log, errors="replace") as log:
            return "".join(log.readlines()[-5:])


def wait_until(condition, seconds, what, pause=0.002):
    """The first true value of a condition; ends the bench when it takes too long."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise SystemExit(f"gave up after {seconds} s: {what}")
        time.sleep(pause)


def stat(pid):
    """(name, fields from the state on)"""
    with open(f"/proc/{pid}/stat") as file:
        head, tail = file.read().rsplit(")", 1)
    return head.split("(", 1)[1], tail.split()


def tree(root):
    """Process ids of root and everything below it."""
    children = {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            children.setdefault(int(stat(entry)[1][1]), []).append(int(entry))
        except (OSError, IndexError):
            continue
    found, todo = [], [root]
    while todo:
        pid = todo.pop()
        found.append(pid)
        todo += children.get(pid, [])
    return found


def _clocks(pids, first):
    total = 0
    for pid in pids:
        try:
            total += sum(map(int, stat(pid)[1][first:first + 2]))
        except (OSError, IndexError):
            continue
    return total / TICK


def cpu_seconds(pids):
    """CPU time of processes themselves."""
    return _clocks(pids, 11)


def ended_seconds(pids):
    """CPU time of their children that ended."""
    return _clocks(pids, 13)


def scheduled_seconds(pids):
    """The same to the nanosecond, of the threads that live now: for processes that do next to nothing."""
    total = 0
    for pid in pids:
        try:
            threads = os.listdir(f"/proc/{pid}/task")
        except OSError:
            continue
        for thread in threads:
            try:
                with open(f"/proc/{pid}/task/{thread}/schedstat") as schedstat:
                    total += int(schedstat.read().split()[0])
            except (OSError, IndexError):
                continue
    return total / 1e9


def resident_mb(pid):
    """RSS of one process."""
    with open(f"/proc/{pid}/status") as status:
        return int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1)) / 1024


def proportional_mb(pids):
    """PSS of processes: pages that they share count once."""
    total = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/smaps_rollup") as rollup:
                total += int(re.search(r"^Pss:\s+(\d+)", rollup.read(), re.M).group(1))
        except (OSError, AttributeError):
            continue
    return total / 1024
