"""The peer this framework learns from: Tornado as it comes, one process."""

import argparse
import asyncio
import logging
import time

import tornado.web

import work


class Hello(tornado.web.RequestHandler):
    def get(self):
        self.set_header("Content-Type", "text/plain")
        self.write("hello")


class Block(tornado.web.RequestHandler):
    def get(self):
        time.sleep(int(self.get_query_argument("ms")) / 1000)
        self.write("done")


class Burn(tornado.web.RequestHandler):
    def get(self):
        self.write(work.burn(int(self.get_query_argument("ms"))))


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    port = parser.parse_args().port
    logging.getLogger("tornado.access").setLevel(logging.CRITICAL)
    application = tornado.web.Application(
        [("/", Hello), ("/block", Block), ("/cpu", Burn)], log_function=lambda handler: None
    )
    application.listen(port, address="127.0.0.1", backlog=4096)
    await asyncio.Event().wait()


asyncio.run(main())
