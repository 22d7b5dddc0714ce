"""A plain ASGI application for uvicorn: no framework above the server."""

import argparse
import time
from urllib.parse import parse_qs

import work


async def application(scope, receive, send):
    if scope["type"] != "http":
        return
    body = b"hello"
    path = scope["path"]
    if path != "/":
        milliseconds = int(parse_qs(scope["query_string"].decode()).get("ms", ["0"])[0])
        if path == "/block":
            time.sleep(milliseconds / 1000)
            body = b"done"
        elif path == "/cpu":
            body = work.burn(milliseconds).encode()
    await send(
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"content-type", b"text/plain"), (b"content-length", str(len(body)).encode())],
        }
    )
    await send({"type": "http.response.body", "body": body})


if __name__ == "__main__":
    import uvicorn

    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    uvicorn.run(
        application,
        host="127.0.0.1",
        port=parser.parse_args().port,
        loop="uvloop",
        http="httptools",
        lifespan="off",
        access_log=False,
        log_level="warning",
        backlog=4096,
        timeout_keep_alive=3600,
    )
