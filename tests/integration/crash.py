#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kills at random: crash.py FOLDER ROUNDS [SEED]

Each round starts a command (run, stop, rm, pull ...) on the engine in FOLDER, waits for a
random moment, and kills one of the processes that work on it with SIGKILL: the command
itself, a shim or its helpers, gantry-reconcile, the init of a container.  Then one more
command is given, and the host and the engine are looked at: no process, mount, cgroup,
interface, rule, address, folder or record may be there that no running container has, and
nothing that was promised may be missing.

The environment names the programs (GANTRY_BUILD), the image (IMAGE), and what is to be
pulled (PULLED).  Prints the seed, what was killed and where it went wrong."""
import collections
import ctypes
import glob
import json
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import time

FOLDER, ROUNDS = sys.argv[1], int(sys.argv[2])
SEED = int(sys.argv[3]) if len(sys.argv) > 3 else random.SystemRandom().randrange(10**6)
BUILD, IMAGE, PULLED = (os.environ[v] for v in ("GANTRY_BUILD", "IMAGE", "PULLED"))
GANTRY = [BUILD + "/gantry", "--root", FOLDER + "/root", "--run-root", FOLDER + "/run"]
NETWORK = "crash%d" % os.getpid()
PATIENCE = 30
LOOP = ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.05; done"]

dice = random.Random(SEED)
durations = collections.defaultdict(lambda: 0.05)
killed = collections.Counter()
promised = {}  # name -> id of a container that must be there


class Broken(Exception):
    pass


def gantry(*args, check=True):
    p = subprocess.run(GANTRY + list(args), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                       timeout=PATIENCE)
    if check and p.returncode:
        raise Broken("gantry %s exits %d: %s" % (" ".join(args), p.returncode, p.stderr))
    return p.stdout.split("\n")[:-1]


def read(path):
    try:
        with open(path, "rb") as f:
            return f.read().decode(errors="replace")
    except OSError:
        return ""


def has_threads(pid):
    """Has the process threads beside its first?  They may be in the kernel when that one has ended."""
    try:
        return len(os.listdir("/proc/%s/task" % pid)) > 1
    except OSError:
        return False


def family():
    """Everything that descends from us (we are a subreaper): pid -> its program's name."""
    parents = {}
    for stat in glob.glob("/proc/[0-9]*/stat"):
        text = read(stat)
        if text:
            head, tail = text.rsplit(")", 1)
            pid, name = head.split(" (", 1)
            state, parent = tail.split()[:2]
            if state != "Z" or has_threads(pid):
                parents[int(pid)] = (int(parent), name)
    found = {}
    grew = True
    while grew:
        grew = False
        for pid, (parent, name) in parents.items():
            if pid not in found and (parent == os.getpid() or parent in found):
                found[pid] = name
                grew = True
    return found


def is_at_work(name):
    """A command or a helper, which comes to an end by itself; not what a container is."""
    return name.startswith("gantry") and name != "gantry-shim"


def reap():
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def describe(pids):
    """What they are, what they wait for, and what the engine believes, for the log."""
    lines = []
    for p in pids:
        status = dict(l.split(":\t", 1) for l in read("/proc/%d/status" % p).split("\n") if ":\t" in l)
        lines.append("%d %s, parent %s, state %s, in %s" % (
            p, read("/proc/%d/cmdline" % p).replace("\0", " "), status.get("PPid"), status.get("State"),
            read("/proc/%d/wchan" % p)))
        for fd in glob.glob("/proc/%d/fd/*" % p) if os.path.exists("/proc/%d" % p) else []:
            try:
                lines.append("    %s -> %s" % (os.path.basename(fd), os.readlink(fd)))
            except OSError:
                pass
    lines += ["record: %s %s %s" % r for r in rows("SELECT id, status, state FROM containers")]
    lines += ["%s: %s" % (f, read(f)) for f in glob.glob(FOLDER + "/run/containers/*/shim.log")]
    return "\n".join(lines)


def shims_at_work(members):
    """Shims whose container's process has ended, so that they are about to say so."""
    pids = dict(rows("SELECT id, json_extract(state, '$.Pid') FROM containers WHERE status = 'running'"))
    words = {p: read("/proc/%d/cmdline" % p).split("\0") for p, n in members.items() if n == "gantry-shim"}
    return {p: "gantry-shim" for p, w in words.items()
            if len(w) > 1 and not os.path.exists("/proc/%s" % pids.get(w[1], "-"))}


def settle():
    """Waits until nobody works any more."""
    end = time.monotonic() + PATIENCE
    while True:
        reap()
        members = family()
        busy = {p: n for p, n in members.items() if is_at_work(n)} or shims_at_work(members)
        if not busy:
            return
        if time.monotonic() > end:
            raise Broken("still at work after %d s:\n%s" % (PATIENCE, describe(busy)))
        time.sleep(0.01)


def database():
    return sqlite3.connect("file:%s/root/state.db?mode=ro" % FOLDER, uri=True)


