#!/usr/bin/env python3
"""Branches and working copies as people use them: several at once, conflicts shown exactly, merges, picks, nodes that move. Real weftd,
PostgreSQL and nginx on 127.0.0.1.

Usage: cdb_branches.py WEFTD WEFT. Ends with 'N passed, N failed'.
"""
import json
import re
import shutil
import subprocess
import sys
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


def states(w, site):
    return {f["path"]: (f["state"], bool(f["moved_in"])) for f in w.weft_json("template", "status", site)["files"]}


def test_working_copy(w):
    w.weft("branch", "create", "erin")
    erin, frank = checkout(w, "erin", "erin"), checkout(w, "frank", "erin")
    check("nothing edited", "nothing is edited here" in w.weft("template", "status", erin).stdout)
    run = w.weft("template", "checkout", w.folder / "nowhere", "--branch", "erni", check_code=1)
    check("a wrong branch leaves no folder", "did you mean erin" in run.stderr and not (w.folder / "nowhere").exists(), run.stderr)
    run = w.weft("template", "checkout", erin, "--branch", "main", check_code=1)
    check("a working copy stays with its branch", "is a working copy of branch erin" in run.stderr, run.stderr)

    edit(frank, "site/messages.pan", "Holds the map of the storage pool", "Has the map of the storage pool")
    (frank / "site/places.pan").write_text((frank / "site/places.pan").read_text() + "# frank\n")
    (frank / "features/new.pan").write_text("template features/new;\n")
    (frank / "tests/disk99.example.org.pan").unlink()
    check("edited, new, deleted", states(w, frank) == {"site/messages.pan": ("edited", False), "site/places.pan": ("edited", False),
                                                     "features/new.pan": ("new", False), "tests/disk99.example.org.pan": ("deleted", False)}, states(w, frank))
    diff = w.weft_json("template", "diff", frank)["edits"]
    check("diff names all four", len(diff) == 4 and any(d["removed"] for d in diff) and any(d["added"] for d in diff))
    w.weft("template", "commit", frank, "-m", "frank's four")

    edit(erin, "site/messages.pan", "First disk server of the pool scratch.", "First disk server.")
    with (erin / "site/places.pan").open("a") as file:
        file.write("# erin\n")
    with (erin / "tests/disk99.example.org.pan").open("a") as file:
        file.write("# still wanted\n")
    got = states(w, erin)
    check("what moved on the server", got == {"site/messages.pan": ("edited", True), "site/places.pan": ("edited", True), "features/new.pan": (None, True),
                                             "tests/disk99.example.org.pan": ("edited", True)}, got)
    run = w.weft("template", "commit", erin, "-m", "erin's", check_code=1)
    check("a stale commit is refused with both sides", "conflict site/places.pan" in run.stderr and "mine   | # erin" in run.stderr and "theirs | # frank" in run.stderr and
          "conflict site/messages.pan: changed on both sides, in different lines" in run.stderr, run.stderr)
    out = w.weft_json("template", "update", erin, code=1)
    check("update merges lines and reports the rest", out["merged"] == ["site/messages.pan"] and out["conflicts"] == ["site/places.pan", "tests/disk99.example.org.pan"], out)
    text = (erin / "site/messages.pan").read_text()
    check("lines of both", "First disk server." in text and "Has the map" in text, text)
    marked = (erin / "site/places.pan").read_text()
    check("markers as git makes them", re.search(r"<<<<<<< mine\n# erin\n\|\|\|\|\|\|\| erin@\d+\n=======\n# frank\n>>>>>>> erin@\d+\n$", marked), marked)
    check("a file removed there stays until somebody decides", (erin / "tests/disk99.example.org.pan").read_text().endswith("# still wanted\n"))
    check("new files came", (erin / "features/new.pan").exists())
    check("status names conflicts", states(w, erin)["site/places.pan"][0] == "conflict" and states(w, erin)["tests/disk99.example.org.pan"][0] == "conflict")
    for verb in (("plan",), ("commit", "-m", "x")):
        run = w.weft("template", verb[0], erin, *verb[1:], check_code=1)
        check(f"{verb[0]} waits for the resolution", "not resolved yet: site/places.pan, tests/disk99.example.org.pan" in run.stderr, run.stderr)
    check("so does another update", w.weft("template", "update", erin, check_code=1).returncode == 1)
    run = w.weft("template", "resolve", "site/places.pan", "--dir", erin, check_code=1)
    check("markers are no resolution", "still has conflict markers" in run.stderr, run.stderr)
    run = w.weft("template", "resolve", "site/place.pan", "--dir", erin, check_code=1)
    check("resolve suggests", "did you mean site/places.pan" in run.stderr, run.stderr)
    (erin / "site/places.pan").write_text(re.sub(r"<<<<<<< .*>>>>>>> [^\n]*\n", "# frank and erin\n", marked, flags=re.S))
    (erin / "tests/disk99.example.org.pan").unlink()
    w.weft("template", "resolve", "site/places.pan", "tests/disk99.example.org.pan", "--dir", erin)
    w.weft("template", "commit", erin, "-m", "both of us")
    check("the result is stored", w.weft("template", "show", "site/places.pan", "--branch", "erin").stdout.endswith("# frank and erin\n"))
    check("nothing is left", states(w, erin) == {})


