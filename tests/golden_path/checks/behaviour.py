"""The running service, whatever it is written in: it does what openapi.yaml and docs/operations.md say.

Started as the image starts it, on loopback, and asked over HTTP.
"""

import http.client
import json
import os
import signal
import socket
import subprocess
import time
from contextlib import contextmanager, suppress

from . import languages
from .repository import Finding

PATH = "/v1/allocations"
JSON = {"content-type": "application/json"}
# Method, path, body, headers, and the status of the answer.
FAILURES = [
    ("POST", PATH, "{", JSON, 400),
    ("GET", "/v1/nothing", None, {}, 404),
    ("GET", PATH, None, {}, 405),
    ("POST", PATH, " " * (3 << 20), JSON, 413),
    ("POST", PATH, "{}", {"content-type": "text/plain"}, 415),
    ("POST", PATH, '{"amount": -1, "weights": [1]}', JSON, 422),
    ("POST", PATH, '{"amount": 1, "weights": [1], "extra": 1}', JSON, 422),
]


class Service:
    def __init__(self, process, port):
        self.process = process
        self.port = port

    def ask(self, method, path, body=None, headers=None):
        """Status, headers and text of the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            # A service need not read to its end what is too large.
            with suppress(BrokenPipeError, ConnectionResetError):
                connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read().decode()
        finally:
            connection.close()


@contextmanager
def started(repository, setup, **variables):
    """The service, once it listens; killed at the end if it is still there."""
    language = languages.of(repository)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    given = {"HOST": "127.0.0.1", "PORT": str(port), **variables}
    environment = os.environ | language.environment(repository, setup) | given
    command = language.start(repository, setup)
    process = subprocess.Popen(
        command, cwd=repository.root, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    service = Service(process, port)
    try:
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline:
            try:
                service.ask("GET", "/readyz")
                break
            except OSError:
                time.sleep(0.02)
        yield service
    finally:
        process.kill()
        process.wait()


def contract(repository, setup):
    """Answers, failures, request ids, probes and metrics, the same in every language."""
    with started(repository, setup) as service:
        status, headers, text = service.ask("POST", PATH, '{"amount": 1000, "weights": [1, 1, 1]}', JSON)
        if status != 200 or json.loads(text) != {"amount": 1000, "shares": [334, 333, 333]}:
            yield Finding("behaviour/answer", f"POST {PATH}: {status} {text}")
        if len(headers.get("x-request-id", "")) != 36:
            yield Finding("behaviour/request-id", f"the answer has the request id {headers.get('x-request-id')!r}")
        for method, path, body, sent, expected in FAILURES:
            status, headers, text = service.ask(method, path, body, {"x-request-id": "mine", **sent})
            kind = headers.get_content_type()
            if (status, kind) != (expected, "application/problem+json") or json.loads(text)["status"] != expected:
                yield Finding("behaviour/failure", f"{method} {path}, to fail with {expected}: {status} {kind} {text}")
            if headers.get("x-request-id") != "mine":
                yield Finding("behaviour/request-id", f"{method} {path}: the client's request id is lost")
        _, _, text = service.ask("POST", PATH, '{"amount": 9007199254740992, "weights": []}', JSON)
        if [error["pointer"] for error in json.loads(text)["errors"]] != ["/amount", "/weights"]:
            yield Finding("behaviour/failure", f"not every wrong field is pointed at: {text}")
        for path in ("/healthz", "/readyz"):
            if service.ask("GET", path)[0] != 200:
                yield Finding("behaviour/probe", f"GET {path} does not answer 200")
        status, headers, text = service.ask("GET", "/metrics")
        for series in (
            f'http_requests_total{{method="POST",route="{PATH}",status="200"}} 1',
            'http_requests_total{method="GET",route="unmatched",status="404"} 1',
            f'http_request_duration_seconds_count{{method="POST",route="{PATH}",status="200"}} 1',
        ):
            if not any(line.removesuffix(".0") == series for line in text.splitlines()):
                yield Finding("behaviour/metrics", f"GET /metrics has no line {series}")


def shutdown(repository, setup):
    """On SIGTERM it serves on without being ready, then ends by itself; its log is JSON, line by line."""
    with started(repository, setup, DRAIN_SECONDS="1") as service:
        service.ask("POST", PATH, '{"amount": 1, "weights": [1]}', {**JSON, "x-request-id": "traced"})
        service.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + 60
        while (found := service.ask("GET", "/readyz")[0]) == 200 and time.monotonic() < deadline:
            time.sleep(0.01)
        if found != 503:
            yield Finding("behaviour/drain", f"/readyz answers {found} while draining")
        if service.ask("GET", "/healthz")[0] != 200:
            yield Finding("behaviour/drain", "/healthz does not answer while draining")
        log, _ = service.process.communicate(timeout=60)
        if service.process.returncode:
            yield Finding("behaviour/exit", f"ended with {service.process.returncode}:\n{log}")
        if "traced" not in "".join(line for line in log.splitlines() if json.loads(line)):
            yield Finding("behaviour/log", f"the request's id is in no line of the log:\n{log}")


def refusal(repository, setup):
    """A variable that does not parse stops the start, with its name in the log."""
    with started(repository, setup, REQUEST_TIMEOUT_SECONDS="soon") as service:
        log, _ = service.process.communicate(timeout=60)
        if not service.process.returncode or "REQUEST_TIMEOUT_SECONDS" not in log:
            yield Finding("behaviour/refusal", f"ended with {service.process.returncode}:\n{log}")
