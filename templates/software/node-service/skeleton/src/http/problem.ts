/** Failures as problem documents (RFC 9457): the one place that turns a failure into an answer. */

import { STATUS_CODES } from "node:http";

import type { FastifyError, FastifyReply } from "fastify";

const CONTENT_TYPE = "application/problem+json";

/** What is wrong with one part of the request's body. */
export interface FieldError {
  /** A JSON pointer into the body. */
  readonly pointer: string;
  readonly detail: string;
}

/** Answers with a status and the reason, for people. */
export function sendProblem(reply: FastifyReply, status: number, detail: string): FastifyReply {
  const body = { type: "about:blank", title: STATUS_CODES[status] ?? "Unknown", status, detail };
  return reply.code(status).type(CONTENT_TYPE).send(body);
}

/** Answers that the body is JSON that makes no sense, and where. */
export function sendInvalid(reply: FastifyReply, detail: string, errors: readonly FieldError[]): FastifyReply {
  const body = { type: "urn:problem-type:invalid-input", title: "Invalid input", status: 422, detail, errors };
  return reply.code(422).type(CONTENT_TYPE).send(body);
}

/** Answers for whatever was thrown. The message of what nobody expected goes to the log, never to the client. */
export function sendFailure(reply: FastifyReply, error: FastifyError): FastifyReply {
  if (error.validation) {
    const errors = error.validation.map(({ instancePath, message, params }) => {
      const extra = typeof params.additionalProperty === "string" ? `: ${params.additionalProperty}` : "";
      return { pointer: instancePath, detail: `${message ?? "is not valid"}${extra}` };
    });
    return sendInvalid(reply, "the body is not as described in openapi.yaml", errors);
  }
  if (error.code === "FST_ERR_HANDLER_TIMEOUT") {
    return sendProblem(reply, 503, "the answer took too long; try again later");
  }
  const status = error.statusCode ?? 500;
  if (status < 500) {
    return sendProblem(reply, status, error.message);
  }
  reply.log.error({ err: error }, "failed");
  return sendProblem(reply, 500, "the request failed; the log has the reason");
}
