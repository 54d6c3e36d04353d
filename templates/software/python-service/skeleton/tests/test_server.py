import asyncio
import json
import logging
import socket

import httpx
import pytest

from service.config import read_config
from service.server import Server
from service.telemetry import JsonFormatter, request_id


def test_serves_until_told_to_stop() -> None:
    async def story() -> None:
        server = Server(read_config({"HOST": "127.0.0.1", "PORT": "0"}))
        with socket.create_server(("127.0.0.1", 0)) as listener:
            serving = asyncio.create_task(server.serve([listener]))
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            async with httpx.AsyncClient(base_url=url) as client:
                answer = await client.get("/healthz", headers={"connection": "close"})
                assert answer.text == "ok\n"
            server.drain()
            await serving

    asyncio.run(story())


def test_an_address_in_use_stops_the_start() -> None:
    async def story() -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = str(taken.getsockname()[1])
            await Server(read_config({"HOST": "127.0.0.1", "PORT": port})).serve()

    with pytest.raises(SystemExit):
        asyncio.run(story())


def test_a_log_line_is_json_with_the_request_it_belongs_to() -> None:
    record = logging.makeLogRecord({"name": "service", "levelname": "INFO", "msg": "%s é", "args": ("a",), "amount": 5})
    token = request_id.set("abc")
    line = JsonFormatter().format(record)
    request_id.reset(token)
    fields = json.loads(line)
    assert fields["timestamp"].endswith("+00:00")
    wanted = {"level": "info", "logger": "service", "message": "a é", "requestId": "abc", "amount": 5}
    assert {key: fields[key] for key in wanted} == wanted
