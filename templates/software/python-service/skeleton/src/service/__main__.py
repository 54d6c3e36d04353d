"""Starts the service: configuration from the environment, then `server` until SIGTERM or SIGINT."""

import logging
import os
import sys

from .config import ConfigError, read_config
from .server import Server
from .telemetry import start_logging

log = logging.getLogger(__name__)


def main() -> int:
    """Serves until told to stop; the exit code."""
    try:
        config = read_config(os.environ)
    except ConfigError as error:
        start_logging("info")
        log.critical("configuration: %s", error)
        return 1
    start_logging(config.log)
    server = Server(config)
    server.run()
    log.info("stopped")
    return 0 if server.started else 1


if __name__ == "__main__":
    sys.exit(main())
