#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A plugin of Docker's plugin protocol, written from its published description only and with
nothing but Python's own library.

    docker_plugin.py --state DIR --implements VolumeDriver,authz (--socket PATH | --tcp PORT)
                     [--cert FILE --key FILE --client-ca FILE] [--fault METHOD=WHAT]...

Every request is appended to DIR/calls as a line of JSON.  A fault makes one method misbehave:
error:TEXT, status:N, hang, close, garbage, list, huge, deep, empty, path:TEXT.
"""
import argparse
import base64
import json
import os
import socket
import socketserver
import ssl
import struct
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler


class State:
    def __init__(self, folder):
        self.folder = folder
        self.lock = threading.Lock()
        os.makedirs(os.path.join(folder, "volumes"), exist_ok=True)

    def record(self, method, request):
        with self.lock, open(os.path.join(self.folder, "calls"), "a") as f:
            f.write(json.dumps({"method": method, "request": request}) + "\n")

    def path(self, *parts):
        return os.path.join(self.folder, *parts)


class VolumeDriver:
    def __init__(self, state):
        self.state = state

    def _where(self, name):
        return self.state.path("volumes", name)

    def _need(self, name):
        if not os.path.isdir(self._where(name)):
            raise ValueError("no such volume: " + name)

    def Create(self, r):
        if (r.get("Opts") or {}).get("refuse"):
            raise ValueError("the option refuse is set")
        os.makedirs(self._where(r["Name"]), exist_ok=True)
        return {}

    def Remove(self, r):
        self._need(r["Name"])
        subprocess.run(["rm", "-rf", self._where(r["Name"])], check=True)
        return {}

    def Mount(self, r):
        self._need(r["Name"])
        return {"Mountpoint": self._where(r["Name"])}

    def Path(self, r):
        return {"Mountpoint": self._where(r["Name"])}

    def Unmount(self, r):
        self._need(r["Name"])
        return {}

    def Get(self, r):
        self._need(r["Name"])
        return {"Volume": {"Name": r["Name"], "Mountpoint": self._where(r["Name"]),
                           "Status": {"plugin": "python"}}}

    def List(self, r):
        return {"Volumes": [{"Name": n, "Mountpoint": self._where(n)}
                            for n in sorted(os.listdir(self.state.path("volumes")))]}

    def Capabilities(self, r):
        return {"Capabilities": {"Scope": "local"}}


class LogDriver:
    """Keeps each container's entries, as they came, in DIR/log-<id>."""

    def __init__(self, state):
        self.state = state
        self.done = {}

    def StartLogging(self, r):
        fifo = r["File"]
        done = self.done[fifo] = threading.Event()
        threading.Thread(target=self._consume, args=(fifo, r["Info"]["ContainerID"], done),
                         daemon=True).start()
        return {}

    def _consume(self, fifo, container, done):
        with open(fifo, "rb") as f, open(self.state.path("log-" + container), "ab") as out:
            while True:
                head = f.read(4)
                if len(head) < 4:
                    break
                size = struct.unpack(">I", head)[0]
                body = f.read(size)
                out.write(head + body)
                out.flush()
        done.set()

    def StopLogging(self, r):
        self.done.pop(r["File"], threading.Event()).wait(10)
        return {}

    def Capabilities(self, r):
        return {"Cap": {"ReadLogs": True}}

    def ReadLogs(self, r):
        path = self.state.path("log-" + r["Info"]["ContainerID"])
        entries, data = [], open(path, "rb").read() if os.path.exists(path) else b""
        while len(data) >= 4:
            size = struct.unpack(">I", data[:4])[0]
            entries.append(data[:4 + size])
            data = data[4 + size:]
        tail = (r.get("Config") or {}).get("Tail", 0)
        return b"".join(entries[-tail:] if tail > 0 else entries)


