#!/usr/bin/env python3
"""One commit reaches a node: the demonstration's whole story on real parts, with kill -9 of every program on the way.

Real weftd with its private PostgreSQL and nginx, a real Prometheus, three real systemd nodes (containers). Where containers are not
allowed the whole program is skipped and says so.
"""
import argparse
import hashlib
import json
import os
import pathlib
import re
import signal
import sys
import threading
import urllib.parse
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from fabric import Checks, Fabric, isolate, until  # noqa: E402

DISKS = ["disk01.example.org", "disk04.example.org", "disk07.example.org"]
MESSAGE = "site/messages.pan"


class Story:
    def __init__(self, fabric, checks):
        self.fabric, self.checks = fabric, checks
        self.site = fabric.state / "site"
        self.turn = 0

    def roots(self):
        return {n["name"]: (n["desired_root"], n["applied_root"]) for n in self.fabric.json("node", "list")["nodes"]}

    def fetches(self):
        """Profiles the server has handed out since it started, whoever asked."""
        answered = re.findall(r'weft_http_requests_total\{[^}]*route="/v1/profile/:node"[^}]*status="200"[^}]*\} (\d+)', self.fabric.get("/metrics"))
        return sum(map(int, answered))

    def edit(self, text):
        """Sets the message of the day of disk01 alone."""
        path = self.site / MESSAGE
        old = path.read_text()
        new = re.sub(r'(SELF\["disk01"\] = ")[^"]*(")', lambda m: m[1] + text + m[2], old)
        assert new != old, "the example has no message for disk01"
        path.write_text(new)

    def commit(self, text, check=True):
        self.edit(text)
        return self.fabric.weft("template", "commit", self.site, "-m", text, check=check)

    def applied(self, node, text):
        return until(f"{node.name} shows {text!r}", lambda: text in node.read("/etc/motd"), 60)

    def message(self):
        self.turn += 1
        return f"turn {self.turn} of the test"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build")
    arguments = parser.parse_args()
    checks = Checks()
    why = Fabric.containers()
    if why:
        checks.skip("fabric story", why)
        checks.check("containers are refused with a reason", bool(why))
        return checks.finish()

    isolate()
    with Fabric(arguments.build, prometheus=True) as fabric:
        story = Story(fabric, checks)
        fabric.import_example()
        checks.check("the example has 24 nodes", len(story.roots()) == 24, str(story.roots()))
        fabric.weft("template", "checkout", story.site)

        nodes = {name: fabric.boot(name) for name in DISKS}
        fabric.weft("node", "wait", *DISKS, timeout=120)
        checks.check("three nodes applied their profiles", all(a == d for n, (d, a) in story.roots().items() if n in DISKS), str(story.roots()))
        first = nodes[DISKS[0]]

        # -- one value, one node --------------------------------------------------------------------------------------------------
        before, text = story.fetches(), story.message()
        story.commit(text)
        story.applied(first, text)
        fabric.weft("node", "wait", DISKS[0])
        after = story.fetches()
        checks.check("one profile was fetched: the other nodes fetched nothing", after - before == 1, f"{before} {after}")

        # -- refused whole --------------------------------------------------------------------------------------------------------
        roots = story.roots()
        keep = (story.site / MESSAGE).read_text()
        (story.site / MESSAGE).write_text(keep + '\n"/system/role" = no_such_variable;\n')
        refused = fabric.weft("template", "commit", story.site, "-m", "wrong", check=False)
        checks.check("a wrong edit is refused", refused.returncode == 1, refused.stdout + refused.stderr)
        checks.check("with file, line and column", re.search(r"messages\.pan:\d+[:.]\d+", refused.stdout + refused.stderr), refused.stderr)
        checks.check("and nothing moved", story.roots() == roots)
        (story.site / MESSAGE).write_text(keep)

        # -- kill -9 of everything --------------------------------------------------------------------------------------------------
        text = story.message()
        fabric.kill9_weftd()
        fabric.start_weftd()
        story.commit(text)
        story.applied(first, text)
        checks.check("weftd killed: the next commit arrives", True)

        status = fabric.state / "server" / "pg" / "data" / "postmaster.pid"
        os.kill(int(status.read_text().split()[0]), signal.SIGKILL)
        text = story.message()
        story.edit(text)
        until("a commit after PostgreSQL's death", lambda: fabric.weft("template", "commit", story.site, "-m", text, check=False).returncode == 0, 60, 0.5)
        story.applied(first, text)
        checks.check("PostgreSQL killed: it comes back and the next commit arrives", True)

        first.kill9("weft-agent.service")
        text = story.message()
        story.commit(text)
        story.applied(first, text)
        checks.check("agent killed: the next commit arrives", True)

        first.kill9("weft-sensord.service")
        until("sensord runs again", lambda: first.run("systemctl", "is-active", "weft-sensord.service", check=False).stdout.strip() == "active", 30)
        checks.check("sensord killed: it comes back", True)

        first.power_cut()
        text = story.message()
        story.commit(text)
        first.start()
        story.applied(first, text)
        checks.check("power cut: the node applies what it missed at boot", True)

        for point in ("agent.cache.stored", "agent.journal.written", "agent.action.after"):
            text = story.message()
            first.run("mkdir", "-p", "/run/systemd/system/weft-agent.service.d")
            first.run("sh", "-c", f"printf '[Service]\\nEnvironment=WEFT_FAIL={point}=kill\\n' >/run/systemd/system/weft-agent.service.d/fail.conf; "
                      "systemctl daemon-reload; systemctl restart weft-agent")
            story.commit(text)
            until(f"the agent died at {point}", lambda: int(first.run("systemctl", "show", "-P", "NRestarts", "weft-agent").stdout or 0) > 0, 60)
            first.run("sh", "-c", "rm -r /run/systemd/system/weft-agent.service.d; systemctl daemon-reload; systemctl reset-failed weft-agent; "
                      "systemctl restart weft-agent")
            story.applied(first, text)
            checks.check(f"agent killed at {point}: the change is completed", True)

        # -- metrics ----------------------------------------------------------------------------------------------------------------
        def in_store():
            query = urllib.parse.urlencode({"query": 'count by (instance) (node_load1{job="weft"})'})
            with urllib.request.urlopen(f"{fabric.prometheus_url}/api/v1/query?{query}") as answer:
                return {r["metric"]["instance"] for r in json.load(answer)["data"]["result"]}

        until("samples of all nodes in Prometheus", lambda: set(DISKS) <= in_store(), 90, 1)
        checks.check("samples of all nodes are in Prometheus", True)

        # -- drain, work order, return, with weftd killed in the middle -----------------------------------------------------------------
        pool = fabric.state / "pool"
        pool.mkdir()
        sums = {}
        for i in range(12):
            content = os.urandom(200_000 + i * 50_000)
            (pool / f"file-{i}").write_bytes(content)
            sums[f"file-{i}"] = hashlib.sha256(content).hexdigest()
        fabric.weft("storage", "put", *sorted(pool.iterdir()))
        fabric.weft("storage", "check")
        fabric.weft("sms", "set", "maintenance", "replace disk", DISKS[0])
        stop = threading.Event()

        def killer():
            for _ in range(3):
                if stop.wait(2.0):
                    return
                fabric.kill9_weftd()
                fabric.start_weftd()

        thread = threading.Thread(target=killer)
        thread.start()

        def order():
            out = fabric.weft("work-order", "list", "--json", check=False)
            if out.returncode:
                return None
            found = [o for o in json.loads(out.stdout)["work_orders"] if o["node"] == DISKS[0] and o["state"] == "open"]
            return found[0]["id"] if found else None

        thread.join()
        number = until("the work order", order, 180, 0.5)
        checks.check("a drain interrupted three times by kill -9 ends in one work order",
                     len([o for o in fabric.json("work-order", "list")["work_orders"] if o["node"] == DISKS[0]]) == 1)
        stop.set()
        left = [p for p in (first.work / "root/data").rglob("file-*") if p.is_file()]
        checks.check("the drained node holds no file of the pool", not left, str(left))
        checks.check("the profile says maintenance", "maintenance" in fabric.weft("profile", "show", DISKS[0], "/system/state").stdout)
        fabric.weft("work-order", "done", number, "--note", "disk replaced")
        until("the node is back in production",
              lambda: "production" in fabric.weft("profile", "show", DISKS[0], "/system/state", check=False).stdout, 120, 0.5)
        checks.check("the node is back in production", True)
        checked = fabric.weft("storage", "check", check=False)
        checks.check("the pool is whole", checked.returncode == 0, checked.stdout + checked.stderr)
        for name, digest in sums.items():
            out = fabric.state / "back"
            fabric.weft("storage", "get", name, out)
            if hashlib.sha256(out.read_bytes()).hexdigest() != digest:
                checks.check(f"{name} is intact", False)
        checks.check("every file reads back intact", True)
    return checks.finish()


if __name__ == "__main__":
    sys.exit(main())
