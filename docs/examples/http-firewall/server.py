#!/usr/bin/env python3
"""A stand-in for a firewall: PUT, GET and DELETE /blocks/{address} on 127.0.0.1:9400, kept in memory."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

blocks = {}


class Firewall(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, body=None):
        payload = json.dumps(body).encode() if body is not None else b""
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def address(self):
        return unquote(self.path.removeprefix("/blocks/"))

    def do_PUT(self):
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        blocks[self.address()] = {"address": self.address(), **body}
        self.answer(200, blocks[self.address()])

    def do_GET(self):
        block = blocks.get(self.address())
        self.answer(200, block) if block else self.answer(404)

    def do_DELETE(self):
        self.answer(200 if blocks.pop(self.address(), None) else 404)


ThreadingHTTPServer(("127.0.0.1", 9400), Firewall).serve_forever()
