/** `/healthz`: the process answers, so do not restart it. `/readyz`: send requests here. They differ while draining. */

import type { FastifyInstance } from "fastify";

/** Whether requests are welcome. */
export class Readiness {
  /** From now on `/readyz` says no, once this is set. */
  stopping = false;
}

/** Adds the probes. */
export function addHealth(app: FastifyInstance, readiness: Readiness): void {
  app.get("/healthz", (_request, reply) => reply.type("text/plain").send("ok\n"));
  app.get("/readyz", (_request, reply) => {
    reply.type("text/plain");
    return readiness.stopping ? reply.code(503).send("draining\n") : reply.send("ready\n");
  });
}
