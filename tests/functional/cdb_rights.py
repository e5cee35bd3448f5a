#!/usr/bin/env python3
"""Rights on values through the front door: roles, value rules, owners, refusals with their reasons, explanations; what a malicious editor
tries over HTTP. Real weftd, PostgreSQL and nginx on 127.0.0.1; persons are played with certificates of the server's own CA.

Usage: cdb_rights.py WEFTD WEFT. Ends with 'N passed, N failed'.
"""
import json
import os
import subprocess
import sys

import cdb_commit
from cdb_commit import ROOT, WEFT, World, check, test_import

POLICY = """
groups:
  storage: [alice, mallory]
  boards: [olga, bert]
roles:
  viewer: {persons: [vera]}
  operator: {persons: [otto]}
  editor: {groups: [storage], persons: [erin]}
  administrator: {persons: [root]}
rules:
  - name: storage components
    groups: [storage]
    set: ["/software/components/filecopy/services/{/etc/motd}/**", "/software/components/storage/**"]
    nodes: {cluster: "storage*"}
  - name: disk servers come and go
    persons: [erin]
    add_nodes: true
    remove_nodes: true
    nodes: {role: dirpool}
owners:
  - templates: ["features/motd/*"]
    groups: [boards]
"""
APPROVALS = POLICY + """approvals:
  - name: wide
    nodes: {cluster: "*"}
    more_than: {nodes: 6}
    needs: 2
    roles: [operator]
    groups: [boards, storage]
"""


class Fabric(World):
    """`as_(person, ...)` runs weft with a certificate of that person."""

    def person(self, name):
        pem = self.folder / f"{name}.pem"
        if not pem.exists():
            ca = self.server.state / "ca"
            key, csr, crt = (self.folder / f"{name}.{end}" for end in ("key", "csr", "crt"))
            openssl = lambda *words: subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)
            openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", csr, "-subj",
                    f"/O=weft/OU=person/CN={name}")
            (self.folder / "ext").write_text("keyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth\n")
            openssl("x509", "-req", "-in", csr, "-CA", ca / "ca.crt", "-CAkey", ca / "ca.key", "-CAcreateserial", "-CAserial", self.folder / "serial",
                    "-days", "2", "-extfile", self.folder / "ext", "-out", crt)
            pem.write_text(key.read_text() + crt.read_text())
            (self.folder / f"{name}.yaml").write_text(
                f"server: https://127.0.0.1:{self.server.port}\nca: {self.server.state}/admin/ca.crt\ncertificate: {pem}\nkey: {pem}\n")
        return (pem, None)

    def as_(self, name, *arguments, code=0, what=""):
        self.person(name)
        environment = dict(os.environ, WEFT_CONFIG=str(self.folder / f"{name}.yaml"))
        run = subprocess.run([WEFT, *map(str, arguments)], capture_output=True, text=True, env=environment, timeout=180)
        check(what or f"{name}: weft " + " ".join(map(str, arguments[:3])), run.returncode == code, f"exit {run.returncode}: {run.stdout}{run.stderr}")
        return run

    def edit(self, person, path, content, code=0, message="test", more=()):
        file = self.folder / "content"
        file.write_text(content)
        return self.as_(person, "template", "edit", path, "--set-file", file, "-m", message, *more, code=code, what=f"{person} edits {path}: {code}")

    def text(self, path):
        return self.weft("template", "show", path).stdout

    def set_policy(self, text, *more, code=0):
        file = self.folder / "rights.yaml"
        file.write_text(text)
        return self.weft("rights", "set", file, "-m", "test", *more, check_code=code, what="the policy is set")


def test_without_policy(w):
    check("nobody is bound before there is a policy", "no policy is set" in w.as_("mallory", "rights", "whoami").stdout)
    w.as_("mallory", "template", "list")
    check("weft rights log says so", "no policy was ever set" in w.weft("rights", "log").stdout)
    file = w.folder / "mine.yaml"
    file.write_text("roles: {administrator: {persons: [mallory]}}\n")
    run = w.as_("mallory", "rights", "set", file, "-m", "mine", code=3)
    check("only the first administrator sets the first policy", "first administrator" in run.stderr, run.stderr)