class NetworkDriver:
    """Pairs of virtual interfaces on a bridge of its own."""

    def __init__(self, state):
        self.state = state

    def _bridge(self, network):
        return "pt" + network[:10]

    def _veth(self, endpoint):
        return "pv" + endpoint[:8]

    def _mac(self, endpoint):
        return "02:42:" + ":".join(endpoint[i:i + 2] for i in range(0, 8, 2))

    def _ip(self, *args):
        p = subprocess.run(["ip", *args], capture_output=True, text=True)
        if p.returncode:
            raise ValueError("ip %s: %s" % (" ".join(args), p.stderr.strip()))

    def GetCapabilities(self, r):
        return {"Scope": "local", "ConnectivityScope": "local"}

    def CreateNetwork(self, r):
        bridge = self._bridge(r["NetworkID"])
        self._ip("link", "add", bridge, "type", "bridge")
        for pool in r.get("IPv4Data") or []:
            self._ip("addr", "add", pool["Gateway"], "dev", bridge)
        self._ip("link", "set", bridge, "up")
        return {}

    def DeleteNetwork(self, r):
        self._ip("link", "del", self._bridge(r["NetworkID"]))
        return {}

    def CreateEndpoint(self, r):
        with open(self.state.path("ep-" + r["EndpointID"]), "w") as f:
            json.dump(r, f)
        given = r.get("Interface") or {}
        return {"Interface": {} if given.get("MacAddress") else {"MacAddress": self._mac(r["EndpointID"])}}

    def EndpointOperInfo(self, r):
        return {"Value": {}}

    def DeleteEndpoint(self, r):
        return {}

    def Join(self, r):
        name = self._veth(r["EndpointID"])
        self._ip("link", "add", name, "type", "veth", "peer", "name", name + "p")
        self._ip("link", "set", name, "master", self._bridge(r["NetworkID"]), "up")
        gateway = ""
        if os.path.exists(self.state.path("gateway-" + r["NetworkID"][:12])):
            with open(self.state.path("gateway-" + r["NetworkID"][:12])) as f:
                gateway = f.read()
        return {"InterfaceName": {"SrcName": name + "p", "DstPrefix": "eth"}, "Gateway": gateway,
                "StaticRoutes": [{"Destination": "198.51.100.0/24", "RouteType": 1}]}

    def Leave(self, r):
        subprocess.run(["ip", "link", "del", self._veth(r["EndpointID"])], capture_output=True)
        return {}

    def ProgramExternalConnectivity(self, r):
        return {}

    def RevokeExternalConnectivity(self, r):
        return {}


class IpamDriver:
    """One pool of /24 by default; addresses in order."""

    def __init__(self, state):
        self.state = state
        self.pools = {}

    def GetCapabilities(self, r):
        return {"RequiresMACAddress": False}

    def GetDefaultAddressSpaces(self, r):
        return {"LocalDefaultAddressSpace": "pylocal", "GlobalDefaultAddressSpace": "pyglobal"}

    def RequestPool(self, r):
        pool = r.get("Pool") or "10.231.7.0/24"
        self.pools.setdefault(pool, set())
        return {"PoolID": r["AddressSpace"] + "/" + pool, "Pool": pool, "Data": {}}

    def ReleasePool(self, r):
        return {}

    def RequestAddress(self, r):
        pool = r["PoolID"].split("/", 1)[1]
        base, bits = pool.split("/")
        used = self.pools.setdefault(pool, set())
        head = base.rsplit(".", 1)[0]
        want = r.get("Address")
        if not want:
            want = next("%s.%d" % (head, n) for n in range(1, 255) if "%s.%d" % (head, n) not in used)
        used.add(want)
        return {"Address": want + "/" + bits, "Data": {}}

    def ReleaseAddress(self, r):
        self.pools.get(r["PoolID"].split("/", 1)[1], set()).discard(r["Address"])
        return {}


