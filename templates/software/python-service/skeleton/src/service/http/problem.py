"""Failures as problem documents (RFC 9457): the one place that turns a failure into an answer."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import TypedDict

from starlette.responses import JSONResponse

CONTENT_TYPE = "application/problem+json"


class FieldError(TypedDict):
    """What is wrong with one part of the request's body; `pointer` is a JSON pointer into it."""

    pointer: str
    detail: str


def problem(status: int, detail: str) -> JSONResponse:
    """A status and the reason, for people."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return JSONResponse(body, status, media_type=CONTENT_TYPE)


def invalid(detail: str, errors: Sequence[FieldError]) -> JSONResponse:
    """The body is JSON that makes no sense, and where."""
    body = {
        "type": "urn:problem-type:invalid-input",
        "title": "Invalid input",
        "status": 422,
        "detail": detail,
        "errors": errors,
    }
    return JSONResponse(body, 422, media_type=CONTENT_TYPE)