def test_check(w):
    file = w.folder / "rights.yaml"
    file.write_text(POLICY)
    check("a policy is checked without a server", "2 rules" in w.as_("vera", "rights", "check", file).stdout)
    for text, expected in ((POLICY.replace("groups: [storage]\n    set", "groups: [storge]\n    set"), "did you mean storage"),
                           (POLICY.replace("nodes: {role: dirpool}", "nodes: {roll: dirpool}"), "did you mean role"),
                           (POLICY.replace("    nodes: {role: dirpool}\n", ""), "'nodes' is missing"), ("roles: [\n", "rights.yaml")):
        file.write_text(text)
        run = w.weft("rights", "check", file, check_code=1)
        check(f"check says: {expected}", expected in run.stderr, run.stderr)
        run = w.weft("rights", "set", file, "-m", "wrong", check_code=1)
        check("and the server too; nothing is set", w.weft("rights", "show", check_code=None).returncode == 1, run.stderr)
    file.write_text(POLICY + "  - {templates: ['x'], persons: [zoe]}\n")
    out = w.weft("rights", "set", file, "--dry-run").stdout
    check("a dry run shows the difference and sets nothing", "nothing was set" in out and "+  storage: [alice, mallory]" in out, out)


def test_policy(w):
    w.set_policy(POLICY)
    check("the policy is in force", w.weft("rights", "show").stdout.strip() == POLICY.strip())
    answer = w.weft_json("rights", "set", w.folder / "rights.yaml", "-m", "again")
    check("the same again is no change", answer["unchanged"] and answer["number"] == 1, answer)
    run = w.set_policy(POLICY + "# more\n", "--base", "7", code=1)
    check("a policy that moved is not overwritten", "moved" in run.stderr or "policy 7" in run.stderr, run.stderr)
    for person, expected in (("root", "set everything"), ("alice", "storage components"), ("vera", "no rule is for you"), ("stranger", "you may do nothing")):
        check(f"whoami of {person}", expected in w.as_(person, "rights", "whoami").stdout)
    row = json.loads(w.server.get("/v1/audit?limit=1", w.admin)[2])["audit"][0]
    check("the audit names who set it", row["action"] == "rights.set" and row["actor"] == "admin", row)


def test_roles(w):
    may = lambda person, method, path, body=None: w.server.get(path, w.person(person), {}, method, body)[0]
    for path in ("/v1/node", "/v1/template", "/v1/revision", "/v1/profile/disk01.example.org", "/v1/audit", "/v1/rights", "/v1/profile/disk01.example.org/explain?path=/system"):
        check(f"a stranger may not GET {path}", may("stranger", "GET", path) == 403)
        check(f"a viewer may GET {path}", may("vera", "GET", path) == 200)
    change = {"message": "x", "edits": [{"path": "site/x.pan", "content": "unique template site/x;\n"}]}
    for person in ("stranger", "vera", "otto"):
        check(f"{person} commits nothing", may(person, "POST", "/v1/change", change) == 403)
        check(f"{person} plans nothing", may(person, "POST", "/v1/change", dict(change, dry_run=True)) == 403)
        check(f"{person} reverts nothing", may(person, "POST", "/v1/revision/1/revert", {"dry_run": True}) == 403)
        check(f"{person} sets no policy", may(person, "POST", "/v1/rights", {"text": "roles: {}", "message": "x"}) == 403)
    check("an editor sets no policy", may("mallory", "POST", "/v1/rights", {"text": "roles: {}", "message": "x"}) == 403)
    token = {"node": "disk05.example.org", "ttl": "1h"}
    check("an operator makes enrolment tokens, an editor does not", may("otto", "POST", "/v1/enrol/token", token) == 200 and
          may("mallory", "POST", "/v1/enrol/token", token) == 403)
    for person in ("vera", "mallory"):
        check(f"{person} takes no roll-out back and stops none", may(person, "POST", "/v1/rollout/1", {"action": "revert", "reason": "x"}) == 403 and
              may(person, "POST", "/v1/rollout", {"stopped": True, "reason": "x"}) == 403)
    check("an operator sets no roll-out policy", may("otto", "DELETE", "/v1/rollout-policy/x") == 403)
    run = w.as_("vera", "template", "edit", "site/x.pan", "--remove", "-m", "x", code=3)
    check("the refusal names the role and the way out", "has not the role editor" in run.stderr and "whoami" in run.stderr, run.stderr)


