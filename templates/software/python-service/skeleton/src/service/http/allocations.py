"""`POST /v1/allocations`: splits an amount by weights. Described in `openapi.yaml`."""

import logging
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from ..allocation import AllocationError, allocate
from .problem import FieldError, invalid

log = logging.getLogger(__name__)

routes = APIRouter()


class AllocationRequest(BaseModel):
    """The shape of the question; what its numbers must be besides is the domain's business."""

    model_config = ConfigDict(extra="forbid", strict=True)

    amount: Annotated[int, Field(ge=0)]
    weights: list[Annotated[int, Field(ge=0, le=4294967295)]]


class Allocation(BaseModel):
    """The answer; `shares` are in the order of the weights."""

    amount: int
    shares: list[int]


@routes.post("/v1/allocations", response_model=Allocation)
async def create(request: AllocationRequest) -> Allocation | Response:
    """Splits the amount, or says everything that stands in the way."""
    try:
        shares = allocate(request.amount, request.weights)
    except AllocationError as error:
        errors = [FieldError(pointer=f"/{one.part}", detail=one.reason) for one in error.violations]
        return invalid("the amount cannot be split like this", errors)
    log.debug("allocated", extra={"amount": request.amount, "shares": len(shares)})
    return Allocation(amount=request.amount, shares=shares)
