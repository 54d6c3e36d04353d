/** Starts the service: configuration from the environment, then {@link serve} until SIGTERM or SIGINT. */

import { pino } from "pino";

import { readConfig } from "./config.ts";
import { serve } from "./server.ts";

try {
  const serving = await serve(readConfig(process.env));
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => void serving.stop());
  }
} catch (error) {
  const reason = error instanceof Error ? error.message : String(error);
  pino().fatal({ reason }, "cannot start");
  process.exitCode = 1;
}
