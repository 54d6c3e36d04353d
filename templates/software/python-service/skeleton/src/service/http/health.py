"""`/healthz`: the process answers, so do not restart it. `/readyz`: send requests here. They differ while draining."""

from fastapi import APIRouter
from starlette.responses import PlainTextResponse


class Readiness:
    """Whether requests are welcome."""

    def __init__(self) -> None:
        # From now on `/readyz` says no, once this is set.
        self.stopping = False


def health_routes(readiness: Readiness) -> APIRouter:
    """The probes."""
    routes = APIRouter()

    @routes.get("/healthz")
    async def live() -> PlainTextResponse:
        return PlainTextResponse("ok\n")

    @routes.get("/readyz")
    async def ready() -> PlainTextResponse:
        if readiness.stopping:
            return PlainTextResponse("draining\n", 503)
        return PlainTextResponse("ready\n")

    return routes
