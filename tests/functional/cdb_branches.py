#!/usr/bin/env python3
"""Branches and working copies as people use them: several at once, conflicts shown exactly, merges, picks, nodes that move. Real weftd,
PostgreSQL and nginx on 127.0.0.1.

Usage: cdb_branches.py WEFTD WEFT. Ends with 'N passed, N failed'.
"""
import json
import pathlib
import re
import shutil
import sys
import tempfile
import threading

import cdb_commit
from cdb_commit import ROOT, World, check


def edit(site, path, old, new):
    file = site / path
    text = file.read_text()
    assert text.count(old) == 1, (path, old)
    file.write_text(text.replace(old, new))


def checkout(w, name, branch="main"):
    folder = w.folder / name
    shutil.rmtree(folder, ignore_errors=True)
    w.weft("template", "checkout", folder, "--branch", branch)
    return folder


def head(w, branch):
    return next(b["head"] for b in w.weft_json("branch", "list")["branches"] if b["name"] == branch)


def test_sandbox(w):
    out = w.weft("branch", "create", "alice", "--description", "a new motd").stdout
    check("a sandbox is made from main", "sandbox alice from main@1: 24 profiles, revision 2" in out, out)
    before = w.roots()
    site = checkout(w, "alice", "alice")
    edit(site, "site/messages.pan", "Welcome to example.org.", "Welcome to Alice's example.org.")
    out = w.weft("template", "plan", site).stdout
    check("its plan says that no machine notices", "24 nodes change" in out and "none of them follows alice: nothing changes on a machine" in out, out)
    w.weft("template", "commit", site, "-m", "friendlier")
    check("no node's desired profile moved", w.roots() == before and head(w, "main") == 1 and head(w, "alice") == 3)
    shown = w.weft("branch", "show", "alice").stdout
    check("show names the files that differ", "from      main@1 by admin" in shown and "changed  site/messages.pan" in shown, shown)
    check("templates of a branch", "Alice's" in w.weft("template", "show", "site/messages.pan", "--branch", "alice").stdout and
          "Alice's" not in w.weft("template", "show", "site/messages.pan").stdout)
    log = w.weft_json("template", "log", "--branch", "alice")["revisions"]
    check("the log of a branch", [r["revision"] for r in log] == [3, 2] and log[0]["message"] == "friendlier", log)


def test_names(w):
    for name, code in (("Alice", 1), ("../etc", 1), ("a/b", 1), ("", None), ("x" * 65, 1), ("alice", 1), ("main", 1), (".git", 1), ("a..b", 1)):
        run = w.weft("branch", "create", name, check_code=None)
        check(f"branch name {name[:10]!r} is refused", run.returncode in (1, 2) and run.stderr, run.stderr)
    run = w.weft("branch", "show", "alicf", check_code=1)
    check("a wrong name gets a suggestion", "did you mean alice" in run.stderr, run.stderr)
    run = w.weft("branch", "create", "x1", "--from", "main@x", check_code=1)
    check("a wrong revision", "BRANCH@REVISION" in run.stderr, run.stderr)
    run = w.weft("branch", "create", "x1", "--from", "main@999", check_code=1)
    check("a revision that is not there", "has no revision 999" in run.stderr, run.stderr)
    run = w.weft("branch", "delete", "main", check_code=1)
    check("main stays", "cannot be deleted" in run.stderr, run.stderr)
    for path in ("/v1/branch/..%2f..%2fetc", "/v1/branch/%00", "/v1/branch/a%20b"):
        check(f"{path} is refused", w.server.get(path, w.admin)[0] in (400, 404))
    for body in ({"name": "y1", "kind": "trunk"}, {"name": 1}, {"nam": "y1"}, {"name": "y1", "revision": 0}, {"name": "y1", "from": "x" * 65}):
        check(f"refused: {body}", w.server.post("/v1/branch", body, w.admin)[0] in (400, 404))
    check("strangers make no branch", w.server.post("/v1/branch", {"name": "z1"})[0] in (401, 403))
    check("services make no branch", w.server.post("/v1/branch", {"name": "z1"}, (w.server.state / "ca/service.pem", None))[0] == 403)
    check("all that made nothing", {b["name"] for b in w.weft_json("branch", "list")["branches"]} == {"main", "alice"})


def test_merge(w):
    site = checkout(w, "bob")
    edit(site, "site/messages.pan", "The newest disk server: tell the storage team if it is slow.", "The newest disk server.")
    w.weft("template", "commit", site, "-m", "shorter")
    before = head(w, "main")
    out = w.weft("branch", "merge", "alice", "into", "main", "--dry-run").stdout
    check("a merge is planned first", "24 nodes change" in out and "merged site/messages.pan: both sides changed it, in different lines" in out and
          head(w, "main") == before, out)
    out = w.weft("branch", "merge", "alice", "into", "main", "-m", "alice's motd").stdout
    text = w.weft("template", "show", "site/messages.pan").stdout
    check("lines of both sides", "Welcome to Alice's" in text and '"The newest disk server."' in text, text)
    check("merging again does nothing", "nothing to do" in w.weft("branch", "merge", "alice", "into", "main").stdout)
    run = w.weft("branch", "merge", "alice", "onto", "main", check_code=2)
    one = w.weft_json("template", "log", str(head(w, "main")))
    check("the revision knows what it merged", one["merged"] == "alice" and one["merged_revision"] == 3, one)