class AuthZPlugin:
    """Denies what DIR/deny lists: lines METHOD, PART OF URI, PART OF BODY, apart by tabs;
    and answers that contain a line of DIR/deny-answer."""

    def __init__(self, state):
        self.state = state

    def _lines(self, name):
        try:
            with open(self.state.path(name)) as f:
                return [x.rstrip("\n") for x in f if x.strip()]
        except FileNotFoundError:
            return []

    def AuthZReq(self, r):
        body = base64.b64decode(r.get("RequestBody") or "").decode("utf-8", "replace")
        for line in self._lines("deny"):
            method, uri, part = (line.split("\t") + ["", ""])[:3]
            if method in ("", r["RequestMethod"]) and uri in r["RequestURI"] and part in body:
                return {"Allow": False, "Msg": "the rule \"%s\" denies it" % " ".join(line.split())}
        return {"Allow": True}

    def AuthZRes(self, r):
        body = base64.b64decode(r.get("ResponseBody") or "").decode("utf-8", "replace")
        for line in self._lines("deny-answer"):
            if line in body:
                return {"Allow": False, "Msg": "the answer contains " + line}
        return {"Allow": True}


INTERFACES = {"VolumeDriver": VolumeDriver, "LogDriver": LogDriver, "NetworkDriver": NetworkDriver,
              "IpamDriver": IpamDriver, "authz": AuthZPlugin}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def address_string(self):
        return "client"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        method = self.path.lstrip("/")
        request = json.loads(body) if body else {}
        self.server.state.record(method, request)
        fault = self.server.faults.get(method)
        if fault and self.misbehave(*fault.partition(":")[::2]):
            return
        if method == "Plugin.Activate":
            return self.answer(200, {"Implements": self.server.implements})
        interface, _, operation = method.partition(".")
        target = self.server.objects.get(interface)
        if not target or not hasattr(target, operation):
            return self.answer(404, {"Err": "no method " + method})
        try:
            self.answer(200, getattr(target, operation)(request))
        except Exception as e:
            self.answer(500, {"Err": str(e)})

    def answer(self, status, what):
        data = what if isinstance(what, bytes) else json.dumps(what).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/vnd.docker.plugins.v1.2+json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def misbehave(self, fault, text):
        if fault == "error":
            self.answer(200, {"Err": text})
        elif fault == "status":
            self.answer(int(text), b"")
        elif fault == "hang":
            time.sleep(3600)
        elif fault == "close":
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
        elif fault == "garbage":
            self.wfile.write(os.urandom(4096))
            self.close_connection = True
        elif fault == "list":
            self.answer(200, b"[1, 2, 3]")
        elif fault == "huge":
            self.answer(200, b'{"Err": "' + b"x" * (16 << 20) + b'"}')
        elif fault == "deep":
            self.answer(200, b"[" * 100000)
        elif fault == "empty":
            self.answer(200, b"")
        elif fault == "path":
            self.answer(200, {"Mountpoint": text})
        else:
            sys.exit("unknown fault " + fault)
        return True


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True
    allow_reuse_address = True


class UnixServer(Server):
    address_family = socket.AF_UNIX

    def get_request(self):
        connection, _ = super().get_request()
        return connection, ("client", 0)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--state", required=True)
    p.add_argument("--implements", required=True)
    p.add_argument("--socket")
    p.add_argument("--tcp", type=int)
    p.add_argument("--cert")
    p.add_argument("--key")
    p.add_argument("--client-ca")
    p.add_argument("--fault", action="append", default=[])
    o = p.parse_args()
    state = State(o.state)
    if o.socket:
        if os.path.exists(o.socket):
            os.unlink(o.socket)
        server = UnixServer(o.socket, Handler)
    else:
        server = Server(("127.0.0.1", o.tcp), Handler)
    if o.cert:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(o.cert, o.key)
        if o.client_ca:
            context.load_verify_locations(o.client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
        server.socket = context.wrap_socket(server.socket, server_side=True)
    server.state = state
    server.implements = o.implements.split(",")
    server.objects = {("AuthZPlugin" if n == "authz" else n): INTERFACES[n](state)
                      for n in server.implements}
    server.faults = dict(f.split("=", 1) for f in o.fault)
    server.serve_forever()


main()
