"""A Postgres server of the bench's own, with Postgres' default settings: what `DATABASE_URL` stands for."""

import glob
import os
import pwd
import re
import secrets
import shutil
import signal
import socket
import subprocess

from processes import Child, wait_until

USER = "greenroom"


def programs():
    """The folder of the newest Postgres on this machine."""
    found = glob.glob("/usr/lib/postgresql/*/bin") + glob.glob("/usr/pgsql-*/bin")
    usable = [folder for folder in found if os.path.exists(f"{folder}/initdb")]
    if usable:
        return max(usable, key=lambda folder: int(re.search(r"(\d+)/bin$", folder).group(1)))
    if on_path := shutil.which("initdb"):
        return os.path.dirname(on_path)
    raise SystemExit("no Postgres found; install it with your package manager")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Postgres:
    """A cluster in a folder, on a Unix socket and a free loopback port; it ends with the block."""

    def __init__(self, folder):
        self.folder = folder
        self.bin = programs()
        # Postgres refuses to run as root.
        self.account = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
        self.port = free_port()
        self.password = secrets.token_hex(16)
        self.child = None

    def __enter__(self):
        os.makedirs(self.folder, mode=0o700)
        secret = os.path.join(self.folder, "password")
        with open(secret, "w") as file:
            file.write(self.password)
        if self.account:
            owner = pwd.getpwnam("postgres")
            os.chown(secret, owner.pw_uid, owner.pw_gid)
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
        data = os.path.join(self.folder, "data")
        self._run("initdb", "--pgdata", data, "--username", USER, "--pwfile", secret, "--auth", "scram-sha-256",
                  "--encoding", "UTF8", "--locale", "C")
        # SIGINT is Postgres' fast shutdown.
        self.child = Child(
            [f"{self.bin}/postgres", "-D", data, "-p", str(self.port), "-k", self.folder,
             "-c", "listen_addresses=127.0.0.1"],
            os.path.join(os.path.dirname(self.folder), "postgres.log"), signal.SIGINT, cwd=self.folder, **self.account)
        try:
            wait_until(self._ready, 30, "Postgres did not start")
        except BaseException:
            self.child.stop()
            raise
        return self

    def __exit__(self, *_):
        self.child.stop()

    @property
    def pid(self):
        return self.child.pid

    def url(self, database):
        return f"postgres://{USER}:{self.password}@127.0.0.1:{self.port}/{database}"

    def create(self, database):
        """A new database; returns its URL."""
        self.ask("postgres", f'CREATE DATABASE "{database}"')
        return self.url(database)

    def ask(self, database, query):
        """The first value of a query, as text."""
        command = [f"{self.bin}/psql", "--no-psqlrc", "--tuples-only", "--no-align", "--quiet", "--command", query,
                   self.url(database)]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.strip()

    def version(self):
        return self.ask("postgres", "SHOW server_version").split()[0]

    def _ready(self):
        if self.child.process.poll() is not None:
            raise SystemExit(f"Postgres did not start:\n{self.child.last_words()}")
        command = [f"{self.bin}/pg_isready", "--quiet", "--host", "127.0.0.1", "--port", str(self.port)]
        return subprocess.run(command, check=False, timeout=10).returncode == 0

    def _run(self, program, *arguments):
        done = subprocess.run([f"{self.bin}/{program}", *arguments], capture_output=True, text=True, cwd=self.folder,
                              timeout=120, **self.account)
        if done.returncode != 0:
            raise SystemExit(f"{program} failed:\n{done.stderr}")
