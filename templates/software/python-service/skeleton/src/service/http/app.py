"""Routes and what surrounds them.

Every answer of the API carries a request id, is logged and counted, and every failure is a problem document
(`problem`). Probes and metrics stay outside of that: they would drown the rest.
"""

from collections.abc import Sequence

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from ..metrics import CONTENT_TYPE, Metrics
from . import allocations
from .health import Readiness, health_routes
from .problem import FieldError, invalid, problem
from .surround import Surround

_DETAILS = {
    404: "there is nothing at this path",
    405: "this path does not answer that method",
}


def create_app(readiness: Readiness, request_timeout: float, more: Sequence[APIRouter] = ()) -> FastAPI:
    """The whole service, not listening yet; tests add routes that misbehave."""
    # The API is described in openapi.yaml, where it is reviewed.
    app = FastAPI(openapi_url=None, redirect_slashes=False)
    metrics = Metrics()
    app.include_router(health_routes(readiness))
    for routes in (allocations.routes, *more):
        app.include_router(routes)

    @app.get("/metrics")
    async def scrape() -> Response:
        return Response(metrics.text(), media_type=CONTENT_TYPE)

    app.add_exception_handler(RequestValidationError, _refused)
    app.add_exception_handler(HTTPException, _failed)
    app.add_middleware(Surround, metrics=metrics, timeout=request_timeout)
    return app


async def _refused(request: Request, error: Exception) -> Response:
    """What FastAPI could not make the route's arguments of."""
    assert isinstance(error, RequestValidationError)
    errors = error.errors()
    if any(one["type"] == "json_invalid" for one in errors):
        return problem(400, "the body is not JSON")
    if not request.headers.get("content-type", "").split(";")[0].strip().endswith("json"):
        return problem(415, "the body must be `application/json`")
    fields = [FieldError(pointer=_pointer(one["loc"]), detail=str(one["msg"])) for one in errors]
    return invalid("the body is not as described in openapi.yaml", fields)


async def _failed(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    answer = problem(error.status_code, _DETAILS.get(error.status_code, str(error.detail)))
    answer.headers.update(error.headers or {})
    return answer


def _pointer(location: Sequence[str | int]) -> str:
    """`("body", "weights", 0)` as `/weights/0`."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in location[1:])
