#!/usr/bin/env python3
"""Roll-outs through the front door: policies, waves, a failing canary, manual gates, the stop switch, revert, kill -9. Real weftd,
PostgreSQL and nginx on 127.0.0.1; nodes are played with certificates of their own, which wait, fetch and report.

Usage: rollout.py --build BUILD. Ends with 'N passed, N failed'.
"""
import argparse
import http.client
import json
import pathlib
import ssl
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from fabric import Checks, Fabric, until  # noqa: E402

SITE = """object template {name};
include 'site/all';
'/system/cluster/name' = 'c1';
'/system/role' = '{role}';
'/hardware/sysloc/rack' = '{rack}';
"""
CAREFUL = """
waves:
- {name: canary, nodes: 1, select: {role: canary}}
- {name: racks, by: rack}
apply_within: 1h
silent: wait
"""
NODES = {"n0": ("canary", "R1"), "n1": ("disk", "R1"), "n2": ("disk", "R2"), "n3": ("disk", "R2")}


class Player:
    """A node: enrols, asks for its manifest, reports."""

    def __init__(self, fabric, name):
        self.fabric, self.name = fabric, name
        folder = fabric.state / "players" / name
        folder.mkdir(parents=True)
        token = fabric.weft("node", "token", name).stdout.strip()
        key, csr = folder / "key.pem", folder / "csr.pem"
        subprocess.run(["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", str(key), "-out", str(csr),
                        "-subj", f"/O=weft/OU=node/CN={name}"], check=True, capture_output=True)
        self.context = ssl.create_default_context(cafile=fabric.state / "server/admin/ca.crt")
        answer = self.ask("POST", "/v1/enrol", {"node": name, "token": token, "csr": csr.read_text()})[1]
        (folder / "crt.pem").write_text(answer["certificate"])
        self.context.load_cert_chain(folder / "crt.pem", key)

    def ask(self, method, path, body=None):
        connection = http.client.HTTPSConnection("127.0.0.1", self.fabric.port, context=self.context, timeout=90)
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read()
            return answer.status, json.loads(text) if text.startswith(b"{") else text.decode()
        finally:
            connection.close()

    def manifest(self):
        status, text = self.ask("GET", f"/v1/profile/{self.name}/manifest")
        assert status == 200, (status, text)
        # A whole manifest or, as JSON, {"manifest": ...}.
        text = text["manifest"] if isinstance(text, dict) else text
        return dict(part.split("=", 1) for part in text.strip().split(";"))

    def value(self):
        status, profile = self.ask("GET", f"/v1/profile/{self.name}")
        assert status == 200, (status, profile)
        return profile["site"]["value"]

    def report(self, outcome="ok"):
        manifest = self.manifest()
        components = [{"name": "ntpd", "outcome": "failed" if outcome == "failed" else "changed", "message": "cannot start", "actions": 1}]
        status, answer = self.ask("POST", f"/v1/node/{self.name}/report",
                                  {"root": manifest["root"], "revision": int(manifest["revision"]), "outcome": outcome, "started": "2026-11-25T10:00:00Z",
                                   "duration_ms": 5, "components": components, "agent_version": "0"})
        assert status == 200, (status, answer)