def rows(sql):
    db = database()
    try:
        return db.execute(sql).fetchall()
    finally:
        db.close()


def same(what, got, want):
    got, want = set(got), set(want)
    if got != want:
        raise Broken("%s: left over %s, missing %s" % (what, sorted(got - want), sorted(want - got)))


def folder(path):
    try:
        return [n for n in os.listdir(os.path.join(FOLDER, path)) if n[0] != "."]
    except FileNotFoundError:
        return []


def check_containers():
    containers = {i: (name, status, json.loads(doc), json.loads(state)) for i, name, status, doc, state in
                  rows("SELECT id, name, status, doc, state FROM containers")}
    for name, id_ in promised.items():
        if id_ not in containers or containers[id_][0] != name:
            raise Broken("the record of %s (%s) is lost" % (name, id_))
    running = {i: c for i, c in containers.items() if c[1] == "running"}
    for i, (name, status, doc, state) in containers.items():
        if status not in ("created", "running", "exited"):
            raise Broken("container %s is %s" % (name, status))
        if status == "running" and not os.path.exists("/proc/%d" % state["Pid"]):
            raise Broken("container %s runs without a process" % name)
        # One that was only created waits to be started, also by who comes later.
        if status == "exited" and doc["HostConfig"].get("AutoRemove"):
            raise Broken("container %s is %s and was to be removed (--rm)" % (name, status))
    same("run folders", folder("run/containers"), set(folder("run/containers")) & set(containers))
    # One that was only created gets its snapshot when it starts.
    snapshots = set(folder("root/drivers/storage/overlay/active"))
    same("snapshots", snapshots, {i for i, c in containers.items() if i in snapshots or c[1] != "created"})
    same("things to remove", folder("root/drivers/storage/overlay/trash"), [])
    same("logs", folder("root/containers"), set(folder("root/containers")) & set(containers))
    return containers, running


def check_processes(running):
    names = collections.Counter(family().values())
    if names["gantry-shim"] != len(running):
        raise Broken("%d shims for %d running containers" % (names["gantry-shim"], len(running)))
    for pid, name in family().items():
        group = read("/proc/%d/cgroup" % pid)
        ours = re.findall(r"[0-9a-f]{64}", group)
        if name != "gantry-shim" and ours and not set(ours) & set(running):
            raise Broken("process %d (%s) of container %s is left" % (pid, name, ours[0]))


def check_host(containers, running, known):
    mounts = [l for l in read("/proc/self/mountinfo").split("\n") if FOLDER in l]
    same("mounts", mounts, [])
    groups = set()
    for path in glob.glob("/sys/fs/cgroup/gantry/*") + glob.glob("/sys/fs/cgroup/*/gantry/*"):
        if os.path.basename(path) in known:
            groups.add(os.path.basename(path))
    same("control groups", groups, running)
    bridge = "br-" + gantry("network", "inspect", "-f", "{{.Id}}", NETWORK)[0][:12]
    attached = [i for i, c in running.items() if NETWORK in (c[3].get("Networks") or {})]
    links = json.loads(subprocess.run(["ip", "-j", "link", "show", "master", bridge], capture_output=True,
                                      text=True).stdout or "[]")
    if len(links) != len(attached):
        raise Broken("%d interfaces at the bridge for %d running containers" % (len(links), len(attached)))
    same("endpoints", [c for c, in rows("SELECT container FROM endpoints")],
         [i for i, c in running.items() if c[3].get("Networks")])
    rules = subprocess.run(["nft", "list", "table", "inet", "gantry"], capture_output=True, text=True).stdout
    subnet = gantry("network", "inspect", "-f", "{{(index .IPAM.Config 0).Subnet}}", NETWORK)[0]
    prefix = subnet.rsplit(".", 2 if subnet.endswith("/16") else 1)[0] + "."
    published = [c[3]["Networks"][NETWORK]["IPAddress"] for c in running.values()
                 if c[2]["HostConfig"].get("PortBindings")]
    same("published ports", re.findall(r": (%s[0-9.]+) \. " % re.escape(prefix), rules), published)
    leases = [v.split()[1] for k, v in rows("SELECT key, value FROM kv WHERE owner = 'network/bridge'")
              if k.startswith("ip") and len(v.split()) > 1]
    same("addresses", leases, [c[0] for c in running.values() if NETWORK in (c[3].get("Networks") or {})])


def check_images():
    layers = {c for c, in rows("SELECT chain_id FROM layers")}
    needed = set()
    for _, doc in rows("SELECT id, doc FROM images"):
        needed |= {l["ChainID"] for l in json.loads(doc)["Layers"]}
    if needed - layers:
        raise Broken("layers of images are lost: %s" % (needed - layers))
    same("unpacked layers", folder("root/drivers/storage/overlay/committed"),
         ["layer-" + c.split(":")[1] for c in layers])
    same("names of images", [i for i, in rows("SELECT image FROM refs")], {
        i for i, in rows("SELECT image FROM refs")} & {i for i, in rows("SELECT id FROM images")})
    if not rows("SELECT 1 FROM refs WHERE name = '%s'" % IMAGE):
        raise Broken("the image %s is lost" % IMAGE)
    for image, in rows("SELECT name FROM refs WHERE name = '%s'" % PULLED):
        gantry("run", "--rm", "--network", "none", image, "true")


