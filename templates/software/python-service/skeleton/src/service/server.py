"""From socket to shutdown.

When told to stop, the service first says so on `/readyz` and goes on serving for `drain` seconds, because a load
balancer keeps sending until it has noticed. Then it stops accepting and waits for open requests, for `shutdown` seconds
at most.
"""

import asyncio
import logging
from types import FrameType

import uvicorn

from .config import Config
from .http.app import create_app
from .http.health import Readiness

log = logging.getLogger(__name__)


class Server(uvicorn.Server):
    """Uvicorn, with a drain before its own shutdown."""

    def __init__(self, config: Config) -> None:
        self._readiness = Readiness()
        self._drain = config.drain
        app = create_app(self._readiness, config.request_timeout)
        super().__init__(
            uvicorn.Config(
                app,
                host=config.host,
                port=config.port,
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=config.shutdown,
            )
        )

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal begins the drain, a second one ends it."""
        if self._readiness.stopping:
            super().handle_exit(sig, frame)
        else:
            self.drain()

    def drain(self) -> None:
        """Says that requests are not welcome any more, and stops a little later."""
        self._readiness.stopping = True
        log.info("draining", extra={"seconds": self._drain})
        asyncio.get_running_loop().call_later(self._drain, self._close)

    def _close(self) -> None:
        self.should_exit = True
