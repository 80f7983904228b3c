#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of the driver without an engine: this process is the engine's end of the socket."""
import json
import os
import socket
import subprocess
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))


class DriverTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        ours, theirs = socket.socketpair()
        self.process = subprocess.Popen([os.path.join(HERE, "driver.py")], pass_fds=[theirs.fileno()],
                                        env={**os.environ, "GANTRY_PLUGIN_FD": str(theirs.fileno())})
        theirs.close()
        self.file, self.id = ours.makefile("rw", encoding="utf-8", newline="\n"), 0
        self.sock = ours
        for name in ("state", "run"):
            os.mkdir(os.path.join(self.folder.name, name))
        hello = self.send("hello", args={"protocols": [1], "kind": "volume", "driver": "example"})
        self.assertEqual(hello["results"]["protocol"], 1)
        self.send("open", args={"config": {}, "state_dir": os.path.join(self.folder.name, "state"),
                                "run_dir": os.path.join(self.folder.name, "run")})

    def tearDown(self):
        self.file.close()
        self.sock.close()
        self.assertEqual(self.process.wait(10), 0)
        self.folder.cleanup()

    def send(self, kind, **more):
        self.id += 1
        self.file.write(json.dumps({"type": kind, "id": self.id, **more}) + "\n")
        self.file.flush()
        answer = json.loads(self.file.readline())
        self.assertEqual(answer["id"], self.id)
        return answer

    def call(self, op, **args):
        answer = self.send("call", op=op, args=args)
        return answer["code"] if answer["type"] == "error" else answer["results"]

    def test_life(self):
        self.assertEqual(self.call("create", name="data"), {})
        self.assertEqual(self.call("create", name="data"), {})
        self.assertEqual(self.call("list"), {"name": ["data"]})
        self.assertTrue(os.path.isdir(self.call("mount", name="data", user="container1")["path"]))
        self.assertEqual(self.call("remove", name="data"), "IN_USE")
        self.assertEqual(self.call("unmount", name="data", user="container1"), {})
        self.assertEqual(self.call("remove", name="data"), {})
        self.assertEqual(self.call("inspect", name="data"), "NOT_FOUND")
        self.assertEqual(self.call("remove", name="data"), {})

    def test_names(self):
        self.assertEqual(self.call("create", name="../escape"), "INVALID")
        self.assertEqual(self.call("create", name=""), "INVALID")
        self.assertEqual(self.call("create", name="x", options={"no": "such"}), "INVALID")
        self.assertEqual(self.call("fly"), "UNSUPPORTED")


if __name__ == "__main__":
    unittest.main()
