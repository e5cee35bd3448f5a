#!/usr/bin/env python3
"""Questions to the configuration database through its front door: selections, values now and in the past, histories, SQL as the reader,
the fabric's status, the audit. Real weftd (roles cdb and leaf), PostgreSQL and nginx; nodes are played with certificates of their own.

Usage: cdb_queries.py WEFTD WEFT. Ends with 'N passed, N failed'.
"""
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import cdb_commit as cdb
from cdb_commit import ROOT, World, check, enrol

DISKS = [f"disk{i:02}.example.org" for i in range(1, 13)]


class Server(cdb.Server):
    def spawn(self, fail=""):
        environment = dict(os.environ, **({"WEFT_FAIL": fail} if fail else {}))
        self.process = subprocess.Popen([cdb.WEFTD, "--state", str(self.state), "--listen", f"127.0.0.1:{self.port}", "--roles", "cdb,leaf", "--config",
                                         str(self.folder / "weftd.yaml")], stderr=self.log, stdin=subprocess.DEVNULL, env=environment)


def names(w, selection):
    return [n["name"] for n in w.weft_json("node", "list", "--select", selection)["nodes"]]


def sql(w, statement):
    """As the reader of the views."""
    url = f"host={w.server.state}/pg/run dbname=weft user=weft options='-c role=weft_reader'"
    run = subprocess.run(["psql", url, "-AtqX", "-v", "ON_ERROR_STOP=1", "-c", statement], capture_output=True, text=True)
    return run.stdout.strip().split("\n") if run.returncode == 0 else run.stderr


def change(w, message, content):
    """A claim-like fragment for disk01, as revision."""
    status, body = w.server.post("/v1/change", {"message": message, "edits": [{"path": "sms/disk01.example.org.pan", "content": content}]}, w.admin)
    check(f"commit '{message}'", status == 200, body)
    return body["revision"]


def fragment(state):
    return f'unique template sms/disk01.example.org;\n"/system/state" = "{state}";\n'


def test_selection(w):
    check("attributes", names(w, "role=dirpool") == DISKS)
    check("globs, and, not", names(w, "name=disk* and not rack in (R1, R2)") == DISKS[6:], names(w, "name=disk* and not rack in (R1, R2)"))
    check("or and parentheses", names(w, "(role=proxy or role=batch) and rack=R1") == names(w, "rack=R1 and role in (proxy, batch)") != [])
    check("a path of the profile", names(w, "/hardware/sysloc/unit>10 and rack=R1") and
          set(names(w, "/hardware/sysloc/unit>10 and rack=R1")) == set(names(w, "unit>10 and rack=R1")))
    check("versions", len(names(w, "kernel<6.2")) == 24 and names(w, "kernel<6.1") == [] and len(names(w, "kernel>=6.1.0-9")) == 24)
    check("a regular expression", names(w, "name~'^disk0[12]'") == DISKS[:2])
    check("short names", names(w, "name=disk01") == DISKS[:1])
    check("nobody reported", len(names(w, "outcome=none and in_sync=false")) == 24)
    check("with the other filters", [n["name"] for n in w.weft_json("node", "list", "--rack", "R1", "--select", "role=dirpool")["nodes"]] == DISKS[:3])
    for wrong, said in (("rol=disk", "did you mean role"), ("", "never means all"), ("role=disk rack=R1", "expected 'and', 'or' or the end"),
                        ("/hardware/sysloc/rak=R1", "did you mean /hardware/sysloc/rack"), ("disk01", "name=disk01"), ("role~'('", "wrong regular expression"),
                        ("/system=x", "holds values")):
        run = w.weft("node", "list", "--select", wrong, check_code=None)
        check(f"refused in words: {wrong!r}", run.returncode in (1, 2) and said in run.stderr, run.stderr)
    run = w.weft("node", "list", "--select", "role=dirpool and rol=x", check_code=None)
    check("with a caret below the place", "\n  role=dirpool and rol=x\n                   ^" in run.stderr, run.stderr)
    before = w.roots()
    for attack in ("name='x' or 1=1", "name=\"'; drop table cdb.node; --\"", "name=x'); delete from cdb.node; --", "/x' or '1'='1=1",
                   "name~'(.*)*(.*)*(.*)*(.*)*$x'", "name='\\' or true --'", "name in ('a\\', 'b') --"):
        status, _, body = w.server.get("/v1/node?select=" + cdb_quote(attack), w.admin)
        found = json.loads(body).get("nodes") if status == 200 else []
        check(f"SQL in a selection gets nowhere: {attack!r}", status in (200, 400, 404, 429, 507) and found == [], (status, body[:300]))
    status, _, body = w.server.get("/v1/node?select=" + "x" * 4500, w.admin)
    check("a huge selection is refused", status == 400, status)
    check("all that changed nothing", w.roots() == before)


