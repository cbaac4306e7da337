"""Real servers on loopback that tests send to: one speaks HTTP, one SMTP. They keep what they got."""

import socketserver
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Receiver(ThreadingHTTPServer):
    """Answers each POST with the next of ``answers`` (status, body), the last one for ever."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.got: list[tuple[dict, bytes]] = []
        self.answers: list[tuple[int, str]] = [(204, "")]
        self.headers: dict[str, str] = {}
        self.slow = 0.0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/events?to=us"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        server = self.server
        server.got.append(({key.lower(): value for key, value in self.headers.items()}, body))
        if server.slow:
            time.sleep(server.slow)
        status, text = server.answers[min(len(server.got), len(server.answers)) - 1]
        content = text.encode()
        self.send_response(status)
        for name, value in server.headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("content-length", str(len(content)))
        self.end_headers()
        if status != 204:
            self.wfile.write(content)

    def log_message(self, *args):
        pass


class Mailbox(socketserver.ThreadingTCPServer):
    """As much of SMTP as a client asks for; recipients named ``refused…`` are refused for good."""

    daemon_threads = allow_reuse_address = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), MailHandler)
        self.got: list[str] = []
        self.closed_for = 0  # so many mails are put off with 451

    @property
    def port(self) -> int:
        return self.server_address[1]


class MailHandler(socketserver.StreamRequestHandler):
    def say(self, line: str) -> None:
        self.wfile.write(line.encode() + b"\r\n")

    def handle(self):
        self.say("220 here ESMTP")
        while line := self.rfile.readline().decode().strip():
            word = line[:4].upper()
            if word == "EHLO":
                self.say("250-here")
                self.say("250 SMTPUTF8")
            elif word == "RCPT" and "refused" in line:
                self.say("550 no such mailbox")
            elif word == "DATA":
                if self.server.closed_for:
                    self.server.closed_for -= 1
                    self.say("451 try later")
                    continue
                self.say("354 go on")
                lines = []
                while (said := self.rfile.readline().decode()) != ".\r\n":
                    lines.append(said)
                self.server.got.append("".join(lines))
                self.say("250 taken")
            elif word == "QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 good")


@contextmanager
def serving(server):
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
