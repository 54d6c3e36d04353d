/** `POST /v1/allocations`: splits an amount by weights. Described in `openapi.yaml`. */

import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

import { allocate } from "../allocation.ts";
import { sendInvalid } from "./problem.ts";

/** The shape of the question; what its numbers must be besides is the domain's business. */
const BODY = {
  type: "object",
  additionalProperties: false,
  required: ["amount", "weights"],
  properties: {
    amount: { type: "integer", minimum: 0 },
    weights: { type: "array", items: { type: "integer", minimum: 0, maximum: 4294967295 } },
  },
};

interface Question {
  Body: { amount: number; weights: number[] };
}

/** Adds the route. */
export function addAllocations(api: FastifyInstance): void {
  api.post<Question>("/v1/allocations", { schema: { body: BODY } }, create);
}

function create(request: FastifyRequest<Question>, reply: FastifyReply): FastifyReply {
  const { amount, weights } = request.body;
  const outcome = allocate(amount, weights);
  if (!outcome.ok) {
    const errors = outcome.violations.map(({ part, reason }) => ({ pointer: `/${part}`, detail: reason }));
    return sendInvalid(reply, "the amount cannot be split like this", errors);
  }
  request.log.debug({ amount, shares: outcome.shares.length }, "allocated");
  return reply.send({ amount, shares: outcome.shares });
}
