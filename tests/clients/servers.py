"""Servers on the loopback, each in a thread: our own site, MapServer, MapProxy."""

import contextlib
import os
import socketserver
import subprocess
import threading
import wsgiref.simple_server
from pathlib import Path

MAPSERV = Path("/usr/lib/cgi-bin/mapserv")

# Red: the south-west quarter of a box around the demo city's place; nothing else, so that a swapped axis or a
# wrong row shows.
MAPFILE = """
MAP
  NAME "city"
  STATUS ON
  SIZE 256 256
  EXTENT -180 -90 180 90
  UNITS DD
  IMAGECOLOR 255 255 255
  PROJECTION "init=epsg:4326" END
  WEB METADATA
    "ows_title" "city"
    "ows_enable_request" "*"
    "ows_srs" "EPSG:4326 EPSG:4490 EPSG:3857"
  END END
  OUTPUTFORMAT
    NAME "png" DRIVER "AGG/PNG" MIMETYPE "image/png" IMAGEMODE RGB EXTENSION "png"
  END
  LAYER
    NAME "quarter"
    TYPE POLYGON
    STATUS ON
    METADATA "ows_title" "quarter" "ows_extent" "-180 -90 180 90" END
    PROJECTION "init=epsg:4326" END
    FEATURE POINTS 80 35 85 35 85 40 80 40 80 35 END END
    CLASS STYLE COLOR 255 0 0 END END
  END
END
"""


class Quiet(wsgiref.simple_server.WSGIRequestHandler):
    def log_message(self, *args):
        pass


class Threaded(socketserver.ThreadingMixIn, wsgiref.simple_server.WSGIServer):
    daemon_threads = True


@contextlib.contextmanager
def wsgi(application):
    """Serve a WSGI application; gives its address."""
    server = wsgiref.simple_server.make_server("127.0.0.1", 0, application, Threaded, Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def mapserver(folder: Path):
    """MapServer's CGI behind WSGI; ``requests`` of the result lists what it was asked."""
    (folder / "city.map").write_text(MAPFILE)
    (folder / "mapserver.conf").write_text('CONFIG\n ENV\n  MS_MAP_PATTERN "."\n END\nEND\n')
    requests = []

    def application(environ, start_response):
        requests.append(environ["QUERY_STRING"])
        answer = subprocess.run(
            [MAPSERV],
            env={
                "PATH": os.environ["PATH"],
                "QUERY_STRING": f"map={folder}/city.map&{environ['QUERY_STRING']}",
                "REQUEST_METHOD": "GET",
                "SERVER_NAME": "127.0.0.1",
                "SERVER_PORT": environ["SERVER_PORT"],
                "SCRIPT_NAME": "/",
                "MAPSERVER_CONFIG_FILE": str(folder / "mapserver.conf"),
            },
            capture_output=True,
            check=False,
        ).stdout
        head, _gap, body = answer.partition(b"\r\n\r\n")
        headers = [tuple(part.strip() for part in line.split(":", 1)) for line in head.decode().split("\r\n")]
        start_response("200 OK", [pair for pair in headers if len(pair) == 2])
        return [body]

    application.requests = requests
    return application


def mapproxy(folder: Path, wms: str):
    """MapProxy: a WMTS in 天地图's two numberings before a WMS."""
    from mapproxy.wsgiapp import make_wsgi_app

    (folder / "mapproxy.yaml").write_text(
        f"""
services:
  wmts:
    kvp: true
    restful: true
layers:
  - name: quarter
    title: quarter
    sources: [quarter]
caches:
  quarter:
    grids: [c, w]
    sources: [mapserver]
    format: image/png
    disable_storage: true
sources:
  mapserver:
    type: wms
    supported_srs: ['EPSG:4326', 'EPSG:3857']
    req: {{url: '{wms}/', layers: quarter}}
    wms_opts: {{version: 1.1.1}}
grids:
  c:
    srs: 'EPSG:4326'
    origin: nw
    bbox: [-180, -90, 180, 90]
    num_levels: 19
    res: [{", ".join(str(360 / 256 / 2**z) for z in range(19))}]
  w:
    base: GLOBAL_WEBMERCATOR
    num_levels: 19
globals:
  cache: {{base_dir: '{folder}/cache', lock_dir: '{folder}/locks'}}
"""
    )
    return make_wsgi_app(str(folder / "mapproxy.yaml"))
