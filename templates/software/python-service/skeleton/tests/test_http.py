"""Requests through the whole service, as a client sends them."""

import asyncio
from collections.abc import Sequence

import pytest
from fastapi import APIRouter
from httpx import ASGITransport, AsyncClient, Response

from service.http.app import create_app
from service.http.health import Readiness

JSON = {"content-type": "application/json"}


class Client:
    """The service, called without a socket."""

    def __init__(self, readiness: Readiness | None = None, timeout: float = 5, more: Sequence[APIRouter] = ()) -> None:
        self.app = create_app(readiness or Readiness(), timeout, more)

    def send(self, method: str, path: str, content: str = "", headers: dict[str, str] | None = None) -> Response:
        async def sent() -> Response:
            transport = ASGITransport(self.app)
            async with AsyncClient(transport=transport, base_url="http://service") as client:
                return await client.request(method, path, content=content, headers=headers)

        return asyncio.run(sent())

    def ask(self, content: str) -> Response:
        return self.send("POST", "/v1/allocations", content, JSON)


def test_an_amount_is_split() -> None:
    answer = Client().ask('{"amount": 1000, "weights": [1, 1, 1]}')
    assert answer.status_code == 200
    assert answer.json() == {"amount": 1000, "shares": [334, 333, 333]}


def test_a_refusal_points_at_every_wrong_field() -> None:
    answer = Client().ask('{"amount": 9007199254740992, "weights": []}')
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "urn:problem-type:invalid-input",
        "title": "Invalid input",
        "status": 422,
        "detail": "the amount cannot be split like this",
        "errors": [
            {"pointer": "/amount", "detail": "must be at most 9007199254740991"},
            {"pointer": "/weights", "detail": "must have at least one weight"},
        ],
    }
    wrong = Client().ask('{"amount": "1", "weights": [-1], "extra": 1}')
    assert sorted(error["pointer"] for error in wrong.json()["errors"]) == ["/amount", "/extra", "/weights/0"]


@pytest.mark.parametrize(
    ("method", "path", "content", "headers", "status"),
    [
        ("POST", "/v1/allocations", "{", JSON, 400),
        ("GET", "/v1/nothing", "", {}, 404),
        ("GET", "/v1/allocations", "", {}, 405),
        ("POST", "/v1/allocations", " " * (3 << 20), JSON, 413),
        ("POST", "/v1/allocations", "{}", {"content-type": "text/plain"}, 415),
        ("POST", "/v1/allocations", '{"amount": -1, "weights": [1]}', JSON, 422),
        ("POST", "/v1/allocations", '{"amount": 1, "weights": [1], "extra": 1}', JSON, 422),
    ],
)
def test_every_failure_is_a_problem_document(
    method: str, path: str, content: str, headers: dict[str, str], status: int
) -> None:
    answer = Client().send(method, path, content, headers)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    assert answer.json()["detail"]


def test_a_slow_handler_is_cut_off_and_an_unexpected_error_is_hidden() -> None:
    routes = APIRouter()

    @routes.get("/v1/slow")
    async def slow() -> None:
        await asyncio.Event().wait()

    @routes.get("/v1/broken")
    async def broken() -> None:
        raise RuntimeError("secret")

    client = Client(timeout=0.01, more=[routes])
    assert client.send("GET", "/v1/slow").json()["status"] == 503
    answer = client.send("GET", "/v1/broken")
    assert answer.json()["status"] == 500
    assert "secret" not in answer.text


def test_a_request_id_is_kept_or_made() -> None:
    client = Client()
    kept = client.send("GET", "/v1/nothing", headers={"x-request-id": "from-the-client"})
    assert kept.headers["x-request-id"] == "from-the-client"
    assert len(client.send("GET", "/v1/nothing").headers["x-request-id"]) == 36


def test_readiness_ends_with_the_drain_and_liveness_does_not() -> None:
    readiness = Readiness()
    client = Client(readiness)
    assert client.send("GET", "/readyz").status_code == 200
    readiness.stopping = True
    assert client.send("GET", "/readyz").status_code == 503
    assert client.send("GET", "/healthz").status_code == 200


def test_requests_are_counted_by_route_and_not_by_path() -> None:
    client = Client()
    for path in ("/v1/one", "/v1/two"):
        client.send("GET", path)
    client.send("BREW", "/v1/allocations")
    metrics = client.send("GET", "/metrics")
    assert metrics.headers["content-type"].startswith("text/plain; version=")
    lines = metrics.text.splitlines()
    for line in (
        'http_requests_total{method="GET",route="unmatched",status="404"} 2.0',
        'http_requests_total{method="other",route="/v1/allocations",status="405"} 1.0',
        'http_request_duration_seconds_count{method="GET",route="unmatched",status="404"} 2.0',
    ):
        assert line in lines, metrics.text