def test_history_of_a_file(w):
    first, fork = 1, head(w, "erin")
    log = w.weft_json("template", "log", "site/messages.pan", "--branch", "erin")["revisions"]
    check("the history of a file goes back to where its branch began", log[-1]["revision"] == first and log[-1]["branch"] == "main" and
          log[0]["branch"] == "erin" and log[0]["message"] == "both of us", [(r["revision"], r["branch"]) for r in log])
    blamed = w.weft_json("template", "blame", "site/messages.pan", "--branch", "erin")
    by = {r["revision"]: r for r in blamed["revisions"]}
    lines = {line["text"].strip(): by[line["revision"]]["message"] for line in blamed["lines"]}
    check("blame: each line by its own revision", lines['SELF["disk01"] = "First disk server.";'] == "both of us" and
          lines['SELF["svc01"] = "Has the map of the storage pool in /etc/weft-demo/pool-map.json.";'] == "frank's four" and
          lines["unique template site/messages;"] == "import the example", lines)
    text = w.weft("template", "blame", "site/messages.pan", "--branch", "erin").stdout
    check("blame for people", re.search(r"^ *1 admin \d{4}-\d\d-\d\dT\d\d:\d\d +1  # Messages", text), text[:200])
    check("of no such file", w.weft("template", "blame", "site/nothing.pan", check_code=1).returncode == 1)
    for path in ("/v1/blame/../../etc/passwd", "/v1/blame/%2e%2e/x", "/v1/blame/.git/config", "/v1/revision?branch=main&path=../x"):
        check(f"{path} is refused", w.server.get(path, w.admin)[0] in (400, 404))


def test_pick_and_revert(w):
    site = checkout(w, "pick", "erin")
    edit(site, "site/messages.pan", "changes made by hand are undone.", "hands off.")
    w.weft("template", "commit", site, "-m", "only this")
    number = head(w, "erin")
    out = w.weft("template", "cherry-pick", str(number), "--branch", "main").stdout
    check("one fix without what came before it", "24 nodes change" in out and "hands off." in w.weft("template", "show", "site/messages.pan").stdout and
          "frank" not in w.weft("template", "show", "site/places.pan").stdout, out)
    check("a pick of a pick does nothing", "nothing to do" in w.weft("template", "cherry-pick", str(number), "--branch", "main").stdout)
    picked = head(w, "main")
    main = checkout(w, "main")
    edit(main, "site/messages.pan", "First disk server of the pool scratch.", "The first.")
    w.weft("template", "commit", main, "-m", "later, another line")
    out = w.weft("template", "revert", str(picked), "--dry-run").stdout
    check("a revert around later work says so", "merged site/messages.pan" in out, out)
    edit(main, "site/messages.pan", "hands off.", "keep your hands off.")
    w.weft("template", "commit", main, "-m", "later, the same line")
    run = w.weft("template", "revert", str(picked), check_code=1)
    check("a revert of moved lines is refused, with both sides", "made by hand are undone." in run.stderr and "keep your hands off." in run.stderr, run.stderr)