def test_values(w):
    messages = w.text("site/messages.pan")
    head = w.head()
    own = messages.replace('variable SITE_MESSAGE = ', 'variable SITE_MESSAGE = "x" + ') if "variable SITE_MESSAGE = " in messages else None
    check("the example has a site message", own is not None, messages)
    run = w.edit("mallory", "site/messages.pan", own, code=3)
    check("a shared template cannot carry a value to other nodes", "batch01.example.org" in run.stderr and "/etc/motd" in run.stderr and
          "no rule allows it to person mallory" in run.stderr and "administrator" in run.stderr and "disk01" not in run.stderr, run.stderr)
    run = w.edit("mallory", "site/messages.pan", own, code=3, more=["--json"])
    refusals = json.loads(run.stdout)["rights"]["refusals"]
    check("the same as JSON", {n for r in refusals for n in r["nodes"]} == {n for n in w.names if not n.startswith("disk")}, refusals)
    out = w.edit("mallory", "site/messages.pan", own, more=["--dry-run"]).stdout
    check("a plan tells what would be refused", "not within your rights" in out and "nothing was stored" in out, out)
    check("nothing was stored", w.head() == head and w.text("site/messages.pan") == messages)
    profile = w.text("profiles/disk01.example.org.pan")
    motd = '"/software/components/filecopy/services/{/etc/motd}/config" = "mine";\n'
    w.edit("alice", "profiles/disk01.example.org.pan", profile + motd)
    check("what the rules allow is committed", w.head() == head + 1)
    run = w.edit("alice", "profiles/disk01.example.org.pan", profile + motd + '"/system/state" = "standby";\n', code=3)
    check("one value too many refuses the whole", "set /system/state" in run.stderr and w.head() == head + 1, run.stderr)
    w.edit("root", "profiles/disk01.example.org.pan", profile)
    run = w.as_("alice", "template", "revert", head + 2, code=0)
    check("a revert within the rights passes", w.head() == head + 3)
    w.edit("root", "profiles/batch01.example.org.pan", w.text("profiles/batch01.example.org.pan") + motd)
    run = w.as_("alice", "template", "revert", head + 4, code=3)
    check("a revert beyond the rights is refused", "batch01" in run.stderr, run.stderr)
    w.as_("root", "template", "revert", head + 4)
    w.edit("root", "profiles/disk01.example.org.pan", profile)


def test_files_and_nodes(w):
    head = w.head()
    run = w.edit("mallory", "features/motd/config.pan", w.text("features/motd/config.pan") + "# mine\n", code=3)
    check("a template with owners is theirs", "edit features/motd/config.pan" in run.stderr and "group boards" in run.stderr, run.stderr)
    run = w.edit("mallory", "weft.yaml", w.text("weft.yaml").replace('"profiles/*.pan"', '"profiles/d*.pan"'), code=3)
    check("weft.yaml is the administrators', and nodes do not vanish by it", "edit weft.yaml" in run.stderr and "remove nodes" in run.stderr, run.stderr)
    new = w.text("profiles/disk12.example.org.pan").replace("disk12", "disk13").replace('"unit", 14', '"unit", 15').replace("EX-DS-1012", "EX-DS-1013")
    run = w.edit("mallory", "profiles/disk13.example.org.pan", new, code=3)
    check("adding a node is a right of its own", "add nodes" in run.stderr and "disk13" in run.stderr and "erin" in run.stderr, run.stderr)
    run = w.as_("mallory", "template", "edit", "profiles/proxy01.example.org.pan", "--remove", "-m", "x", code=3)
    check("removing too", "remove nodes" in run.stderr, run.stderr)
    check("nothing of it was stored", w.head() == head)


def test_explain(w):
    run = w.as_("alice", "rights", "explain", "--node", "disk01", "--path", "/system/state", code=3)
    check("explain: no rule", "may not" in run.stdout and "no rule allows it to person alice" in run.stdout and "storage components" in run.stdout, run.stdout)
    answer = json.loads(w.as_("vera", "rights", "explain", "--as", "alice", "--node", "disk01", "--path",
                              "/software/components/storage/x", "--json").stdout)
    check("explain for somebody else", answer["allowed"] and "storage components" in answer["reason"], answer)
    answer = json.loads(w.as_("alice", "rights", "explain", "--node", "batch01", "--path", "/software/components/storage/x", "--json", code=3).stdout)
    check("explain: another cluster", not answer["allowed"] and [s["node"] for s in answer["steps"]][0] is False and answer["could"] == [], answer)
    w.as_("erin", "rights", "explain", "--node", "disk02", "--remove")
    run = w.as_("erin", "rights", "explain", "--node", "dsk02", "--remove", code=1)
    check("a wrong node gets a suggestion", "did you mean disk02" in run.stderr, run.stderr)


