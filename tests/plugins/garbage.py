#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A volume driver that speaks the protocol badly: the option "do" of create says how."""
import json
import os
import socket

sock = socket.socket(fileno=int(os.environ["GANTRY_PLUGIN_FD"]))
lines = sock.makefile("rb")
OPERATIONS = ["create", "mount", "unmount", "inspect", "list", "remove"]


def send(text):
    sock.sendall(text.encode() + b"\n")


def result(message, **results):
    send(json.dumps({"type": "result", "id": message["id"], "results": results}))


def misbehave(message, how):
    number = message["id"]
    if how == "malformed":
        send('{"type":"result","id":%d,"results":{' % number)
    elif how == "text":
        send("Hello, I am a plugin")
    elif how == "deep":
        send("[" * 100000)
    elif how == "nobody":
        send('{"type":"result","id":4000000,"results":{}}')
    elif how == "type":
        send('{"type":"result","id":%d,"results":[1,2]}' % number)
    elif how == "unknown":
        send('{"type":"result","id":%d,"results":{"colour":"red"}}' % number)
    elif how == "code":
        send('{"type":"error","id":%d,"code":"MOOD","message":"no"}' % number)
    elif how == "silent-error":
        send('{"type":"error","id":%d,"code":"IO"}' % number)
    elif how == "descriptors":
        send('{"type":"result","id":%d,"fds":3,"results":{}}' % number)
    elif how == "gifts":
        null = os.open("/dev/null", os.O_RDONLY)
        for _ in range(5):
            socket.send_fds(sock, [b" "], [null] * 10)
        send('{"type":"result","id":%d,"results":{}}' % number)
    elif how == "long":
        send('{"type":"result","id":%d,"results":{"x":"%s"}}' % (number, "y" * (9 << 20)))
    elif how == "host":
        send('{"type":"call","id":1,"op":"create","args":{}}')
    elif how == "hang-up":
        sock.shutdown(socket.SHUT_RDWR)
        import time

        time.sleep(1000)
    elif how == "request":
        send('{"type":"request","id":1,"op":"store.put","args":{"key":7}}')
        answer = json.loads(lines.readline())
        send(json.dumps({"type": "error", "id": number, "code": "INVALID", "message": "told: " + answer["message"]}))
    elif how == "engine":
        send('{"type":"request","id":2,"op":"engine.plugin_list","args":{}}')
        answer = json.loads(lines.readline())
        send(json.dumps({"type": "error", "id": number, "code": "DENIED", "message": "told: " + answer["message"]}))
    elif how == "cancelled":
        while json.loads(lines.readline())["type"] != "cancel":
            pass
        send('{"type":"error","id":%d,"code":"CANCELLED","message":"as you wish"}' % number)
    else:
        result(message)


for line in lines:
    message = json.loads(line)
    if message["type"] == "hello":
        result(message, protocol=1, name="volume-garbage", version="1", operations=OPERATIONS)
    elif message["type"] in ("open", "probe"):
        result(message)
    elif message["type"] != "call":
        continue
    elif message["op"] == "create":
        misbehave(message, (message["args"].get("options") or {}).get("do", ""))
    elif message["op"] == "inspect" and message["args"]["name"] == "wrong":
        result(message, mountpoint=["a", "list"])
    elif message["op"] == "mount":
        result(message, mount=0)
    elif message["op"] == "list":
        result(message, name=[])
    else:
        result(message)