def check(known):
    """What is wrong for good after one more command.  The kernel takes namespaces and their interfaces
    apart in its own time, so what is wrong is looked at again for a while, without another command."""
    settle()
    gantry("ps", "-aq")
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return check_once(known)
        except Broken:
            if time.monotonic() > end:
                raise
        time.sleep(0.2)


def check_once(known):
    settle()
    containers, running = check_containers()
    check_processes(running)
    known |= set(containers)
    check_host(containers, running, known)
    check_images()
    settle()  # a shim deletes what its container leaves after it has answered
    same("marks of engines", folder("run/engines"), [])
    return containers, running


def choose(containers, running):
    """The next command, and what it promises or takes back when it succeeds."""
    n = dice.randrange(10**6)
    name = "c%d" % n
    port = dice.choice([[], ["-p", "127.0.0.1::80"]])
    stopped = [c[0] for i, c in containers.items() if i not in running]
    alive = [c[0] for c in running.values()]
    options = [
        (["run", "--rm", "--network", "none", IMAGE, "true"], None),
        (["run", "--rm", "--network", NETWORK, *port, IMAGE, "true"], None),
        (["run", "-d", "--name", name, "--network", "none", IMAGE, *LOOP], name),
        (["run", "-d", "--name", name, "--network", NETWORK, *port, IMAGE, *LOOP], name),
        (["run", "--name", name, "--network", "none", IMAGE, "true"], name),
        (["create", "--name", name, "-v", "v%d:/data" % (n % 3), IMAGE, "true"], name),
        (["pull", "-q", PULLED], None),
        (["pull", "-q", PULLED], None),
        (["rmi", PULLED], None),
    ]
    if alive:
        target = dice.choice(alive)
        options += [(["stop", "-t", "2", target], None), (["restart", "-t", "2", target], None),
                    (["exec", target, "true"], None), (["kill", target], None), (["rm", "-f", target], target)]
    if stopped:
        target = dice.choice(stopped)
        options += [(["start", target], None), (["rm", target], target), (["rm", target], target)]
    if len(containers) > 6:
        target = dice.choice(stopped + alive)
        return ["rm", "-f", target], target
    return dice.choice(options)


def strike(command, at):
    """Starts the command and kills something at a moment; the command's exit code."""
    begin = time.monotonic()
    p = subprocess.Popen(GANTRY + command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                         stderr=subprocess.PIPE, text=True)
    while time.monotonic() - begin < at and p.poll() is None:
        time.sleep(0.001)
    everybody = family()
    # The command and what it started first of all; sometimes anything that is there.
    victims = [q for q, n in everybody.items() if is_at_work(n)] + [max(everybody, default=0)]
    if dice.random() < 0.3:
        victims = list(everybody)
    victim = dice.choice(sorted(victims)) if any(victims) else 0
    if victim in everybody:
        killed[everybody[victim]] += 1
        try:
            os.kill(victim, signal.SIGKILL)
        except ProcessLookupError:
            pass
    try:
        p.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        raise Broken("gantry %s hangs after the kill of %s:\n%s" % (
            " ".join(command), everybody.get(victim), describe(family())))
    if p.returncode == 0:
        durations[command[0]] = durations[command[0]] * 0.7 + (time.monotonic() - begin) * 0.3
    return p.returncode, everybody.get(victim)


def main():
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
    print("crash.py: seed %d, %d kills" % (SEED, ROUNDS), flush=True)
    gantry("network", "create", NETWORK)
    known = set()
    containers, running = check(known)
    for i in range(ROUNDS):
        command, subject = choose(containers, running)
        removes = command[0] == "rm"
        if removes:
            promised.pop(subject, None)
        code = victim = None
        try:
            code, victim = strike(command, dice.uniform(0, 1.1) * durations[command[0]])
            if os.environ.get("VERBOSE"):
                print(i, " ".join(command), "->", code, "killed:", victim, flush=True)
            containers, running = check(known)
            ids = {c[0]: j for j, c in containers.items()}
            if removes and code == 0 and subject in ids:
                raise Broken("%s is still there after rm" % subject)
            if subject in ids and not removes:
                promised[subject] = ids[subject]
            elif subject and not removes and code == 0:
                raise Broken("%s was made and is gone" % subject)
        except (Broken, subprocess.TimeoutExpired) as why:
            print("FAIL: round %d, seed %d: after gantry %s (exit code %s), in which %s was killed:\n%s" % (
                i, SEED, " ".join(command), code, victim, why), flush=True)
            return 1
    for name in list(promised):
        gantry("rm", "-f", promised.pop(name))
    check(known)
    gantry("network", "rm", NETWORK)
    print("killed: " + ", ".join("%d %s" % (n, k) for k, n in killed.most_common()))
    return 0


sys.exit(main())
