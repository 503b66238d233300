"""The shop as a plain HTTP server: python server.py FOLDER [PORT]. Port 0 takes a free one and says which."""

import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

from orders_folder import Orders
from shop import Shop
from web import answer


class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        length = int(self.headers.get("Content-Length") or 0)
        status, found = answer(self.server.shop, self.command, self.path, self.rfile.read(length))
        data = json.dumps(found).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_PUT = do_GET

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    server = HTTPServer(("127.0.0.1", int(sys.argv[2]) if len(sys.argv) > 2 else 8080), Page)
    server.shop = Shop(Orders(sys.argv[1]))
    print(server.server_port, flush=True)
    server.serve_forever()