def test_review(w):
    w.set_policy(APPROVALS)
    head, messages = w.head(), w.text("site/messages.pan")
    wide = messages.replace('variable SITE_MESSAGE = ', 'variable SITE_MESSAGE = "reviewed: " + ')
    run = w.edit("root", "site/messages.pan", wide, code=3)
    check("a wide change needs approvals, also an administrator's", "approvals needed" in run.stderr and "2 approvals from" in run.stderr and
          "24 nodes" in run.stderr and w.head() == head, run.stderr)
    out = w.edit("mallory", "site/messages.pan", wide, more=["--propose"]).stdout
    check("a proposal is kept with plan and what is missing", "proposal 1 is kept" in out and "not within your rights" in out and "approvals needed" in out, out)
    check("it commits nothing", w.head() == head)
    check("it is listed", "mallory" in w.as_("vera", "review", "list").stdout)
    run = w.as_("mallory", "review", "approve", 1, code=3)
    check("nobody approves his own", "your own" in run.stderr, run.stderr)
    w.as_("stranger", "review", "approve", 1, code=3)
    w.as_("vera", "review", "reject", 1, "-m", "no", code=3)
    run = w.as_("mallory", "review", "commit", 1, code=3)
    check("without approvals it is not committed", "approvals needed" in run.stderr and w.head() == head, run.stderr)
    w.as_("vera", "review", "approve", 1)
    w.as_("otto", "review", "approve", 1, "-m", "tried")
    w.as_("alice", "review", "approve", 1)
    run = w.as_("mallory", "review", "commit", 1, code=3)
    check("approvals count by the rule; rights are still missing", "approvals needed" not in run.stderr and "no rule allows" in run.stderr, run.stderr)
    shown = json.loads(w.as_("vera", "review", "show", 1, "--json").stdout)
    # Something of the plan moves: who approves must look again.
    w.edit("root", "profiles/disk01.example.org.pan", w.text("profiles/disk01.example.org.pan").replace('"unit", 10', '"unit", 9'))
    w.as_("root", "review", "approve", 1)
    run = w.as_("mallory", "review", "commit", 1, code=1)
    check("approvals of another plan do not count", "planned again" in run.stderr and "3 approvals" in run.stderr or "4 approvals" in run.stderr, run.stderr)
    run = w.as_("otto", "review", "approve", 1, "--effect", shown["effect"], code=1)
    check("nor may the old plan be approved", "another plan" in run.stderr, run.stderr)
    check("the reviews of before are marked", "does not count" in w.as_("vera", "review", "show", 1).stdout)
    for person in ("root", "otto", "olga"):
        w.as_(person, "review", "approve", 1, code=3 if person == "olga" else 0)
    w.as_("alice", "review", "approve", 1)
    out = w.as_("mallory", "review", "commit", 1).stdout
    check("with rights lent and enough approvals it is committed", w.head() == head + 2 and "revision" in out, out)
    log = w.weft_json("template", "log")["revisions"][0]
    check("as its author's, with who approved it", log["author"] == "mallory" and "Approved-by: alice, otto, root" in log["message"], log)
    check("it is closed", w.as_("mallory", "review", "commit", 1, code=1).stderr.count("committed already") == 1)
    w.as_("alice", "review", "reject", 1, "-m", "late", code=1)
    actions = [a["action"] for a in json.loads(w.server.get("/v1/audit?limit=20", w.admin)[2])["audit"]]
    check("the audit has every step", {"review.propose", "review.approve", "review.committed"} <= set(actions), actions)
    w.edit("mallory", "site/messages.pan", messages, more=["--propose"])
    run = w.as_("alice", "review", "reject", 2, code=2)
    w.as_("alice", "review", "reject", 2, "-m", "why")
    check("a rejected one is closed", "rejected" in w.as_("alice", "review", "commit", 2, code=1).stderr and "no open" in w.as_("vera", "review", "list").stdout)
    w.edit("mallory", "site/messages.pan", messages, more=["--propose"])
    w.as_("alice", "review", "withdraw", 3, code=3)
    w.as_("mallory", "review", "withdraw", 3)
    run = w.as_("vera", "review", "show", 99, code=1)
    check("an unknown one", "no proposal 99" in run.stderr, run.stderr)
    w.set_policy(POLICY)


def test_narrow(w):
    check("the first administrator cannot be locked out", w.set_policy("roles: {}\n").returncode == 0)
    check("a policy without rules stops everybody else", w.server.get("/v1/node", w.person("root"))[0] == 403 and w.server.get("/v1/node", w.admin)[0] == 200)
    out = w.weft("rights", "log").stdout
    check("every policy is kept", out.count("admin") == 4 and w.weft("rights", "show", 1).stdout.strip() == POLICY.strip(), out)
    w.set_policy(POLICY)


def story(w):
    test_import(w)
    test_without_policy(w)
    test_check(w)
    test_policy(w)
    test_roles(w)
    test_values(w)
    test_files_and_nodes(w)
    test_explain(w)
    test_review(w)
    test_narrow(w)


if __name__ == "__main__":
    sys.exit(cdb_commit.tell("weft-rights-", Fabric, story))
