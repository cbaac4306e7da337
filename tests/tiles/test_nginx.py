"""What nginx serves by itself: files of public layers to anybody, of scoped ones by a signed address."""

import gzip
import http.server
import shutil
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tiles import links

NGINX = shutil.which("nginx") or "/usr/sbin/nginx"
TEMPLATE = Path(__file__).resolve().parents[2] / "script" / "nginx.tiles.conf.in"
pytestmark = pytest.mark.skipif(not Path(NGINX).exists(), reason="nginx is not installed")


class Upstream(http.server.BaseHTTPRequestHandler):
    """Answers with the address it was asked for."""

    def do_GET(self):
        body = self.path.encode()
        self.send_response(200)
        self.send_header("X-From", "upstream")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def server(tmp_path, settings):
    upstream = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    threading.Thread(target=upstream.serve_forever, daemon=True).start()
    port = free_port()
    block = TEMPLATE.read_text().replace("@DATA@", str(tmp_path)).replace("@LINK_KEY@", settings.LINK_KEY)
    conf = tmp_path / "nginx.conf"
    conf.write_text(
        f"pid {tmp_path}/pid; error_log {tmp_path}/error.log; daemon off; worker_processes 1;\n"
        "events {}\nhttp { access_log off; gzip_vary on;\n"
        + "".join(
            f"{name}_temp_path {tmp_path}/{name};\n"
            for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        + f"upstream web {{ server 127.0.0.1:{upstream.server_port}; }}\n"
        f"upstream stream {{ server 127.0.0.1:{upstream.server_port}; }}\n"
        f"server {{ listen 127.0.0.1:{port};\n{block}\n}} }}\n"
    )
    # Run by root, the worker is another user: let it in.
    for folder in (tmp_path, *tmp_path.parents[:3]):
        folder.chmod(0o755)
    process = subprocess.Popen([NGINX, "-e", f"{tmp_path}/error.log", "-p", str(tmp_path), "-c", str(conf)])
    for _attempt in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.05)
    yield f"http://127.0.0.1:{port}", tmp_path
    process.terminate()
    process.wait(10)
    upstream.shutdown()


def get(url, **headers):
    request = urllib.request.Request(url, headers={name.replace("_", "-"): v for name, v in headers.items()})
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read()


def keep(data, layer, scope, name="WebMercatorQuad/3/1/2", body=b"tile"):
    file = data / "tiles" / "now" / layer / scope / f"{name}.mvt.gz"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(gzip.compress(body))
    for folder in file.parents:
        if folder == data:
            break
        folder.chmod(0o755)


def test_public_layers(server):
    base, data = server
    url = f"{base}/tiles/grids/WebMercatorQuad/3/1/2.mvt"
    _status, headers, body = get(url)
    assert headers["X-From"] == "upstream" and body == b"/tiles/grids/WebMercatorQuad/3/1/2.mvt"
    keep(data, "grids", "public")
    _status, headers, body = get(url, Accept_Encoding="gzip")
    assert "X-From" not in headers and gzip.decompress(body) == b"tile"
    assert headers["Content-Type"] == "application/vnd.mapbox-vector-tile"
    assert headers["Cache-Control"] == "public, no-cache" and headers["Content-Encoding"] == "gzip"
    assert get(url)[2] == b"tile"  # unpacked for who cannot
    assert get(url, If_None_Match=headers["ETag"], Accept_Encoding="gzip")[0] == 304
    assert get(f"{url}?at=2026-01-01")[1]["X-From"] == "upstream"


def test_scoped_layers(server):
    base, data = server
    keep(data, "cases", "abc123", body=b"secret")
    expires = links.expiry()
    signature = links.sign(expires, "abc123", "cases")
    rest = "cases/WebMercatorQuad/3/1/2.mvt"

    def asked(expires, signature, scope="abc123", rest=rest):
        return get(f"{base}/tiles/s/{expires}/{signature}/{scope}/{rest}")

    assert asked(expires, signature)[2] == b"secret"
    past = int(time.time()) - 1
    for wrong in (
        (expires, "x" + signature[1:]),
        (expires + 60, signature),
        (past, links.sign(past, "abc123", "cases")),
        (expires, links.sign(expires, "abc123", "components")),
        (expires, links.sign(expires, "other", "cases")),
    ):
        _status, headers, body = asked(*wrong)
        assert headers.get("X-From") == "upstream" and body != b"secret"
    # Neither the public address nor a way around reaches the files.
    assert get(f"{base}/tiles/cases/WebMercatorQuad/3/1/2.mvt")[1]["X-From"] == "upstream"
    assert (
        get(f"{base}/tiles/s/{expires}/{signature}/abc123/cases/../cases/WebMercatorQuad/3/1/2.mvt")[2]
        != b"x"
    )


def test_base_maps(server):
    base, data = server
    for name in ("city", "city-dark", "tianditu_vec"):
        url = f"{base}/basemaps/{name}/WorldCRS84Quad/3/1/2.png"
        assert get(url)[1]["X-From"] == "upstream"
        file = data / "basemaps" / name / "WorldCRS84Quad/3/1/2.png"
        file.parent.mkdir(parents=True)
        file.write_bytes(b"png")
        for folder in file.parents:
            if folder == data:
                break
            folder.chmod(0o755)
        assert get(url)[2] == b"png"
    assert get(f"{base}/basemaps/city/wmts?SERVICE=WMTS")[1]["X-From"] == "upstream"
