/**
 * Configuration, read once from environment variables. Every variable has a default that suits a developer's machine;
 * the chart sets the ones that matter in a cluster.
 */

import { isIP } from "node:net";

const DEFAULT_PORT = ${{ values.port }};

const LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;

/** How much is logged: this level and what is worse. */
export type Level = (typeof LEVELS)[number];

/** What can be set from outside. Times are in seconds. */
export interface Config {
  /** `HOST`: address to listen on. */
  readonly host: string;
  /** `PORT`: port to listen on; 0 takes any that is free. */
  readonly port: number;
  /** `LOG`: level. */
  readonly log: Level;
  /** `REQUEST_TIMEOUT_SECONDS`: how long one request may take. */
  readonly requestTimeout: number;
  /** `DRAIN_SECONDS`: how long to go on serving, while not ready, after being told to stop. */
  readonly drain: number;
  /** `SHUTDOWN_SECONDS`: how long open requests may take to finish after that. */
  readonly shutdown: number;
}

/** A variable that cannot be used. */
export class ConfigError extends Error {
  constructor(name: string, value: string, reason: string) {
    super(`${name}=${JSON.stringify(value)} is not valid: ${reason}`);
    this.name = "ConfigError";
  }
}

/** Reads variables; empty ones count as not set. Throws a {@link ConfigError} for the first that does not parse. */
export function readConfig(variables: Readonly<Record<string, string | undefined>>): Config {
  const value = (name: string) => variables[name] || undefined;
  const whole = (name: string, fallback: number, least: number, most: number) => {
    const text = value(name);
    if (text === undefined) {
      return fallback;
    }
    const number = Number(text);
    if (!/^\d+$/.test(text) || number < least || number > most) {
      throw new ConfigError(name, text, `must be a whole number from ${least} to ${most}`);
    }
    return number;
  };
  const host = value("HOST") ?? "0.0.0.0";
  if (isIP(host) === 0) {
    throw new ConfigError("HOST", host, "must be an IP address");
  }
  const log = value("LOG") ?? "info";
  if (!isLevel(log)) {
    throw new ConfigError("LOG", log, `must be one of ${LEVELS.join(", ")}`);
  }
  return {
    host,
    port: whole("PORT", DEFAULT_PORT, 0, 65535),
    log,
    requestTimeout: whole("REQUEST_TIMEOUT_SECONDS", 10, 1, 3600),
    drain: whole("DRAIN_SECONDS", 0, 0, 3600),
    shutdown: whole("SHUTDOWN_SECONDS", 15, 1, 3600),
  };
}

function isLevel(text: string): text is Level {
  return (LEVELS as readonly string[]).includes(text);
}
