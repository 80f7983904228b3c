#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A registry that misbehaves as its repository's name says.

Prints its port, then serves until standard input closes.  Every request is
written to the log file given as argument: METHOD PATH [Authorization] [Range].
"""
import base64
import hashlib
import http.server
import json
import os
import sys
import threading
import time

BLOB = bytes(range(256)) * 4096
DIGEST = "sha256:" + hashlib.sha256(BLOB).hexdigest()
MANIFEST = json.dumps({
    "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
    "config": {"digest": DIGEST, "size": len(BLOB),
               "mediaType": "application/vnd.oci.image.config.v1+json"},
    "layers": []}).encode()
MANIFEST_DIGEST = "sha256:" + hashlib.sha256(MANIFEST).hexdigest()

log = open(sys.argv[1], "a", buffering=1)
counts = {}
uploads = {}
lock = threading.Lock()
other_port = 0


def count(key):
    with lock:
        counts[key] = counts.get(key, 0) + 1
        return counts[key]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def note(self):
        log.write("%s %s %s auth=%s range=%s\n" % (
            self.server.server_address[1], self.command, self.path,
            self.headers.get("Authorization", "-"), self.headers.get("Range", "-")))

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def fail(self, status, code, **headers):
        self.answer(status, json.dumps(
            {"errors": [{"code": code, "message": "it\nis " + code}]}).encode(), **headers)

    def authorized(self, repo):
        auth = self.headers.get("Authorization", "")
        if repo.startswith("basic"):
            if auth == "Basic " + base64.b64encode(b"user:secret").decode():
                return True
            self.fail(401, "UNAUTHORIZED", WWW_Authenticate='Basic realm="here"')
            return False
        if repo.startswith("token"):
            good = "Bearer T%s" % ("2" if counts.get("token") == 2 else "1")
            if auth == good and not (repo == "token/expires" and count("uses") == 3):
                return True
            self.fail(401, "UNAUTHORIZED", WWW_Authenticate=(
                'Bearer realm="http://127.0.0.1:%d/token",service="s, 1",'
                'scope="repository:%s:pull"' % (self.server.server_address[1], repo)))
            return False
        return True

    def token(self):
        auth = self.headers.get("Authorization", "")
        if self.command == "POST":
            form = self.rfile.read(int(self.headers["Content-Length"])).decode()
            log.write("form %s\n" % form)
            if "refresh_token=IDENT" not in form:
                return self.fail(401, "DENIED")
        elif auth and auth != "Basic " + base64.b64encode(b"user:secret").decode():
            return self.fail(401, "DENIED")
        n = count("token")
        reply = {"access_token": "T%d" % (2 if n == 2 else 1), "expires_in": 300}
        if "offline_token" in self.path:
            reply["refresh_token"] = "IDENT"
        self.answer(200, json.dumps(reply).encode())

    def blob(self, repo, digest):
        start = 0
        status = 200
        if self.headers.get("Range") and repo != "norange/x":
            start = int(self.headers["Range"].split("=")[1].split("-")[0])
            status = 206
        n = count("blob " + repo)
        if repo == "redirect/x":
            return self.answer(307, Location="http://127.0.0.1:%d/data" % other_port)
        if repo == "downgrade/x":
            return self.answer(307, Location="file:///etc/passwd")
        if repo == "loop/x":
            return self.answer(307, Location=self.path)
        if repo == "busy/x" and n <= 2:
            return self.fail(429, "TOOMANYREQUESTS", Retry_After="0")
        if repo == "broken/x" or (repo == "ill/x" and n <= 2):
            return self.fail(500, "INTERNAL")
        if repo == "gone/x":
            return self.fail(404, "BLOB_UNKNOWN")
        body = BLOB[start:]
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        if (repo in ("cut/x", "norange/x") and n <= 3) or repo == "alwayscut/x":
            if repo == "alwayscut/x" and n > 1:
                body = b""
            self.wfile.write(body[:100000])
            self.wfile.flush()
            self.connection.shutdown(2)
            self.close_connection = True
            return
        if repo == "stall/x" and n == 1:
            self.wfile.write(body[:5000])
            self.wfile.flush()
            time.sleep(4)
            self.close_connection = True
            return
        self.wfile.write(body)

    def manifest(self, repo):
        kind = {"Content_Type": "application/vnd.oci.image.manifest.v1+json"}
        if repo == "wrong/x":
            return self.answer(200, MANIFEST.replace(b"layers", b"Layers"),
                               Docker_Content_Digest=MANIFEST_DIGEST, **kind)
        if repo == "huge/x":
            return self.answer(200, b" " * (5 << 20), **kind)
        if repo == "nojson/x":
            return self.answer(200, b"<html>login page</html>", Content_Type="text/html")
        if repo == "v1/x":
            return self.answer(200, b'{"schemaVersion":1}', Content_Type="application/json")
        if repo == "missing/x":
            return self.fail(404, "MANIFEST_UNKNOWN")
        if repo == "plain/x":
            kind = {"Content_Type": "application/json"}
        self.answer(200, MANIFEST, Docker_Content_Digest=MANIFEST_DIGEST, **kind)

    def do_GET(self):
        self.note()
        if self.path.startswith("/token"):
            return self.token()
        if self.path == "/data":
            return self.answer(200, BLOB)
        if self.path == "/v2/":
            return self.answer(200) if self.authorized("token/login") else None
        if self.path.startswith("/upload/"):
            got = len(uploads[self.path.split("?")[0]])
            return self.answer(204, Location=self.path, Range="0-%d" % max(got - 1, 0))
        parts = self.path.split("/")
        repo = "/".join(parts[2:4])
        if not self.authorized(repo):
            return
        if parts[4] == "blobs":
            self.blob(repo, parts[5])
        elif parts[4] == "manifests":
            self.manifest(repo)
        elif parts[4] == "tags":
            if "last=" not in self.path:
                return self.answer(200, b'{"tags":["a","b"]}', Link=(
                    '</v2/%s/tags/list?n=2&last=b>; rel="next"' % repo))
            self.answer(200, b'{"tags":["c"]}')

    do_HEAD = do_GET

    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length", "0")))

    def do_POST(self):
        self.note()
        if self.path.startswith("/token"):
            return self.token()
        self.body()
        repo = "/".join(self.path.split("/")[2:4])
        if not self.authorized(repo):
            return
        if "mount=" in self.path:
            return self.answer(201)
        path = "/upload/%d-%s" % (count("upload"), repo.replace("/", "-"))
        uploads[path] = b""
        self.answer(202, Location=path + "?state=s")

    def do_PATCH(self):
        self.note()
        path = self.path.split("?")[0]
        if "breaks" in path and count("patch") == 1:
            uploads[path] += self.rfile.read(70000)
            self.connection.shutdown(2)
            self.close_connection = True
            return
        body = self.body()
        if int(self.headers["Content-Range"].split("-")[0]) != len(uploads[path]):
            return self.fail(416, "RANGE_INVALID")
        uploads[path] += body
        self.answer(202, Location=self.path, Range="0-%d" % (len(uploads[path]) - 1))

    def do_PUT(self):
        self.note()
        data = self.body()
        if "/manifests/" in self.path:
            return self.answer(201, Docker_Content_Digest="sha256:" + hashlib.sha256(data).hexdigest())
        path = self.path.split("?")[0]
        data = uploads[path] + data
        want = self.path.split("digest=")[1].replace("%3A", ":")
        if "sha256:" + hashlib.sha256(data).hexdigest() != want:
            return self.fail(400, "DIGEST_INVALID")
        self.answer(201)

    def do_DELETE(self):
        self.note()
        self.answer(204)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # a client that went away is what the test wanted


servers = [Server(("127.0.0.1", 0), Handler) for _ in range(2)]
other_port = servers[1].server_address[1]
for server in servers:
    threading.Thread(target=server.serve_forever, daemon=True).start()
os.write(1, b"%d\n" % servers[0].server_address[1])
sys.stdin.read()
