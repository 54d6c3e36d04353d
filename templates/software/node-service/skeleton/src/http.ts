/**
 * Routes and what surrounds them. Every answer of the API carries a request id, is logged and counted, and every
 * failure is a problem document (`http/problem.ts`). Probes and metrics stay outside of that: they would drown the rest.
 */

import { randomUUID } from "node:crypto";

import Fastify, { type FastifyError, type FastifyInstance, type HTTPMethods, LogController } from "fastify";

import type { Config } from "./config.ts";
import { addAllocations } from "./http/allocations.ts";
import { addHealth, type Readiness } from "./http/health.ts";
import { sendFailure, sendProblem } from "./http/problem.ts";
import { createMetrics } from "./metrics.ts";

const REQUEST_ID = "x-request-id";
const BODY_LIMIT = 2 * 1024 * 1024;

/** More routes of the API; tests add ones that misbehave. */
export type AddRoutes = (api: FastifyInstance) => void;

/** The whole service, not listening yet. */
export function createApp(
  config: Pick<Config, "log" | "requestTimeout">,
  readiness: Readiness,
  more?: AddRoutes,
): FastifyInstance {
  const app = Fastify({
    logger: { level: config.log, timestamp: () => `,"time":"${new Date().toISOString()}"` },
    ajv: { customOptions: { allErrors: true, coerceTypes: false, removeAdditional: false } },
    bodyLimit: BODY_LIMIT,
    // `surround` logs each answer in one line of its own.
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: "requestId" }),
    // A client on a slow line may take as long to send its request as the service to answer it.
    requestTimeout: config.requestTimeout * 1000,
    genReqId: (request) => {
      const given = request.headers[REQUEST_ID];
      return typeof given === "string" && given !== "" ? given : randomUUID();
    },
  });
  // Only JSON is understood; anything else is answered with 415.
  app.removeContentTypeParser("text/plain");
  const metrics = createMetrics();
  addHealth(app, readiness);
  app.get("/metrics", async (_request, reply) => reply.type(metrics.contentType).send(await metrics.text()));

  app.register(async (api) => {
    api.addHook("onRoute", (route) => {
      route.handlerTimeout = config.requestTimeout * 1000;
    });
    surround(api, metrics.record);
    addAllocations(api);
    more?.(api);
    refuseOtherMethods(app, api);
  });
  return app;
}

/** Request id, log, count, problem documents. */
function surround(api: FastifyInstance, record: ReturnType<typeof createMetrics>["record"]): void {
  api.addHook("onRequest", async (request, reply) => {
    reply.header(REQUEST_ID, request.id);
  });
  api.addHook("onResponse", async (request, reply) => {
    const { method, url, routeOptions } = request;
    const milliseconds = Math.round(reply.elapsedTime);
    record(method, routeOptions.url, reply.statusCode, reply.elapsedTime / 1000);
    request.log.info({ method, path: url.split("?", 1)[0], status: reply.statusCode, milliseconds }, "answered");
  });
  api.setErrorHandler<FastifyError>((error, _request, reply) => sendFailure(reply, error));
  api.setNotFoundHandler((_request, reply) => sendProblem(reply, 404, "there is nothing at this path"));
}

/** A path that is there answers every method, be it only to say that it does not take this one. */
function refuseOtherMethods(app: FastifyInstance, api: FastifyInstance): void {
  const taken: HTTPMethods[] = ["POST"];
  const method = app.supportedMethods.filter((name) => !taken.includes(name as HTTPMethods)) as HTTPMethods[];
  api.route({
    method,
    url: "/v1/allocations",
    handler: (_request, reply) => sendProblem(reply, 405, "this path does not answer that method"),
  });
}
