"""What surrounds the routes of the API: request id, log, count, size and time limits, and the last resort."""

import asyncio
import logging
import time
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..metrics import Metrics
from ..telemetry import request_id
from .problem import problem

log = logging.getLogger(__name__)

REQUEST_ID = "x-request-id"
BODY_LIMIT = 2 * 1024 * 1024
# For the cluster: not logged, not counted.
OPERATIONS = frozenset({"/healthz", "/readyz", "/metrics"})


class Surround:
    """Middleware as ASGI itself has it, without a task of its own for every request."""

    def __init__(self, app: ASGIApp, metrics: Metrics, timeout: float) -> None:
        self._app = app
        self._metrics = metrics
        self._timeout = timeout

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request; anything but HTTP, and what is for the cluster, passes through."""
        if scope["type"] != "http" or scope["path"] in OPERATIONS:
            await self._app(scope, receive, send)
            return
        current = Headers(scope=scope).get(REQUEST_ID) or str(uuid4())
        token = request_id.set(current)
        answer = _Answer(send, current)
        started = time.perf_counter()
        try:
            await self._limited(scope, _Body(receive), answer)
        finally:
            seconds = time.perf_counter() - started
            route = getattr(scope.get("route"), "path", None)
            self._metrics.record(scope["method"], route, answer.status, seconds)
            fields = {"method": scope["method"], "path": scope["path"], "status": answer.status}
            log.info("answered", extra=fields | {"milliseconds": round(seconds * 1000)})
            request_id.reset(token)

    async def _limited(self, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        try:
            async with asyncio.timeout(self._timeout):
                await self._app(scope, receive, answer)
            return
        except TimeoutError:
            failure = problem(503, "the answer took too long; try again later")
        except Exception:
            # The message goes to the log, never to the client.
            log.exception("failed")
            failure = problem(500, "the request failed; the log has the reason")
        if not answer.started:
            await failure(scope, receive, answer)


class _Answer:
    """Sends, with the request's id, and remembers the status."""

    def __init__(self, send: Send, current: str) -> None:
        self._send = send
        self._id = current
        self.started = False
        # Until there is another one: a client that is gone gets no answer.
        self.status = 499

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            self.status = message["status"]
            MutableHeaders(scope=message)[REQUEST_ID] = self._id
        await self._send(message)


class _Body:
    """Receives, up to the limit."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._size = 0

    async def __call__(self) -> Message:
        message = await self._receive()
        self._size += len(message.get("body", b""))
        if self._size > BODY_LIMIT:
            raise HTTPException(413, f"the body must be at most {BODY_LIMIT} bytes")
        return message
