#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A volume driver: each volume is a folder below state_dir, and who uses one is a file below
run_dir, which a reboot clears.

Every step can be repeated: a volume goes by a rename before its files are deleted, so that
a process that is killed leaves nothing but names that start with a dot, and the next one
removes those when they are old.  Several processes may run this at once.
"""
import os
import re
import shutil
import sys
import tempfile
import time

sys.dont_write_bytecode = True
from protocol import Driver, Failure  # noqa: E402

driver = Driver(kind="volume", name="example", version="1.0.0", summary="Volumes as folders")


def checked(name, what="volume"):
    """A name becomes part of a path, so it must not say where."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,199}", name):
        raise Failure("INVALID", f"{what} {name[:60]!a}: a name has 1 to 200 of A-Z a-z 0-9 _ . -")
    return name


def data(name):
    return os.path.join(driver.state_dir, name)


def users(name):
    return os.path.join(driver.run_dir, name)


def need(args):
    name = checked(args["name"])
    if not os.path.isdir(data(name)):
        raise Failure("NOT_FOUND", f"volume {name}: there is no such volume", "gantry volume ls lists what there is")
    return name


@driver.operation
def create(args):
    name = checked(args["name"])
    if os.path.isdir(data(name)):
        return
    if args.get("options"):
        raise Failure("INVALID", f"volume {name}: this driver has no options", "create it without --opt")
    os.makedirs(data(name), exist_ok=True)


@driver.operation
def mount(args):
    name, user = need(args), checked(args["user"], "user")
    os.makedirs(users(name), exist_ok=True)
    with open(os.path.join(users(name), user), "w"):
        pass
    return {"path": data(name)}


@driver.operation
def unmount(args):
    try:
        os.unlink(os.path.join(users(checked(args["name"])), checked(args["user"], "user")))
    except FileNotFoundError:
        pass


@driver.operation
def inspect(args):
    return {"mountpoint": data(need(args))}


@driver.operation
def list_(args):
    return {"name": [n for n in os.listdir(driver.state_dir) if not n.startswith(".")]}


@driver.operation
def remove(args):
    name = checked(args["name"])
    if not os.path.isdir(data(name)):
        return
    try:
        os.rmdir(users(name))
    except FileNotFoundError:
        pass
    except OSError:
        raise Failure("IN_USE", f"volume {name}: a container uses it")
    gone = tempfile.mkdtemp(prefix=".gone-", dir=driver.state_dir)
    os.rename(data(name), gone)
    shutil.rmtree(gone)


def remove_leftovers():
    for name in os.listdir(driver.state_dir):
        path = data(name)
        if name.startswith(".gone-") and os.stat(path).st_mtime < time.time() - 60:
            shutil.rmtree(path, ignore_errors=True)


driver.opened = remove_leftovers

if __name__ == "__main__":
    driver.serve()
