"""Prometheus metrics: requests and their duration by method, route and status, and what Python tells about itself.

The route is the pattern, never the path, so that clients cannot grow the number of series.
"""

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

# Upper bounds in seconds, from a cached answer to the slowest that a client waits for.
BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)
# Clients may invent methods; labels may not.
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
LABELS = ("method", "route", "status")

CONTENT_TYPE = CONTENT_TYPE_LATEST


class Metrics:
    """Counts what passes; starts at zero."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        GCCollector(self._registry)
        PlatformCollector(self._registry)
        ProcessCollector(registry=self._registry)
        self._requests = Counter("http_requests", "Requests answered", LABELS, registry=self._registry)
        self._seconds = Histogram(
            "http_request_duration_seconds", "Time to answer", LABELS, buckets=BUCKETS, registry=self._registry
        )

    def record(self, method: str, route: str | None, status: int, seconds: float) -> None:
        """Records one answered request; a request that fits no route has none."""
        labels = (method if method in METHODS else "other", route or "unmatched", str(status))
        self._requests.labels(*labels).inc()
        self._seconds.labels(*labels).observe(seconds)

    def text(self) -> bytes:
        """Everything so far in Prometheus' text format."""
        return generate_latest(self._registry)
