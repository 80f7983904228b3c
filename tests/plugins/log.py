#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A log driver with the standard library only: appends lines to audit.log in the folder
that it is given.  It cannot read, and knows one option, prefix."""
import base64
import json
import os
import socket

FD = int(os.environ["GANTRY_PLUGIN_FD"])
sock = socket.socket(fileno=FD)
state_dir = None
logs = {}


class Failure(Exception):
    pass


def open_log(args):
    check(args)
    options = args.get("options") or {}
    number = len(logs) + 1
    file = open(os.path.join(args["directory"], "audit.log"), "ab", buffering=0)
    logs[number] = (file, options.get("prefix", "").encode())
    return {"log": number}


def write(args):
    file, prefix = logs[args["log"]]
    file.write(prefix + base64.b64decode(args["data"]))


def refuse(args):
    raise Failure("this one refuses")


def die(args):
    os._exit(3)


def close(args):
    logs[args["log"]][0].close()


def check(args):
    for name in args.get("options") or {}:
        if name != "prefix":
            raise Failure("there is no option " + name)


def remove(args):
    with open(os.path.join(state_dir, "removed"), "a") as file:
        file.write("forgot " + args["container"] + "\n")


operations = {
    "open": open_log,
    "write": write,
    "close": close,
    "check_options": check,
    "remove": remove,
}

for line in sock.makefile("rb"):
    message = json.loads(line)
    if message["type"] == "bye":
        break
    if message["type"] not in ("hello", "probe", "open", "call"):
        continue
    answer = {"type": "result", "id": message["id"], "results": {}}
    if message["type"] == "hello":
        answer["results"] = {"protocol": 1, "name": "log-audit", "version": "1",
                             "threads": "serial", "operations": list(operations)}
    elif message["type"] == "open":
        state_dir = message["args"]["state_dir"]
    elif message["type"] == "call":
        try:
            answer["results"] = operations[message["op"]](message["args"]) or {}
        except Failure as why:
            answer = {"type": "error", "id": message["id"], "code": "INVALID", "message": str(why)}
    sock.sendall(json.dumps(answer).encode() + b"\n")
