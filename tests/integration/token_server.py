#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Gives access tokens for a registry: token_server.py ADDRESS PORT KEY.pem CERTIFICATE.pem LOG.
user:secret may do everything, others may do nothing; who has a login gets the refresh token
"kept", which is as good.  Each request is written to LOG: METHOD who=... scope=..."""
import base64
import http.server
import json
import subprocess
import sys
import time
import urllib.parse
import uuid

address, port, key, certificate, log_path = sys.argv[1:]
log = open(log_path, "a", buffering=1)


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def x5c():
    text = open(certificate).read()
    return ["".join(text.split("-----")[2].split())]


def token(service, scopes):
    access = []
    for scope in scopes:
        kind, name, actions = scope.split(":", 2) if scope.count(":") == 2 else scope.rsplit(":", 2)
        access.append({"type": kind, "name": name, "actions": actions.split(",")})
    now = int(time.time())
    head = {"typ": "JWT", "alg": "RS256", "x5c": x5c()}
    body = {"iss": "test", "sub": "user", "aud": service, "exp": now + 300, "nbf": now - 10,
            "iat": now, "jti": str(uuid.uuid4()), "access": access}
    text = b64(json.dumps(head).encode()) + "." + b64(json.dumps(body).encode())
    signed = subprocess.run(["openssl", "dgst", "-sha256", "-sign", key], input=text.encode(),
                            stdout=subprocess.PIPE, check=True).stdout
    return text + "." + b64(signed)


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def give(self, who, args):
        scopes = [s for value in args.get("scope", []) for s in value.split(" ") if s]
        log.write(f"{self.command} who={who} scope={','.join(scopes)}\n")
        if not who:
            self.send_response(401)
            self.end_headers()
            return
        answer = {"expires_in": 300, "refresh_token": "kept",
                  "access_token": token(args["service"][0], scopes)}
        answer["token"] = answer["access_token"]
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        args = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        said = self.headers.get("Authorization", "")
        self.give("user" if said == "Basic " + base64.b64encode(b"user:secret").decode() else "", args)

    def do_POST(self):
        args = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        good = args.get("refresh_token") == ["kept"] or \
            (args.get("username"), args.get("password")) == (["user"], ["secret"])
        self.give(("token" if "refresh_token" in args else "user") if good else "", args)


http.server.ThreadingHTTPServer((address, int(port)), Handler).serve_forever()