class Story(Checks):
    def __init__(self, fabric):
        super().__init__()
        self.fabric = fabric
        self.value = 0

    def commit(self, *more, code=0):
        self.value += 1
        file = self.fabric.state / "all.pan"
        file.write_text(f"template site/all;\n'/site/value' = {self.value};\n")
        out = self.fabric.weft("template", "edit", "site/all.pan", "--set-file", file, "-m", f"value {self.value}", *more, "--json", check=False)
        self.check(f"commit {self.value} {' '.join(more)}", out.returncode == code, out.stdout + out.stderr)
        return json.loads(out.stdout) if out.returncode == 0 else out

    def rollout(self, revision):
        return self.fabric.json("rollout", "show", revision, "--all")

    def reaches(self, name, revision, condition, seconds=20):
        try:
            until(name, lambda: condition(self.rollout(revision)), seconds)
            self.check(name, True)
        except AssertionError:
            self.check(name, False, json.dumps(self.rollout(revision))[:1500])

    def values(self):
        return [player.value() for player in self.players]

    def has(self, name, wanted):
        self.check(name, self.values() == wanted, self.values())

    def begin(self):
        fabric = self.fabric
        tree = fabric.state / "tree"
        (tree / "profiles").mkdir(parents=True)
        (tree / "site").mkdir()
        (tree / "weft.yaml").write_text('include_path: ["", "profiles"]\nobjects: ["profiles/*.pan"]\n')
        (tree / "site/all.pan").write_text("template site/all;\n'/site/value' = 0;\n")
        for name, (role, rack) in NODES.items():
            (tree / f"profiles/{name}.pan").write_text(SITE.format(name=name, role=role, rack=rack))
        fabric.weft("template", "import", tree, "-m", "import")
        self.players = [Player(fabric, name) for name in NODES]
        for player in self.players:
            player.report()

    def policies(self):
        fabric = self.fabric
        out = fabric.weft("template", "edit", "site/all.pan", "--set-file", fabric.state / "tree/site/all.pan", "-m", "x", "--rollout", "careful", check=False)
        self.check("an edit without effect needs no policy", out.returncode == 0, out.stderr)
        out = self.commit("--rollout", "careful", code=1)
        self.check("an unknown policy is named", "no roll-out policy 'careful'" in out.stderr and "weft rollout policy set" in out.stderr, out.stderr)
        self.has("and nothing is committed", [0, 0, 0, 0])
        wrong = fabric.state / "wrong.yaml"
        wrong.write_text("waves:\n- {name: a, node: 1}\n")
        out = fabric.weft("rollout", "policy", "set", "careful", wrong, check=False)
        self.check("a wrong policy is refused", out.returncode != 0 and "wave 1 has no member 'node' (did you mean nodes?)" in out.stderr, out.stderr)
        good = fabric.state / "careful.yaml"
        good.write_text(CAREFUL)
        fabric.weft("rollout", "policy", "set", "careful", good, "--dry-run")
        self.check("a dry run stores nothing", fabric.json("rollout", "policy", "list")["policies"] == [])
        fabric.weft("rollout", "policy", "set", "careful", good)
        fabric.weft("rollout", "policy", "default", "main", "careful")
        self.check("the default is shown", fabric.json("rollout", "policy", "list")["default"] == "careful")

    def waves(self):
        file = self.fabric.state / "all.pan"
        file.write_text("template site/all;\n'/site/value' = 99;\n")
        plan = self.fabric.json("template", "edit", "site/all.pan", "--set-file", file, "-m", "x", "--dry-run")["plan"]
        self.check("the plan shows the waves", [w["name"] for w in plan["rollout"]["waves"]] == ["canary", "racks rack=R1", "racks rack=R2"], plan)
        revision = self.commit()["revision"]
        new = self.value
        self.reaches("the canary is released", revision, lambda r: r["wave"] == 1)
        self.has("the canary has it, the others have what they had", [new, 0, 0, 0])
        status, news = self.players[0].ask("GET", f"/v1/node/n0/wake?root={'0' * 64}&timeout=1")
        self.check("the canary is told", status == 200 and news["revision"] == revision, news)
        shown = self.fabric.json("node", "show", "n1")
        self.check("a held node says so", shown["held_by"] == revision and shown["in_sync"], shown)
        self.players[0].report()
        self.reaches("then the first rack", revision, lambda r: r["wave"] == 2)
        self.has("rack by rack", [new, new, 0, 0])
        self.players[1].report()
        self.reaches("then the second", revision, lambda r: r["wave"] == 3)
        self.players[2].report()
        self.players[3].report()
        self.reaches("done", revision, lambda r: r["state"] == "done")
        self.check("wait says so", self.fabric.weft("rollout", "wait", revision, check=False).returncode == 0)

    def failing_canary(self):
        before = self.value
        revision = self.commit()["revision"]
        self.reaches("the canary is released", revision, lambda r: r["wave"] == 1)
        self.players[0].report("failed")
        self.reaches("a failing canary halts it", revision, lambda r: r["state"] == "halted")
        self.check("and why", "n0: ntpd: cannot start" in self.rollout(revision)["reason"], self.rollout(revision)["reason"])
        self.has("nobody else has it", [self.value, before, before, before])
        self.check("wait fails", self.fabric.weft("rollout", "wait", revision, check=False).returncode == 1)
        out = self.fabric.weft("rollout", "release", revision, check=False)
        self.check("a halted one releases nothing", out.returncode != 0 and "it cannot release" in out.stderr, out.stderr)
        out = self.fabric.weft("rollout", "resme", revision, check=False)
        self.check("a wrong verb is refused", out.returncode == 2, out.stderr)
        self.fabric.weft("rollout", "revert", revision, "--message", "bad")
        self.reaches("it is taken back", revision, lambda r: r["state"] == "reverted")
        self.has("everybody has what was there before", [before] * 4)
        head = self.fabric.json("template", "log")["revisions"][0]
        self.check("by a revision of its own", head["reverts"] == revision and head["author"] == "rollout", head)
        for player in self.players:
            player.report()
        self.value = before

    def automatic_revert(self):
        before = self.value
        document = self.fabric.state / "undo.yaml"
        document.write_text(CAREFUL + "on_regression: revert\n")
        self.fabric.weft("rollout", "policy", "set", "undo", document)
        revision = self.commit("--rollout", "undo")["revision"]
        self.reaches("the canary is released", revision, lambda r: r["wave"] == 1)
        self.players[0].report("failed")
        self.reaches("the policy takes it back by itself", revision, lambda r: r["state"] == "reverted")
        self.has("everybody has what was there before", [before] * 4)
        for player in self.players:
            player.report()
        self.value = before

    def buttons(self):
        before = self.value
        self.fabric.weft("rollout", "stop", "--message", "power cut")
        revision = self.commit()["revision"]
        time.sleep(3)
        self.check("the stop switch holds it", self.rollout(revision)["wave"] == 0)
        self.check("and says who and why", self.fabric.json("rollout", "list")["stopped"]["reason"] == "power cut")
        self.has("nobody has it", [before] * 4)
        self.fabric.weft("rollout", "start")
        self.reaches("it goes on", revision, lambda r: r["wave"] == 1)
        self.fabric.weft("rollout", "pause", revision)
        self.players[0].report()
        time.sleep(3)
        self.check("paused: nothing goes on", self.rollout(revision)["wave"] == 1)
        self.fabric.weft("rollout", "resume", revision)
        self.reaches("resumed", revision, lambda r: r["wave"] == 2)
        self.fabric.weft("rollout", "finish", revision)
        self.has("finish gives it to all", [self.value] * 4)
        for player in self.players:
            player.report()
        self.reaches("done", revision, lambda r: r["state"] == "done")
        out = self.fabric.weft("rollout", "pause", revision, check=False)
        self.check("what is over has no buttons", out.returncode != 0 and "is done" in out.stderr, out.stderr)
        revision = self.commit("--rollout", "none")["revision"]
        self.has("none: at once", [self.value] * 4)
        self.check("without a roll-out", self.fabric.weft("rollout", "show", revision, check=False).returncode != 0)
        for player in self.players:
            player.report()

    def rights(self):
        status, answer = self.players[0].ask("POST", "/v1/rollout", {"stopped": True, "reason": ""})
        self.check("a node may not press the stop switch", status == 403, answer)
        status, answer = self.players[0].ask("GET", "/v1/rollout")
        self.check("nor look", status == 403, answer)
        status, answer = self.players[1].ask("PUT", "/v1/rollout-policy/careful", {"waves": []})
        self.check("nor change a policy", status == 403, answer)

    def killed(self):
        before = self.value
        for point in ("cdb.rollout.step", "cdb.rollout.stepped"):
            self.fabric.stop_weftd()
            self.fabric.start_weftd()
            self.fabric.weft("rollout", "stop")
            revision = self.commit()["revision"]
            self.fabric.stop_weftd()
            self.fabric.start_weftd(fail=f"{point}=kill")
            subprocess.run([str(self.fabric.programs / "weft"), "rollout", "start"], env=self.fabric.environment, capture_output=True)
            self.fabric.weftd.wait(30)
            self.check(f"killed at {point}", self.fabric.weftd.returncode == -9, self.fabric.weftd.returncode)
            self.fabric.start_weftd()
            self.reaches(f"it goes on after {point}", revision, lambda r: r["wave"] == 1)
            self.has("the canary alone has it", [self.value, before, before, before])
            self.players[0].report()
            self.reaches("rack 1", revision, lambda r: r["wave"] == 2)
            self.players[1].report()
            self.reaches("rack 2", revision, lambda r: r["wave"] == 3)
            self.players[2].report()
            self.players[3].report()
            self.reaches("done", revision, lambda r: r["state"] == "done")
            before = self.value
        out = self.fabric.json("rollout", "list")
        self.check("all are over", all(r["state"] in ("done", "reverted") for r in out["rollouts"]), out)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build")
    arguments = parser.parse_args()
    with Fabric(arguments.build) as fabric:
        story = Story(fabric)
        story.begin()
        story.policies()
        story.waves()
        story.failing_canary()
        story.automatic_revert()
        story.buttons()
        story.rights()
        story.killed()
    return story.finish()


if __name__ == "__main__":
    sys.exit(main())