def cdb_quote(text):
    return "".join(f"%{byte:02X}" for byte in text.encode())


def test_selected_commands(w):
    run = w.weft("sms", "set", "maintenance", "no such", "--select", "role=nothing", check_code=None)
    check("an empty selection is an error, never all", run.returncode == 1 and "never means all" in run.stderr, run.stderr)
    run = w.weft("sms", "set", "maintenance", "none named", check_code=None)
    check("no node and no selection", run.returncode == 1 and "--select" in run.stderr, (run.returncode, run.stderr))
    check("nothing was claimed", w.weft_json("sms", "show")["claims"] == [])
    run = w.weft("sms", "set", "maintenance", "too many", "--select", "role=dirpool", check_code=None)
    check("many nodes need --expect", run.returncode != 0 and "expect" in run.stderr, run.stderr)
    claimed = w.weft_json("sms", "set", "standby", "selected", "--select", "name~'^svc0[12]'")
    check("sms set --select", sorted(c["node"] for c in claimed["claims"]) == ["svc01.example.org", "svc02.example.org"], claimed)
    check("sms show --select", {c["node"] for c in w.weft_json("sms", "show", "--select", "name=svc01")["claims"]} == {"svc01.example.org"})
    check("sms clear --select", "2 claims cleared" in w.weft("sms", "clear", "standby", "selected", "--select", "role=service").stdout)
    run = w.weft("node", "wait", "--select", "role=nothing", check_code=None)
    check("wait for an empty selection", run.returncode == 1 and "never means all" in run.stderr, run.stderr)


