#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A volume driver written from docs/plugin-protocol.md alone, with the standard
library only.  Volumes are folders of the driver's state folder; their options are in
the engine's store."""
import json
import os
import shutil
import socket

FD = int(os.environ["GANTRY_PLUGIN_FD"])
sock = socket.socket(fileno=FD)
pending = b""
state_dir = None
last_request = 0


class Failure(Exception):
    def __init__(self, code, message, hint=None):
        super().__init__(message)
        self.answer = {"code": code, "message": message}
        if hint:
            self.answer["hint"] = hint


def send(message):
    sock.sendall(json.dumps(message).encode() + b"\n")


def receive():
    global pending
    while b"\n" not in pending:
        data, fds, _, _ = socket.recv_fds(sock, 65536, 16)
        for fd in fds:
            os.close(fd)
        if not data:
            raise SystemExit(0)
        pending += data
    line, _, pending = pending.partition(b"\n")
    return json.loads(line)


def ask(op, **args):
    """A request to the host: what comes meanwhile waits, since this driver is serial."""
    global last_request
    last_request += 1
    send({"type": "request", "id": last_request, "op": op, "args": args})
    while True:
        answer = receive()
        if answer["type"] in ("result", "error") and answer["id"] == last_request:
            break
    if answer["type"] == "error":
        raise Failure(answer["code"], answer["message"])
    return answer.get("results", {})


def path(name):
    return os.path.join(state_dir, name)


def existing(name):
    if not os.path.isdir(path(name)):
        raise Failure("NOT_FOUND", f"there is no volume {name}", "create it first")
    return path(name)


def create(args):
    os.makedirs(path(args["name"]), exist_ok=True)
    ask("store.put", key="options/" + args["name"], value=json.dumps(args.get("options") or {}))
    send({"type": "log", "level": "info", "text": "created " + args["name"]})
    ask("events.publish", type="volume", action="prepared", id=args["name"], attributes={"driver": "py"})


def mount(args):
    return {"path": existing(args["name"])}


def unmount(args):
    pass


def inspect(args):
    import base64

    stored = base64.b64decode(ask("store.get", key="options/" + args["name"])["value"])
    return {"mountpoint": existing(args["name"]), "status": {"options": json.loads(stored)}}


def list_volumes(args):
    return {"name": sorted(os.listdir(state_dir))}


def remove(args):
    shutil.rmtree(path(args["name"]), ignore_errors=True)
    ask("store.remove", key="options/" + args["name"])


OPERATIONS = {"create": create, "mount": mount, "unmount": unmount, "inspect": inspect,
              "list": list_volumes, "remove": remove}


def serve(message):
    global state_dir
    kind, args = message["type"], message.get("args", {})
    if kind == "hello":
        if 1 not in args["protocols"]:
            raise Failure("UNSUPPORTED", "this driver speaks protocol 1 only")
        return {"protocol": 1, "name": "volume-py", "version": "1.0", "threads": "serial",
                "operations": list(OPERATIONS),
                "config": [{"name": "greeting", "type": "string", "default": "hello",
                            "doc": "what it says when it opens"}],
                "about": {"licence": "Apache-2.0", "summary": "a driver in Python"}}
    if kind == "open":
        state_dir = args["state_dir"]
        print(args["config"]["greeting"], flush=True)
        return {}
    if kind == "probe":
        return {}
    if message["op"] not in OPERATIONS:
        raise Failure("UNSUPPORTED", f"no operation {message['op']}")
    return OPERATIONS[message["op"]](args) or {}


while True:
    message = receive()
    if message["type"] not in ("hello", "probe", "open", "call"):
        continue  # cancel comes too late for a serial driver; bye is followed by the end
    try:
        send({"type": "result", "id": message["id"], "results": serve(message)})
    except Failure as failure:
        send({"type": "error", "id": message["id"], **failure.answer})
    except OSError as error:
        send({"type": "error", "id": message["id"], "code": "IO", "message": str(error),
              "errno": error.errno})
