"""Configuration, read once from environment variables.

Every variable has a default that suits a developer's machine; the chart sets the ones that matter in a cluster.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address

DEFAULT_PORT = 8080

LEVELS = ("debug", "info", "warning", "error", "critical")


@dataclass(frozen=True)
class Config:
    """What can be set from outside. Times are in seconds."""

    # `HOST`: address to listen on.
    host: str
    # `PORT`: port to listen on.
    port: int
    # `LOG`: how much is logged: this level and what is worse.
    log: str
    # `REQUEST_TIMEOUT_SECONDS`: how long one request may take.
    request_timeout: float
    # `DRAIN_SECONDS`: how long to go on serving, while not ready, after being told to stop.
    drain: float
    # `SHUTDOWN_SECONDS`: how long open requests may take to finish after that.
    shutdown: int


class ConfigError(ValueError):
    """A variable that cannot be used."""

    def __init__(self, name: str, value: str, reason: str) -> None:
        super().__init__(f'{name}="{value}" is not valid: {reason}')


def read_config(variables: Mapping[str, str]) -> Config:
    """Reads variables; empty ones count as not set. Names the first that does not parse."""

    def whole(name: str, default: int, least: int, most: int) -> int:
        value = variables.get(name) or str(default)
        if not (value.isascii() and value.isdigit() and least <= int(value) <= most):
            raise ConfigError(name, value, f"must be a whole number from {least} to {most}")
        return int(value)

    host = variables.get("HOST") or "0.0.0.0"
    try:
        ip_address(host)
    except ValueError:
        raise ConfigError("HOST", host, "must be an IP address") from None
    log = variables.get("LOG") or "info"
    if log not in LEVELS:
        raise ConfigError("LOG", log, f"must be one of {', '.join(LEVELS)}")
    return Config(
        host=host,
        port=whole("PORT", DEFAULT_PORT, 0, 65535),
        log=log,
        request_timeout=whole("REQUEST_TIMEOUT_SECONDS", 10, 1, 3600),
        drain=whole("DRAIN_SECONDS", 0, 0, 3600),
        shutdown=whole("SHUTDOWN_SECONDS", 15, 1, 3600),
    )
