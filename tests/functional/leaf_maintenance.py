#!/usr/bin/env python3
"""A disk server is drained, worked on and returned, with weftd killed at every fail point on the way.

Real weftd, PostgreSQL and front; disk servers are real nginx with the configuration that their profiles carry (below a folder of the
test); their agents are played by this program: they fetch, apply the pool's configuration, report. Loopback only, no containers.
"""
import argparse
import hashlib
import http.client
import json
import os
import pathlib
import re
import ssl
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from fabric import Checks, Fabric, free_port, isolate, until  # noqa: E402

# In the order in which a run passes them last, so that each is still ahead when its turn comes.
POINTS = ["leaf.claim.written", "leaf.mover.copied", "leaf.mover.verified", "leaf.mover.before-delete", "leaf.step.verified", "leaf.step.intent",
          "leaf.step.acted"]


class PlayedNode:
    """The agent of one disk server, as a thread: wake, fetch, apply, report."""

    def __init__(self, fabric, name):
        self.fabric, self.name, self.folder = fabric, name, fabric.state / "played" / name
        self.identity = self.folder / "identity"
        self.root, self.nginx, self.stopping = "", None, threading.Event()
        self.identity.mkdir(parents=True)
        for part in ("data/01", "data/02", "run"):
            (self.folder / part).mkdir(parents=True)
        for part in ("01", "02"):
            (self.folder / "data" / part).chmod(0o777)
        self.folder.parent.chmod(0o755)
        self.enrol()
        self.thread = threading.Thread(target=self.live, daemon=True)
        self.thread.start()

    def enrol(self):
        key, csr = self.identity / "node.key", self.identity / "node.csr"
        subprocess.run(["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", csr,
                        "-subj", f"/O=weft/OU=node/CN={self.name}"], check=True, capture_output=True)
        token = self.fabric.weft("node", "token", self.name).stdout.strip()
        context = ssl.create_default_context(cafile=self.fabric.state / "server/admin/ca.crt")
        answer = self.ask(context, "POST", "/v1/enrol", {"node": self.name, "token": token, "csr": csr.read_text()})[1]
        (self.identity / "node.crt").write_text(answer["certificate"])
        (self.identity / "ca.crt").write_text(answer["ca"])
        self.context = ssl.create_default_context(cafile=self.identity / "ca.crt")
        self.context.load_cert_chain(self.identity / "node.crt", key)

    def ask(self, context, method, path, body=None, timeout=30):
        connection = http.client.HTTPSConnection("127.0.0.1", self.fabric.port, context=context, timeout=timeout)
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read()
            return answer.status, json.loads(text) if text else None
        finally:
            connection.close()

    def live(self):
        while not self.stopping.is_set():
            try:
                status, wake = self.ask(self.context, "GET", f"/v1/node/{self.name}/wake?root={self.root}&timeout=3")
                if status != 200:
                    continue
                status, profile = self.ask(self.context, "GET", f"/v1/profile/{self.name}?root={wake['root']}")
                if status != 200:
                    continue
                self.apply(profile)
                now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
                report = {"root": wake["root"], "revision": wake["revision"], "outcome": "ok", "started": now, "duration_ms": 1,
                          "components": [], "agent_version": "played"}
                if self.ask(self.context, "POST", f"/v1/node/{self.name}/report", report)[0] < 300:
                    self.root = wake["root"]
            except (OSError, ValueError, http.client.HTTPException):
                self.stopping.wait(0.2)

    def apply(self, profile):
        if self.nginx:
            return
        services = profile["software"]["components"]["filecopy"]["services"]
        text = next(v["config"] for k, v in services.items() if k.endswith("dirpool_2econf"))
        for there, here in (("/var/lib/weft-agent/identity", self.identity), ("/run/weft-dirpool", self.folder / "run"), ("/data/", f"{self.folder}/data/")):
            text = text.replace(there, str(here))
        if os.geteuid() != 0:
            text = text.replace("user www-data;", "")
        (self.folder / "dirpool.conf").write_text(text)
        self.serve()

    def serve(self):
        self.nginx = subprocess.Popen(["/usr/sbin/nginx", "-c", str(self.folder / "dirpool.conf")], stderr=open(self.folder / "nginx.log", "ab"))

    def silence(self):
        self.nginx.terminate()
        self.nginx.wait()

    def files(self):
        return sorted(f.name for f in self.folder.glob("data/*/obj/*") if f.name != "weft-keep")

    def stop(self):
        self.stopping.set()
        self.thread.join()
        if self.nginx and self.nginx.poll() is None:
            self.silence()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build")
    arguments = parser.parse_args()
    checks = Checks()
    isolate()
    with Fabric(arguments.build) as fabric:
        played = []
        try:
            story(fabric, checks, played)
        except Exception:
            print(fabric.log_tail(40), flush=True)
            raise
        finally:
            for node in played:
                node.stop()
    return checks.finish()


