#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A user at a terminal: terminal.py SCRIPT COMMAND...

SCRIPT is words: type:TEXT is typed, see:TEXT waits until the command has printed TEXT
(after what was seen before).  Escapes as in Python.  The terminal has 44 rows and 99
columns.  Prints what the command printed and exits as it exits; 99 when it did not print
what was to be seen within 20 seconds."""
import fcntl
import os
import pty
import select
import struct
import sys
import termios
import time

script, command = sys.argv[1].split(), sys.argv[2:]
pid, master = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 44, 99, 0, 0))
    os.execvp(command[0], command)

seen, all_output = b"", b""


def listen(seconds):
    """Reads once; False at the end of output."""
    global seen, all_output
    if not select.select([master], [], [], seconds)[0]:
        return True
    try:
        data = os.read(master, 65536)
    except OSError:
        data = b""
    seen += data
    all_output += data
    return bool(data)


def finish(status):
    sys.stdout.buffer.write(all_output)
    sys.exit(status)


for word in script:
    verb, text = word.split(":", 1)
    text = text.encode().decode("unicode_escape").encode("latin-1")
    if verb == "type":
        # A terminal echoes what is typed; only what comes afterwards is seen.
        time.sleep(0.3)
        while select.select([master], [], [], 0)[0] and listen(0):
            pass
        os.write(master, text)
        continue
    end = time.monotonic() + 20
    while text not in seen:
        if time.monotonic() > end or not listen(1):
            print("terminal.py: never saw %r" % text)
            finish(99)
    seen = seen[seen.index(text) + len(text):]
while listen(20):
    pass
finish(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
