"""Two questions about the network, with the standard library alone.

net.py free ADDRESS PORT           exit 0 if the port can be had, else say who has it or what is wrong
net.py wait URL SECONDS            wait until the URL answers 200; else print its last answer and exit 1
"""

import errno
import os
import re
import socket
import ssl
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path


def owner(port: int) -> str:
    """The process that listens on a port, by the kernel's tables; needs to be its user or root to see it."""
    inodes = set()
    for table in ("tcp", "tcp6"):
        try:
            lines = Path(f"/proc/net/{table}").read_text().splitlines()[1:]
        except FileNotFoundError:
            continue
        for line in lines:
            fields = line.split()
            if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port:
                inodes.add(fields[9])
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            for link in (entry / "fd").iterdir():
                found = re.fullmatch(r"socket:\[(\d+)\]", os.readlink(link))
                if found and found[1] in inodes:
                    words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                    return f"process {entry.name} ({words.strip()[:90]})"
        except OSError:
            continue
    return "a process of another user (see it with: sudo ss -lptn)"


def free(address: str, port: int) -> int:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
            probe.listen(1)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                print(f"port {port} is taken by {owner(port)}")
            elif error.errno == errno.EACCES:
                print(f"port {port} is for root alone; take one from 1024 up and put a front before it")
            elif error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                print(f"{address} is no address of this machine")
            else:
                print(f"{address}:{port} cannot be had: {error.strerror}")
            return 1
    return 0


def wait(url: str, seconds: float) -> int:
    context = ssl.create_default_context()
    # This asks whether our own server is up, through whatever certificate it was given.
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
    )
    deadline, last = time.monotonic() + seconds, ""
    while time.monotonic() < deadline:
        try:
            with opener.open(url, timeout=5) as answer:
                if answer.status == 200:
                    return 0
        except urllib.error.HTTPError as error:
            last = f"{error.code} {error.read(2000).decode(errors='replace')}"
        except OSError as error:
            last = str(error)
        time.sleep(0.2)
    print(f"{url} last answered: {last}")
    return 1


if __name__ == "__main__":
    if sys.argv[1] == "free":
        sys.exit(free(sys.argv[2], int(sys.argv[3])))
    sys.exit(wait(sys.argv[2], float(sys.argv[3])))
