/**
 * Prometheus metrics: requests and their duration by method, route and status, and what Node.js tells about itself
 * (event loop, heap, garbage collection). The route is the pattern, never the path, so that clients cannot grow the
 * number of series.
 */

import { Counter, collectDefaultMetrics, Histogram, Registry } from "prom-client";

/** Upper bounds in seconds, from a cached answer to the slowest that a client waits for. */
const BUCKETS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5];
/** Clients may invent methods; labels may not. */
const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);
const LABELS = ["method", "route", "status"] as const;

/** Counts what passes. */
export interface Metrics {
  /** Records one answered request; a request that fits no route has none. */
  record(method: string, route: string | undefined, status: number, seconds: number): void;
  /** Everything so far in Prometheus' text format. */
  text(): Promise<string>;
  /** Of the text. */
  readonly contentType: string;
}

/** Starts at zero. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const requests = new Counter({
    name: "http_requests_total",
    help: "Requests answered",
    labelNames: LABELS,
    registers,
  });
  const duration = new Histogram({
    name: "http_request_duration_seconds",
    help: "Time to answer",
    labelNames: LABELS,
    buckets: BUCKETS,
    registers,
  });
  return {
    record(method, route, status, seconds) {
      const labels = { method: METHODS.has(method) ? method : "other", route: route ?? "unmatched", status };
      requests.inc(labels);
      duration.observe(labels, seconds);
    },
    text: () => registry.metrics(),
    contentType: registry.contentType,
  };
}