def test_history(w):
    base = w.head()
    first = change(w, "out of service", fragment("maintenance"))
    between = time.time()
    time.sleep(1.1)
    second = change(w, "still out", fragment("standby"))
    w.weft("template", "revert", str(second))
    third = w.head()
    moves = w.weft_json("value", "history", "disk01", "/system/state")["changes"]
    check("every change, newest first", [(m["revision"], m["before"], m["after"]) for m in moves[:3]] ==
          [(third, "standby", "maintenance"), (second, "maintenance", "standby"), (first, "production", "maintenance")], moves)
    check("who and why", moves[2]["author"] == "admin" and moves[2]["message"] == "out of service" and moves[-1]["change"] == "added", moves)
    check("what was taken back", moves[1]["reverted_by"] == third and moves[0]["reverts"] == second, moves)
    text = w.weft("value", "history", "disk01", "/system/state").stdout
    check("as text", f"revision {second}" in text and f"reverted by {third}" in text and "maintenance → standby" in text, text)
    check("below a path", {m["path"] for m in w.weft_json("value", "history", "disk01", "/hardware/sysloc")["changes"]} >=
          {"/hardware/sysloc/rack", "/hardware/sysloc/unit"})
    for path, said in (("/system/stat", "did you mean /system/state"), ("system/state", "is no path"), ("/software/components/storage/pools/x", "no profile")):
        run = w.weft("value", "history", "disk01", path, check_code=None)
        check(f"no history of {path}", run.returncode in (1, 2) and said in run.stderr, run.stderr)
    run = w.weft("value", "history", "dsk01", "/system/state", check_code=1)
    check("nor of a misspelt node", "did you mean disk01" in run.stderr, run.stderr)

    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(between + 1))
    for at, expected in ((str(first), "maintenance"), (str(base), "production"), (str(second), "standby"), (stamp, "maintenance")):
        check(f"profile show --at {at}", w.weft("profile", "show", "disk01", "/system/state", "--at", at).stdout == expected + "\n")
        shown = w.weft_json("node", "show", "disk01", "--at", at)
        check(f"node show --at {at}", shown["attributes"]["state"] == expected and shown["attributes"]["kernel"].startswith("6.1"), shown)
        found = w.weft_json("query", "name=disk01", "--path", "/system/state", "--at", at)
        check(f"query --at {at}", found["nodes"] == [{"node": DISKS[0], "values": {"/system/state": expected}}], found)
    check("a selection of the past", [n["node"] for n in w.weft_json("query", "state=standby", "--path", "/system/state", "--at", str(second))["nodes"]] == DISKS[:1])
    for at in ("1999-01-01T00:00:00Z", "5000 days ago", "99999"):
        run = w.weft("profile", "show", "disk01", "--at", at, check_code=None)
        check(f"no profile at {at}", run.returncode == 1, run.stderr)
    run = w.weft("profile", "show", "disk01", "--at", "yesterdayish", check_code=None)
    check("what is no moment", run.returncode == 1 and "'2 days ago'" in run.stderr, run.stderr)
    check("a moment ago", w.weft("profile", "show", "disk01", "/system/state", "--at", "1s ago", check_code=None).stdout in ("maintenance\n", "standby\n"))
    run = w.weft("query", "in_sync=true", "--path", "/system/state", "--at", str(first), check_code=None)
    check("reports have no past", run.returncode == 1 and "not known of the past" in run.stderr, run.stderr)
    check("profile diff --select", "production → maintenance" in re.sub(r'["\s]+', " ", w.weft("profile", "diff", "--select", "rack=R1", str(base), str(first)).stdout)
          and DISKS[0] in w.weft("profile", "diff", "--select", "rack=R1", str(base), str(first)).stdout)


def test_query(w):
    out = w.weft("query", "rack=R1", "--path", "/system/state", "--path", "/hardware/sysloc/unit").stdout
    check("a table", out.split("\n")[0].split() == ["NODE", "/hardware/sysloc/unit", "/system/state"] and "disk01.example.org" in out, out)
    found = w.weft_json("query", "name=disk01", "--path", "/hardware/sysloc/*")
    check("patterns", {"/hardware/sysloc/rack", "/hardware/sysloc/unit"} <= set(found["nodes"][0]["values"]), found)
    check("all nodes", len(w.weft_json("query", "--path", "/system/state")["nodes"]) == 24)
    run = w.weft("query", "--path", "/system/stte", check_code=1)
    check("a path that nobody has", "did you mean /system/state" in run.stderr, run.stderr)
    check("a path is needed", w.weft("query", "role=dirpool", check_code=None).returncode == 2)
    check("nobody selected", "no node matches" in w.weft("query", "role=nobody", "--path", "/system/state").stdout)


def test_sql(w):
    check("current_value", sql(w, "select value, count(*) from fabric.current_value where path = '/system/state' group by 1 order by 1") ==
          ["maintenance|1", "production|23"], sql(w, "select value, count(*) from fabric.current_value where path = '/system/state' group by 1 order by 1"))
    profile = json.loads(w.weft("profile", "show", "disk01", "--json").stdout)

    def leaves(value, path=""):
        children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        if not children or not value:
            return {path: value}
        return {k: v for key, child in children for k, v in leaves(child, f"{path}/{key}").items()}

    rows = json.loads("".join(sql(w, "select json_object_agg(path, case when type = 'string' then to_json(value) else value::json end) "
                                     "from fabric.current_value where node = 'disk01.example.org'")))
    check("a whole profile, value for value", rows == leaves(profile), {k for k in set(rows) ^ set(leaves(profile))})
    check("value_history", sql(w, "select old, new from fabric.value_history where node = 'disk01.example.org' and path = '/system/state' "
                                  "order by revision desc limit 1") == ["standby|maintenance"])
    check("package", int(sql(w, "select count(distinct name) from fabric.package")[0]) > 0, sql(w, "select count(distinct name) from fabric.package"))
    check("node", sql(w, "select count(*) from fabric.node where role = 'dirpool'") == ["12"])
    for statement in ("select * from cdb.token", "select * from cdb.profile", "delete from fabric.node", "update cdb.node set name = 'x'", "create table fabric.t (i int)"):
        check(f"the reader may not: {statement}", "permission denied" in str(sql(w, statement)) or "cannot" in str(sql(w, statement)), sql(w, statement))


