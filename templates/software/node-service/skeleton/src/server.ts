/**
 * From socket to shutdown.
 *
 * When told to stop, the service first says so on `/readyz` and goes on serving for `drain` seconds, because a load
 * balancer keeps sending until it has noticed. Then it stops accepting and waits for open requests, for `shutdown`
 * seconds at most.
 */

import { setTimeout as sleep } from "node:timers/promises";

import type { Config } from "./config.ts";
import { Readiness } from "./http/health.ts";
import { createApp } from "./http.ts";

/** A service that is listening. */
export interface Serving {
  /** Where it is reached. */
  readonly url: string;
  /** Drains, then closes; resolves when nothing is open any more. */
  stop(): Promise<void>;
}

/** Listens; fails when the address is taken or not allowed. */
export async function serve(config: Config): Promise<Serving> {
  const readiness = new Readiness();
  const app = createApp(config, readiness);
  const listenTextResolver = (address: string) => `listening at ${address}`;
  const url = await app.listen({ host: config.host, port: config.port, listenTextResolver });

  async function stop(): Promise<void> {
    readiness.stopping = true;
    app.log.info({ seconds: config.drain }, "draining");
    await sleep(config.drain * 1000);
    const overdue = setTimeout(() => {
      app.log.warn("requests still open at the end of the shutdown time");
      app.server.closeAllConnections();
    }, config.shutdown * 1000);
    await app.close();
    clearTimeout(overdue);
    app.log.info("stopped");
  }

  let stopped: Promise<void> | undefined;
  return {
    url,
    stop: () => {
      stopped ??= stop();
      return stopped;
    },
  };
}
