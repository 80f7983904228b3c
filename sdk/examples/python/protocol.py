# SPDX-License-Identifier: Apache-2.0
"""The plugin protocol of gantry (docs/plugin-protocol.md), with the standard library only.

    from protocol import Driver, Failure
    driver = Driver(kind="volume", name="example", version="1.0.0")

    @driver.operation
    def create(args): ...

    driver.serve()

An operation gets its arguments as a dict and returns its results as one (None: no results).
Descriptors are in args as objects of class Fd; return one with Fd(number).
"""
import array
import json
import os
import socket

MESSAGE_MAX = 8 << 20


class Failure(Exception):
    """Ends an operation with an error: a code of gantry/error.h, which object and what cause,
    and what the user can do next."""

    def __init__(self, code, message, hint=None):
        super().__init__(message)
        self.answer = {"code": code, "message": message[:999]}
        if hint:
            self.answer["hint"] = hint[:495]


class Fd:
    """A descriptor that came with a call, or goes with its results.  Who receives it owns it."""

    def __init__(self, number):
        self.number = number


class Driver:
    def __init__(self, kind, name, version, summary="", config=()):
        self.kind, self.name, self.version, self.summary, self.config_keys = kind, name, version, summary, list(config)
        self.operations = {}
        self.config, self.state_dir, self.run_dir = {}, None, None
        self.opened = lambda: None
        self._pending, self._fds, self._asked = b"", [], 0

    def operation(self, function):
        self.operations[function.__name__.rstrip("_")] = function
        return function

    def log(self, level, text):
        self._send({"type": "log", "level": level, "text": text})

    def ask(self, op, **args):
        """A request to the host, such as ask("store.put", key="a", value="b")."""
        self._asked += 1
        self._send({"type": "request", "id": self._asked, "op": op, "args": args})
        while True:
            answer, _ = self._receive()
            if answer["type"] in ("result", "error") and answer["id"] == self._asked:
                break
        if answer["type"] == "error":
            raise Failure(answer["code"], answer["message"], answer.get("hint"))
        return answer.get("results", {})

    def serve(self, sock=None):
        self._sock = sock or socket.socket(fileno=int(os.environ["GANTRY_PLUGIN_FD"]))
        while True:
            message, fds = self._receive()
            if message is None:
                return
            if message["type"] in ("hello", "probe", "open", "call"):
                self._answer(message, fds)
            for fd in fds:
                os.close(fd)

    # ---- below: messages ----

    def _send(self, message, fds=()):
        data = json.dumps(message, separators=(",", ":")).encode() + b"\n"
        if fds:
            rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))]
            sent = self._sock.sendmsg([data], rights)
            data = data[sent:]
        self._sock.sendall(data)

    def _receive(self):
        while b"\n" not in self._pending:
            data, fds, _, _ = socket.recv_fds(self._sock, 65536, 16)
            if not data or len(self._pending) > MESSAGE_MAX:
                return None, []
            self._pending += data
            self._fds += fds
        line, _, self._pending = self._pending.partition(b"\n")
        message = json.loads(line)
        count = message.get("fds", 0)
        fds, self._fds = self._fds[:count], self._fds[count:]
        return message, fds

    def _answer(self, message, fds):
        try:
            results = getattr(self, "_on_" + message["type"])(message, fds) or {}
            out = []
            for key, value in list(results.items()):
                if isinstance(value, Fd):
                    out.append(value.number)
                    results[key] = len(out) - 1
                elif value is None:
                    del results[key]
            answer = {"type": "result", "id": message["id"], "results": results}
            if out:
                answer["fds"] = len(out)
            self._send(answer, out)
            for fd in out:
                os.close(fd)
        except Failure as failure:
            self._send({"type": "error", "id": message["id"], **failure.answer})
        except OSError as error:
            self._send({"type": "error", "id": message["id"], "code": "IO", "errno": error.errno or 0,
                        "message": f"{self.kind} driver {self.name}: {error}"[:999]})
        except Exception as error:  # a fault of ours is told, and is not the end
            self._send({"type": "error", "id": message["id"], "code": "INTERNAL",
                        "message": f"{self.kind} driver {self.name}: {type(error).__name__}: {error}"[:999]})

    def _on_hello(self, message, fds):
        if 1 not in message["args"]["protocols"]:
            raise Failure("UNSUPPORTED", "this driver speaks version 1 of the protocol")
        return {"protocol": 1, "name": self.name, "version": self.version, "threads": "serial",
                "operations": list(self.operations), "config": self.config_keys,
                "about": {"licence": "Apache-2.0", "summary": self.summary}}

    def _on_probe(self, message, fds):
        return {}

    def _on_open(self, message, fds):
        args = message["args"]
        self.config, self.state_dir, self.run_dir = args.get("config", {}), args["state_dir"], args["run_dir"]
        self.opened()

    def _on_call(self, message, fds):
        if message["op"] not in self.operations:
            raise Failure("UNSUPPORTED", f"{self.kind} driver {self.name} cannot {message['op']}")
        return self.operations[message["op"]](message.get("args", {}))