def test_conflict(w):
    base = head(w, "main")
    w.weft("branch", "create", "carol")
    carol, dave = checkout(w, "carol", "carol"), checkout(w, "dave")
    edit(carol, "site/messages.pan", "Welcome to Alice's example.org.", "Carol's example.org.")
    w.weft("template", "commit", carol, "-m", "carol's words")
    edit(dave, "site/messages.pan", "Welcome to Alice's example.org.", "Dave's example.org.")
    w.weft("template", "commit", dave, "-m", "dave's words")
    c, d = head(w, "carol"), head(w, "main")
    run = w.weft("branch", "merge", "carol", "into", "main", check_code=1)
    line = 'variable SITE_MESSAGE = "{} This machine is managed by Weft: changes made by hand are undone.";'
    report = re.sub(r"at \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", "at TIME", run.stderr)
    expected = (f"conflict site/messages.pan: changed on both sides\n  base    main@{base}\n  mine    main@{d}\n"
                f"  theirs  carol@{c}, revision {c} by admin at TIME: carol's words\n  line 4\n"
                f"    base   | {line.format('Welcome to Alice' + chr(39) + 's example.org.')}\n"
                f"    mine   | {line.format('Dave' + chr(39) + 's example.org.')}\n"
                f"    theirs | {line.format('Carol' + chr(39) + 's example.org.')}\n")
    check("the conflict report, word by word", report.startswith(expected), report)
    body = w.weft_json("branch", "merge", "carol", "into", "main", code=1)
    check("and as JSON", body["conflicts"][0]["regions"][0]["line"] == 4 and "<<<<<<< main@" in body["conflicts"][0]["merged"], body)
    check("nothing was stored", head(w, "main") == d)
    w.weft("branch", "delete", "carol")
    run = w.weft("branch", "show", "carol", check_code=1)
    check("a deleted branch says so", "was deleted" in run.stderr, run.stderr)
    check("its revisions are kept", "carol's words" in w.weft("template", "log", str(c)).stdout)


def test_move(w):
    w.weft("branch", "create", "stable", "--kind", "domain", "--from", "main@1")
    roots, before = w.roots(), head(w, "stable")
    out = w.weft("node", "move", "disk01", "--branch", "stable", "--dry-run").stdout
    check("a move is planned", "1 node changes" in out and "disk01.example.org" in out and w.roots() == roots, out)
    run = w.weft("node", "move", "disk01", "--branch", "stable", check_code=3)
    check("nobody was asked", "--yes" in run.stderr and w.roots() == roots, run.stderr)
    out = w.weft("node", "move", "disk01", "disk02", "--branch", "stable", "--yes", "-m", "try").stdout
    check("the plan is shown, then they move", "2 nodes change" in out and "2 nodes follow stable now" in out, out)
    moved = {n for n, root in w.roots().items() if root != roots[n]}
    check("exactly these", moved == {"disk01.example.org", "disk02.example.org"}, moved)
    check("the list counts them", next(b for b in w.weft_json("branch", "list")["branches"] if b["name"] == "stable")["followers"] == 2)
    run = w.weft("branch", "delete", "stable", check_code=1)
    check("a branch that nodes follow stays", "disk01.example.org, disk02.example.org" in run.stderr, run.stderr)
    run = w.weft("template", "revert", str(head(w, "stable")), check_code=1)
    check("a move is undone by moving back, and the hint says how", "weft node move disk01.example.org disk02.example.org --branch main" in run.stderr, run.stderr)
    w.weft("node", "move", "disk01", "disk02", "--branch", "main", "--yes")
    check("moved back is as before", w.roots() == roots)
    check("to nowhere", "did you mean stable" in w.weft("node", "move", "disk01", "--branch", "stabel", "--yes", check_code=1).stderr)
    for body in ({"nodes": []}, {"nodes": "all"}, {"nodes": [1]}, {}, {"nodes": ["disk01.example.org"], "base": 1}):
        check(f"refused: {body}", w.server.post("/v1/branch/stable/move", body, w.admin)[0] in (400, 409), body)


def test_many_people(w):
    """Eight people commit to different files and lines of main at once: each succeeds or is told of a conflict, and nothing is lost."""
    before = head(w, "main")
    names = [f"disk{i:02}.example.org" for i in range(1, 9)]
    sites = {name: checkout(w, "many-" + name, "main") for name in names}
    results = {}

    def work(name):
        site = sites[name]
        path = site / "profiles" / (name + ".pan")
        path.write_text(path.read_text() + f"# {name} was here\n")
        results[name] = w.weft("template", "commit", site, "-m", "by " + name, check_code=None)

    threads = [threading.Thread(target=work, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    check("all were stored", all(r.returncode == 0 for r in results.values()), [r.stderr for r in results.values()])
    check("one revision each", head(w, "main") == before + 8)
    check("nobody's edit is lost", all("was here" in w.weft("template", "show", f"profiles/{n}.pan").stdout for n in names))


def main():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="weft-branches-"))
    folder.chmod(0o711)
    w = World(folder)
    try:
        w.server.start()
        w.weft("template", "import", ROOT / "templates/example", f"{ROOT}/schemas/pan=schemas", "-m", "import the example")
        for test in (test_sandbox, test_names, test_merge, test_conflict, test_move, test_many_people):
            test(w)
    except Exception as error:  # a defect of the product or of this test: both count
        import traceback
        traceback.print_exc()
        check("the test ran to its end", False, error)
    finally:
        w.server.stop()
        if cdb_commit.failed:
            print((folder / "weftd.log").read_text()[-3000:])
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{cdb_commit.passed} passed, {cdb_commit.failed} failed")
    return 1 if cdb_commit.failed else 0


if __name__ == "__main__":
    sys.exit(main())