def story(fabric, checks, played):
    fabric.import_example()
    site = fabric.state / "site"
    fabric.weft("template", "checkout", site)
    places = site / "site/places.pan"
    places.write_text(places.read_text() + f"\n# This test's own port: a fabric of somebody else may run on this machine.\nvariable DIRPOOL_PORT = {free_port()};\n")
    fabric.weft("template", "commit", site, "-m", "a port of our own")

    racks = {}
    for node in fabric.json("node", "list", "--role", "dirpool")["nodes"]:
        racks.setdefault(node["attributes"]["rack"], node["name"])
    names = sorted(racks.values())
    checks.check("the example has disk servers in four racks", len(names) == 4, str(racks))
    for name in names:
        played.append(PlayedNode(fabric, name))
    by_name = {node.name: node for node in played}
    until("all applied", lambda: all(node.nginx for node in played), 120)
    fabric.weft("node", "wait", *names, timeout=120)
    subject, other, third = names[0], names[1], names[2]

    def fails(code, *words):
        out = fabric.weft(*words, check=False)
        return checks.check("refused: weft " + " ".join(map(str, words))[:60], out.returncode == code, f"exit {out.returncode}: {out.stdout}{out.stderr}")

    # -- what must be refused ---------------------------------------------------------------------------------------------------------
    fails(3, "sms", "set", "maintenance", "all of them", "disk*")
    fails(3, "sms", "set", "maintenance", "all of them", "disk*", "--expect", "3")
    fails(1, "sms", "set", "maintenance", "nobody", "nosuch*", "--expect", "0")
    fails(1, "sms", "set", "maintenance", "", subject)
    fails(1, "work-order", "show", "4711")
    checks.check("nothing was claimed", fabric.json("sms", "show")["claims"] == [])
    for path in ("/v1/claim", "/v1/workflow", "/v1/work-order", "/v1/storage/scratch"):
        checks.check(f"a node may not read {path}", by_name[subject].ask(by_name[subject].context, "GET", path)[0] == 403)
    checks.check("a node may not claim", by_name[subject].ask(by_name[subject].context, "POST", "/v1/claim",
                                                              {"nodes": [other], "state": "maintenance", "reason": "x"})[0] == 403)
    nobody = ssl.create_default_context(cafile=fabric.state / "server/admin/ca.crt")
    checks.check("without a certificate neither", by_name[subject].ask(nobody, "GET", "/v1/claim")[0] in (401, 403))

    # -- files ------------------------------------------------------------------------------------------------------------------------
    folder = fabric.state / "files"
    folder.mkdir()
    sums = {}
    for i in range(16):
        content = os.urandom(20_000 + i * 7_000)
        (folder / f"file-{i}").write_bytes(content)
        sums[f"file-{i}"] = hashlib.sha256(content).hexdigest()
    fabric.weft("storage", "put", *sorted(folder.iterdir()))
    out = fabric.weft("storage", "check", check=False)
    checks.check("the pool is whole", out.returncode == 0, out.stdout + out.stderr)
    (folder / "file-0").write_bytes(b"other content")
    fails(1, "storage", "put", folder / "file-0")
    fails(1, "storage", "put", folder / "file-0", "--name", "../x")
    listing = fabric.json("storage", "list")
    missing = [m for m in listing["members"] if m["trouble"] == "not installed yet"]
    checks.check("members that were never installed are listed as such", len(missing) == 8, str(listing["members"]))

    # -- a drain with weftd killed at every fail point ------------------------------------------------------------------------------------
    # The first point is passed soon after the claim, so weftd is armed before.
    fabric.stop_weftd()
    fabric.start_weftd(fail=f"{POINTS[0]}=kill", roles="cdb,leaf")
    run = fabric.json("sms", "set", "maintenance", "replace disk", subject)["claims"][0]["workflow"]
    kills = []

    def good_copies():
        copies = {}
        for node in played:
            for f in node.folder.glob("data/*/obj/file-*"):
                if hashlib.sha256(f.read_bytes()).hexdigest() == sums[f.name]:
                    copies[f.name] = copies.get(f.name, 0) + 1
        return copies

    for point in POINTS:
        try:
            if point != POINTS[0]:
                fabric.start_weftd(fail=f"{point}=kill@{2 if 'mover' in point else 1}", roles="cdb,leaf")
            until(f"weftd dies at {point}", lambda: fabric.weftd.poll() is not None, 45)
            kills.append(point)
        except AssertionError as error:
            if fabric.weftd.poll() is not None:
                kills.append(point)
            else:
                print(f"note: {error}", flush=True)
        copies = good_copies()
        checks.check(f"at {point} every file has two good copies", all(copies.get(name, 0) >= 2 for name in sums), str(copies))
        if fabric.weftd.poll() is None:
            fabric.kill9_weftd()
    checks.check("weftd died at all its fail points", set(kills) == set(POINTS), str(kills))
    fabric.start_weftd(roles="cdb,leaf")
    out = fabric.weft("workflow", "watch", subject, "--until", "work-order", check=False, timeout=240)
    checks.check("the drain ends in a work order", out.returncode == 0, out.stdout + out.stderr)
    orders = [o for o in fabric.json("work-order", "list")["work_orders"] if o["node"] == subject]
    checks.check("one work order", len(orders) == 1, str(orders))
    order = orders[0]
    checks.check("with serial and place", order["asset"]["serial"] and order["asset"]["rack"], str(order))
    checks.check("the drained node holds no file", by_name[subject].files() == [], str(by_name[subject].files()))
    checks.check("its profile says maintenance", fabric.weft("profile", "show", subject, "/system/state").stdout.strip() == "maintenance")
    shown = fabric.json("workflow", "show", run)
    checks.check("the record is unbroken", shown["audit"] == "ok", shown["audit"])
    checks.check("no left-over uploads", not [f for node in played for f in node.folder.glob("data/*/tmp/*")])
    fails(1, "workflow", "cancel", run)

    # -- overlapping claims, the stop switch, the wrong machine ------------------------------------------------------------------------------
    joined = fabric.json("sms", "set", "maintenance", "firmware", subject)["claims"][0]
    checks.check("a second claim joins", joined["workflow"] == run and joined["joined"], str(joined))
    fails(1, "work-order", "done", order["id"], "--serial", "NOT-THIS-ONE")
    fabric.weft("workflow", "stop", "a test")
    first = fabric.weft("work-order", "done", order["id"], "--serial", order["asset"]["serial"], "--note", "disk replaced", "--event", "e-1")
    again = fabric.weft("work-order", "done", order["id"], "--serial", order["asset"]["serial"], "--event", "e-1")
    checks.check("repeating an answer is harmless", "already" in again.stdout and "already" not in first.stdout, again.stdout)
    fails(1, "work-order", "done", order["id"])
    until("the run says that it is stopped", lambda: "stopped" in fabric.json("workflow", "show", run)["message"], 30, 0.3)
    checks.check("the stop switch stops", fabric.json("workflow", "show", run)["state"] != "done")
    fabric.weft("workflow", "start")
    until("it waits for the other claim", lambda: "firmware" in fabric.json("workflow", "show", run)["message"], 60, 0.3)
    checks.check("the node stays out for the other claim", fabric.weft("profile", "show", subject, "/system/state").stdout.strip() == "maintenance")
    fabric.weft("sms", "clear", "maintenance", "firmware", subject)
    out = fabric.weft("workflow", "watch", subject, "--until", "done", check=False, timeout=120)
    checks.check("the last claim gone, it returns", out.returncode == 0, out.stdout + out.stderr)
    checks.check("its profile says production", fabric.weft("profile", "show", subject, "/system/state").stdout.strip() == "production")
    out = fabric.weft("sms", "clear", "maintenance", "firmware", subject)
    checks.check("clearing what is not there is a note", "note" in out.stdout, out.stdout)
    out = fabric.weft("storage", "check", check=False)
    checks.check("the pool is whole, no copy too many", out.returncode == 0, out.stdout + out.stderr)
    for name, digest in sums.items():
        back = fabric.state / "back"
        fabric.weft("storage", "get", name, back)
        if hashlib.sha256(back.read_bytes()).hexdigest() != digest:
            checks.check(f"{name} is intact", False)
    checks.check("every file reads back intact", True)

    # -- a member that is silent ------------------------------------------------------------------------------------------------------------
    by_name[other].silence()
    out = fabric.weft("storage", "check", check=False)
    checks.check("a silent member makes the check incomplete", out.returncode == 1 and other in out.stdout, out.stdout)
    fails(4, "storage", "put", folder / "file-1", "--name", "new-1")
    run = fabric.json("sms", "set", "maintenance", "second disk", third)["claims"][0]["workflow"]
    until("the drain waits for the silent member", lambda: fabric.json("workflow", "show", run)["step"] == "drain" and
          other.split(".")[0] in fabric.json("workflow", "show", run)["message"] + str(fabric.json("workflow", "show", run)), 60, 0.5)
    fabric.weft("workflow", "cancel", run, "--why", "the other one first")
    by_name[other].serve()
    until("the node is back", lambda: fabric.weft("profile", "show", third, "/system/state").stdout.strip() == "production", 90, 0.5)
    until("cancelled", lambda: fabric.json("workflow", "show", run)["state"] == "cancelled", 30, 0.5)
    out = fabric.weft("storage", "check", check=False)
    checks.check("after the cancel all copies are good", not re.search(r"corrupt|under-replicated", out.stdout), out.stdout)


if __name__ == "__main__":
    sys.exit(main())