def test_status(w):
    status = w.weft_json("fabric", "status")
    check("nobody reported yet: no trouble", status["healthy"] and status["counts"]["never_reported"] == 24, status)
    shown = {n["name"]: n for n in w.weft_json("node", "list")["nodes"]}
    who = {name: enrol(w, name)[0] for name in DISKS[:4]}
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())

    def report(name, outcome, message="", **more):
        body = {"root": shown[name]["desired_root"], "revision": shown[name]["desired_revision"], "outcome": outcome, "started": now, "duration_ms": 5,
                "components": [{"name": "spma", "outcome": "failed" if message else "changed", "message": message, "actions": 1}], **more}
        check(f"{name} reports {outcome}", w.server.post(f"/v1/node/{name}/report", body, who[name])[0] == 200)

    report(DISKS[0], "ok", reboot_needed=True)
    status = w.weft_json("fabric", "status")
    check("one in sync, one reboot", status["healthy"] and status["counts"]["in_sync"] == 1 and status["reboot_needed"] == DISKS[:1], status)
    report(DISKS[1], "failed", f"{DISKS[1]}: cannot reach the mirror")
    report(DISKS[2], "partial", "disk03: cannot reach the mirror")
    status = w.weft_json("fabric", "status", code=1)
    check("failures are put together", status["failing"] == [{"component": "spma", "outcome": "failed", "message": "NODE: cannot reach the mirror",
                                                              "nodes": DISKS[1:3]}] and not status["healthy"], status)
    run = w.weft("fabric", "status", check_code=1)
    check("as text", "1 in sync" in run.stdout and "2 failed" in run.stdout and "spma failed on 2 nodes" in run.stdout and "oldest lag" in run.stdout, run.stdout)
    check("a selection that is well", w.weft("fabric", "status", "--select", "name=disk01").returncode == 0)
    run = w.weft("fabric", "status", "--select", "role=nothing", check_code=1)
    check("a check of nothing fails", "never means all" in run.stderr, run.stderr)
    check("selected by outcome", names(w, "outcome in (failed, partial)") == DISKS[1:3] and names(w, "reboot_needed=true") == DISKS[:1] and names(w, "in_sync=true") == DISKS[:1])
    report(DISKS[1], "ok")
    report(DISKS[2], "ok")
    check("all well again", w.weft_json("fabric", "status")["healthy"])
    change(w, "behind now", fragment("production"))
    status = w.weft_json("fabric", "status")
    check("behind, and no trouble yet", status["counts"]["behind"] == 1 and status["oldest_lag"]["node"] == DISKS[0] and status["healthy"], status)
    time.sleep(2)
    check("late", w.weft_json("fabric", "status", "--max-lag", "1s", code=1)["late"] == DISKS[:1])
    for wrong in ("?silent_after=1", "?max_lag=x", "?selct=x"):
        check(f"refused: {wrong}", w.server.get("/v1/fabric/status" + wrong, w.admin)[0] == 400)
    return who