def test_plan(w):
    site = checkout(w, "plan")
    edit(site, "site/messages.pan", "This machine is managed by Weft", "This box is managed by Weft")
    out = w.weft("template", "plan", site).stdout
    check("a plan says which line causes a value", re.search(r"because site/messages.pan:4  variable SITE_MESSAGE = ", out), out)
    check("and how far it reaches", re.search(r"role: dirpool 12 of 12, batch 6 of 6, proxy 4 of 4, service 2 of 2", out) and "rack: R1 " in out, out)
    body = w.weft_json("template", "plan", site)["plan"]
    check("the same as JSON", body["reach"]["role"][0] == {"name": "dirpool", "changed": 12, "of": 12} and
          body["groups"][0]["changes"][0]["cause"]["file"] == "site/messages.pan" and body["reboot"]["nodes"] == 0, body["reach"])
    w.weft("template", "commit", site, "-m", "a box")
    stored = w.weft_json("template", "log", str(head(w, "main")))["plan"]
    check("and with the revision", stored["groups"][0]["changes"][0]["cause"]["line"] == 4 and stored["reach"] == body["reach"])


def git(repo, *arguments):
    subprocess.run(["git", "-C", repo, "-c", "user.name=Ann", "-c", "user.email=ann@example.org", "-c", "init.defaultBranch=main", *arguments], check=True,
                   capture_output=True)


def test_git(w):
    repo = w.folder / "repo"
    shutil.copytree(ROOT / "templates/example", repo)
    shutil.copytree(ROOT / "schemas/pan", repo / "schemas")
    (repo / ".gitignore").write_text("x\n")
    (repo / "link.pan").symlink_to("/etc/passwd")
    git(repo, "init", "-q")
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "begin")
    git(repo, "tag", "v1")
    w.weft("branch", "create", "gitted")
    before = w.roots()
    run = w.weft("template", "import", "--git", repo, "--branch", "gitted")
    check("links are left out and named", "left out: link.pan (symbolic link)" in run.stderr, run.stderr)
    check("the tree is the branch's", {f["path"] for f in w.weft_json("template", "list", "--branch", "gitted")["files"]} ==
          {str(f.relative_to(repo)) for f in repo.rglob("*") if f.is_file() and not f.is_symlink() and ".git" not in str(f.relative_to(repo))})
    check("a second import does nothing", "nothing to do" in w.weft("template", "import", "--git", repo, "--branch", "gitted").stdout)
    messages = repo / "site/messages.pan"
    good = messages.read_text()
    for text, why in ((good.replace("Welcome", "Hello"), "a greeting\n\nlonger"), (good.replace("variable", "varible"), "broken"), (good.replace("Welcome", "Good day"), "mended")):
        messages.write_text(text)
        git(repo, "commit", "-q", "-am", why)
    out = w.weft_json("template", "import", "--git", f"file://{repo}", "--history", "--branch", "gitted")
    check("commits become revisions; one that does not compile is joined with the next", len(out["imported"]) == 2 and out["joined"] == 1, out)
    log = w.weft_json("template", "log", "--branch", "gitted")["revisions"]
    check("with author and message", log[1]["message"].startswith("a greeting\n\nlonger\n\nGit-Commit: ") and "Git-Author: Ann <ann@example.org>" in log[1]["message"] and
          "broken" in log[0]["message"] and "mended" in log[0]["message"], log[:2])
    w.weft("template", "import", "--git", repo, "--rev", "v1", "--branch", "gitted")
    check("back at a tag", w.weft("template", "show", "site/messages.pan", "--branch", "gitted").stdout == good)
    for rev, words in (("--upload-pack=x", ""), ("nothing", "has no revision 'nothing'"), ("a..b", "no git revision")):
        run = w.weft("template", "import", "--git", repo, "--rev=" + rev, "--branch", "gitted", check_code=None)
        check(f"revision {rev} is refused", run.returncode in (1, 2) and words in run.stderr, run.stderr)
    check("no repository", "is no git repository" in w.weft("template", "import", "--git", repo / "site", check_code=1).stderr)
    check("folders or git, not both", w.weft("template", "import", repo, "--git", repo, check_code=1).returncode == 1)
    check("no machine noticed", w.roots() == before)


