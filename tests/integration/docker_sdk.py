#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docker_sdk.py IMAGE: what programs do with Docker's SDK, at $DOCKER_HOST."""
import io
import sys
import tarfile

import docker

IMAGE = sys.argv[1]
client = docker.from_env()
api = client.api


def tar(name, data):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        info = tarfile.TarInfo(name)
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def untar(chunks):
    with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as archive:
        return {m.name: archive.extractfile(m).read() for m in archive if m.isfile()}


assert client.ping() and client.info()["Swarm"]["LocalNodeState"] == "inactive"
assert client.containers.run(IMAGE, "echo hello", remove=True, network_mode="none") == b"hello\n"
try:
    client.containers.run(IMAGE, "false", remove=True, network_mode="none")
    raise AssertionError("a failing command is no failure")
except docker.errors.ContainerError as e:
    assert e.exit_status == 1

# exec: nothing is lost, however soon it comes, and streams are told apart
c = client.containers.run(IMAGE, "sleep 1000", detach=True, network_mode="none", environment=["A=b", "ALONE"])
both = ["sh", "-c", "echo out; echo err >&2"]
for i in range(20):
    assert c.exec_run("echo hello") == (0, b"hello\n"), i
    assert c.exec_run(both, demux=True).output == (b"out\n", b"err\n"), i
assert b"".join(c.exec_run("echo hello", stream=True).output) == b"hello\n"
assert c.exec_run("sh -c 'exit 3'").exit_code == 3
# A terminal inside and none here: its output is framed as one stream.
started = api.exec_create(c.id, both, tty=True)
assert api.exec_start(started, demux=True) == (b"out\r\nerr\r\n", None)
started = api.exec_create(c.id, both, tty=True)
assert api.exec_start(started, tty=True) == b"out\r\nerr\r\n"
assert "ALONE" in c.attrs["Config"]["Env"] and b"ALONE" not in c.exec_run("env").output
assert c.exec_run("env", environment={"X": "Y"}).output.count(b"X=Y\n") == 1

# logs, stats, top, diff, pause, update, events
talker = client.containers.run(IMAGE, "sh -c 'echo one; echo two >&2; echo three'", detach=True, network_mode="none")
assert talker.wait()["StatusCode"] == 0
assert talker.logs(stderr=False) == b"one\nthree\n" and talker.logs(stdout=False) == b"two\n"
assert b"".join(talker.logs(stream=True, follow=True)).count(b"\n") == 3
assert c.stats(stream=False)["memory_stats"]["usage"] > 0
assert any("sleep" in " ".join(p) for p in c.top()["Processes"])
c.exec_run("touch /made")
assert {"Path": "/made", "Kind": 1} in c.diff()
c.pause()
c.reload()
assert c.status == "paused"
c.unpause()
c.update(mem_limit="64m", memswap_limit="64m")
c.reload()
assert c.attrs["HostConfig"]["Memory"] == 64 << 20
assert c.attrs["NetworkSettings"]["Networks"].keys() == {"none"}
assert c.attrs["Config"]["Hostname"] == c.short_id

# copying, also into the volume of a container that does not run
assert c.put_archive("/tmp", tar("file", b"text"))
assert untar(c.get_archive("/tmp/file")[0]) == {"file": b"text"}
v = client.volumes.create("sdk-volume")
idle = client.containers.create(IMAGE, "cat /data/file", volumes={v.name: {"bind": "/data", "mode": "rw"}},
                                network_mode="none")
assert idle.put_archive("/data", tar("file", b"in the volume"))
chunks, stat = idle.get_archive("/data/file")
assert untar(chunks) == {"file": b"in the volume"} and stat["size"] == 13
assert untar(idle.get_archive("/data")[0]) == {"data/file": b"in the volume"}
idle.start()
idle.wait()
assert idle.logs() == b"in the volume"
read_only = client.containers.create(IMAGE, "true", volumes={v.name: {"bind": "/data", "mode": "ro"}})
try:
    read_only.put_archive("/data", tar("other", b""))
    raise AssertionError("a volume that is read-only was written")
except docker.errors.APIError as e:
    assert "read-only" in str(e), e

# images: progress as JSON lines, parents, names
made = c.commit("sdk", "one")
assert made.attrs["Parent"] == client.images.get(IMAGE).id
assert made.tag("sdk", "two") and "sdk:two" in client.images.get("sdk:one").tags
saved = b"".join(made.save(named=True))
client.images.remove("sdk:one", force=True)
client.images.remove("sdk:two", force=True)
assert "sdk:one" in client.images.load(saved)[0].tags
try:
    client.images.get("no-such-image")
    raise AssertionError("found what is not there")
except docker.errors.ImageNotFound:
    pass

# networks and what is refused
for driver in ("host", "null"):
    try:
        client.networks.create("another", driver=driver if driver == "host" else "none")
        raise AssertionError(f"a second {driver} network")
    except docker.errors.APIError as e:
        assert e.response.status_code == 403, e
n = client.networks.create("sdk-network", labels={"of": "sdk"})
waiting = client.containers.create(IMAGE, "true", network=n.name)
assert list(waiting.attrs["NetworkSettings"]["Networks"]) == [n.name]
assert [x.name for x in client.networks.list(filters={"label": "of=sdk"})] == [n.name]

for x in client.containers.list(all=True):
    x.remove(force=True)
n.remove()
v.remove()
assert client.containers.list(all=True) == [] and client.volumes.list() == []