def test_audit(w):
    records = w.weft_json("audit", "list", "--limit", "1000")["audit"]
    check("commits and tokens are there", {"template.commit", "template.revert"} <= {r["action"] for r in records}, {r["action"] for r in records})
    some = w.weft_json("audit", "list", "--action", "template.*", "--actor", "admin")["audit"]
    check("by action and actor", some and all(r["action"].startswith("template.") and r["actor"] == "admin" for r in some))
    check("nobody of that name", "no record" in w.weft("audit", "list", "--actor", "' or true --").stdout)
    check("since", w.weft_json("audit", "list", "--since", "1h")["audit"] and not w.weft_json("audit", "list", "--since", "2999-01-01")["audit"])
    lines = [json.loads(line) for line in w.weft("audit", "export").stdout.splitlines()]
    previous = "00" * 32
    good = True
    for line in lines:
        good = good and line["previous"] == previous and hashlib.sha256(bytes.fromhex(previous) + line["record"].encode()).hexdigest() == line["hash"]
        previous = line["hash"]
    check("the export is a chain that anybody can check", good and [line["id"] for line in lines] == list(range(1, len(lines) + 1)), len(lines))
    run = w.weft("audit", "verify")
    known = re.search(r"--known (\S+)", run.stdout)
    check("verify", known and known[1] == f"{len(lines)}:{previous}", run.stdout)
    w.weft("audit", "verify", "--known", known[1], what="a known hash is still there")
    run = w.weft("audit", "verify", "--known", f"1:{previous}", check_code=1)
    check("another hash is found", "record 1 has another hash" in run.stdout and "written anew" in run.stdout, run.stdout)
    check("a wrong --known", w.weft("audit", "verify", "--known", "7", check_code=None).returncode == 1)
    url = f"host={w.server.state}/pg/run dbname=weft user=weft"
    subprocess.run(["psql", url, "-qX", "-c", "alter table cdb.audit disable trigger audit_append_only; "
                                              "update cdb.audit set record = replace(record, 'out of service', 'nothing much') where record like '%out of service%'"],
                   check=True, capture_output=True)
    run = w.weft("audit", "verify", check_code=1)
    check("a changed record is named, with what it means", re.search(r"the content of record \d+ does not have its hash", run.stdout) and
          "changed after it was written" in run.stdout, run.stdout)
    check("and as JSON", w.weft_json("audit", "verify", code=1)["broken"] > 0)


def test_rights(w, who):
    for path in ("/v1/value?path=/system/state", "/v1/fabric/status", "/v1/audit/verify", "/v1/audit/export", "/v1/node/disk02.example.org/history?path=/system/state",
                 "/v1/node?select=role=dirpool", "/v1/node/disk02.example.org?at=1", "/v1/profile/disk02.example.org?at=1", "/v1/profile/disk01.example.org?at=1"):
        for name, identity in (("a node", who[DISKS[0]]), ("nobody", None)):
            check(f"{name} is refused {path[:40]}", w.server.get(path, identity)[0] in (401, 403), w.server.get(path, identity))


def test_crash(w):
    """Killed while values are recorded: the next start goes on, and the answers are right."""
    w.server.stop()
    try:
        w.server.start("cdb.values.stored=kill")
    except RuntimeError:
        pass
    try:
        w.server.post("/v1/change", {"message": "then killed", "edits": [{"path": "sms/disk02.example.org.pan",
                                     "content": fragment("maintenance").replace("disk01", "disk02")}]}, w.admin)
    except (OSError, cdb.http.client.HTTPException):
        pass
    w.server.process.wait(timeout=60)
    w.server.start()
    check("values are complete after a crash", names(w, "/system/state=maintenance") == names(w, "state=maintenance") == ["disk02.example.org"],
          (names(w, "/system/state=maintenance"), names(w, "state=maintenance")))


def main():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="weft-queries-", dir="/var/lib" if os.geteuid() == 0 else None))
    folder.chmod(0o755)
    w = World(folder)
    w.server = Server(folder)
    try:
        w.server.start()
        w.weft("template", "import", ROOT / "templates/example", f"{ROOT}/schemas/pan=schemas", "-m", "import the example")
        test_selection(w)
        test_history(w)
        test_query(w)
        test_sql(w)
        who = test_status(w)
        test_rights(w, who)
        test_selected_commands(w)
        test_crash(w)
        test_audit(w)
    finally:
        w.server.stop()
        if os.environ.get("WEFT_KEEP"):
            print("kept:", folder)
        else:
            cdb.shutil.rmtree(folder, ignore_errors=True)
    print(f"{cdb.passed} passed, {cdb.failed} failed")
    return 1 if cdb.failed or not cdb.passed else 0


if __name__ == "__main__":
    sys.exit(main())