def test_scdb(w):
    repo = w.folder / "scdb"
    files = {"cfg/clusters/grid/one/cluster.build.properties": "# SCDB\ncluster.pan.includes=sites/here \\\n  standard\ncluster.pan.dep.ignore=\n",
             "cfg/clusters/grid/one/profiles/n1.pan": "object template n1;\ninclude 'cluster';\n", "cfg/clusters/grid/one/cluster.pan": "template cluster;\ninclude 'site';\n",
             "cfg/clusters/two/cluster.build.properties": "cluster.pan.includes=standard\n", "cfg/clusters/two/profiles/n2.pan": "object template n2;\n'/x' = 2;\n",
             "cfg/sites/here/site.pan": "template site;\ninclude 'lib';\n", "cfg/standard/lib.pan": "template lib;\n'/x' = 1;\n"}
    for path, text in files.items():
        (repo / path).parent.mkdir(parents=True, exist_ok=True)
        (repo / path).write_text(text)
    git(repo, "init", "-q")
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "scdb")
    w.weft("branch", "create", "scdb")
    run = w.weft("template", "import", "--git", repo, "--branch", "scdb", check_code=1)
    check("clusters that cannot share a branch are named", "grid/one, two have different include paths" in run.stderr and "--cluster grid/one" in run.stderr, run.stderr)
    run = w.weft("template", "import", "--git", repo, "--branch", "scdb", "--cluster", "grid/on", check_code=1)
    check("a wrong cluster gets a suggestion", "did you mean grid/one" in run.stderr, run.stderr)
    plan = w.weft_json("template", "import", "--git", repo, "--branch", "scdb", "--cluster", "grid/one")["plan"]
    check("an SCDB tree imports as it is", plan["added"] == [{"node": "n1", "values": 1}], plan["added"])
    made = w.weft("template", "show", "weft.yaml", "--branch", "scdb").stdout
    check("weft.yaml has the cluster's path in its order", [line.strip() for line in made.splitlines() if line.startswith("  ")] ==
          ['- "cfg/clusters/grid/one"', '- "cfg/clusters/grid/one/profiles"', '- "cfg/sites/here"', '- "cfg/standard"', '- "cfg/clusters/grid/one/profiles/*.pan"'], made)
    check("a node of a sandbox is none", "n1" not in w.roots())


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
    new = [r for r in w.weft_json("template", "log")["revisions"] if r["revision"] > before]
    check("one revision each", len(new) == 8 and len({r["message"] for r in new}) == 8, new)
    check("nobody's edit is lost", all("was here" in w.weft("template", "show", f"profiles/{n}.pan").stdout for n in names))


def story(w):
    w.weft("template", "import", ROOT / "templates/example", f"{ROOT}/schemas/pan=schemas", "-m", "import the example")
    for test in (test_sandbox, test_names, test_merge, test_conflict, test_move, test_working_copy, test_history_of_a_file, test_pick_and_revert, test_plan,
                 test_git, test_scdb, test_many_people):
        test(w)


if __name__ == "__main__":
    sys.exit(cdb_commit.tell("weft-branches-", World, story))
