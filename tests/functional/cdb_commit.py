#!/usr/bin/env python3
"""The configuration database through its front door: import, plan, commit, refuse, revert, conflict; enrolment and what a node may see;
kill -9 at the fail points. Real weftd, PostgreSQL and nginx on 127.0.0.1; nodes are played with certificates of their own.

Usage: cdb_commit.py WEFTD WEFT. Ends with 'N passed, N failed'.
"""
import gzip
import hashlib
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time

WEFTD, WEFT = sys.argv[1:3]
HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
passed = failed = 0


def check(what, good, detail=""):
    global passed, failed
    if good:
        passed += 1
    else:
        failed += 1
        print(f"FAILED: {what} {str(detail)[:1500]}", flush=True)
    return good


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def merkle(value):
    """The profile's root hash, computed independently (base/profile/hash.h)."""
    h = lambda data: hashlib.sha256(data).digest()
    if value is None:
        return h(b"n")
    if isinstance(value, bool):
        return h(b"b1" if value else b"b0")
    if isinstance(value, int):
        return h(b"i" + str(value).encode())
    if isinstance(value, float):
        text = repr(value)
        return h(b"f" + text.encode())
    if isinstance(value, str):
        return h(b"s" + value.encode())
    if isinstance(value, list):
        return h(b"l" + b"".join(merkle(v) for v in value))
    body = b"d"
    for key in sorted(value, key=lambda k: k.encode()):
        raw = key.encode()
        body += struct.pack(">I", len(raw)) + raw + merkle(value[key])
    return h(body)


class Server:
    def __init__(self, folder):
        self.folder, self.state, self.port, self.process = folder, folder / "state", free_port(), None
        self.log = open(folder / "weftd.log", "ab")
        (folder / "weftd.yaml").write_text("{}\n")

    def spawn(self, fail=""):
        environment = dict(os.environ)
        environment.pop("WEFT_FAIL", None)
        if fail:
            environment["WEFT_FAIL"] = fail
        self.process = subprocess.Popen([WEFTD, "--state", str(self.state), "--listen", f"127.0.0.1:{self.port}", "--roles", "cdb", "--config",
                                         str(self.folder / "weftd.yaml")], stderr=self.log, stdin=subprocess.DEVNULL, env=environment)

    def start(self, fail=""):
        self.spawn(fail)
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                if self.get("/readyz")[0] == 200:
                    return
            except (OSError, http.client.HTTPException):
                pass
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise RuntimeError("weftd does not start, see " + str(self.folder / "weftd.log") + "\n" + (self.folder / "weftd.log").read_text()[-2000:])

    def stop(self, how=signal.SIGTERM):
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(timeout=60)

    def context(self, certificate=None, key=None):
        made = ssl.create_default_context(cafile=self.state / "admin/ca.crt")
        if certificate:
            made.load_cert_chain(certificate, key)
        return made

    def get(self, path, who=None, headers=None, method="GET", body=None, timeout=60):
        """(status, headers, body) as `who` = (certificate, key) or None."""
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=self.context(*(who or ())), timeout=timeout)
        try:
            if isinstance(body, (dict, list)):
                body = json.dumps(body)
            connection.request(method, path, body=body, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def post(self, path, body, who=None):
        status, headers, text = self.get(path, who, {"Content-Type": "application/json"}, "POST", body)
        return status, json.loads(text) if text else None


class World:
    def __init__(self, folder):
        self.folder = folder
        self.server = Server(folder)
        self.names = sorted(f.name[:-4] for f in (ROOT / "templates/example/profiles").glob("*.pan"))

    def weft(self, *arguments, check_code=0, what=""):
        environment = dict(os.environ, WEFT_CONFIG=str(self.server.state / "admin/client.yaml"))
        run = subprocess.run([WEFT, *map(str, arguments)], capture_output=True, text=True, env=environment, timeout=180)
        if check_code is not None:
            check(what or "weft " + " ".join(map(str, arguments[:3])), run.returncode == check_code, f"exit {run.returncode}: {run.stdout}{run.stderr}")
        return run

    def weft_json(self, *arguments, code=0):
        return json.loads(self.weft(*arguments, "--json", check_code=code).stdout)

    @property
    def admin(self):
        return (self.server.state / "admin/admin.pem", None)

    def head(self):
        return self.weft_json("template", "log")["revisions"][0]["revision"]

    def roots(self):
        return {node["name"]: node["desired_root"] for node in self.weft_json("node", "list")["nodes"]}

    def site(self, name):
        folder = self.folder / name
        shutil.rmtree(folder, ignore_errors=True)
        self.weft("template", "checkout", folder)
        return folder

    def request(self, name, subject):
        """Key and certificate request of a node."""
        key, csr = self.folder / f"{name}.key", self.folder / f"{name}.csr"
        subprocess.run(["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", csr, "-subj",
                        subject], check=True, capture_output=True)
        return key, csr.read_text()


def apply_edits(site, edits):
    for edit in edits:
        path = site / edit["path"]
        text = path.read_text()
        assert text.count(edit["find"]) == 1, edit
        path.write_text(text.replace(edit["find"], edit["replace"]))


def test_import(w):
    out = w.weft("template", "import", ROOT / "templates/example", f"{ROOT}/schemas/pan=schemas", "-m", "import the example").stdout
    check("the import names the new nodes", "new 24 nodes" in out and "revision 1" in out, out)
    out = w.weft("template", "import", ROOT / "templates/example", f"{ROOT}/schemas/pan=schemas").stdout
    check("a second import does nothing", "nothing to do" in out, out)
    nodes = w.weft_json("node", "list", "--role", "dirpool")["nodes"]
    check("the node list filters by role", len(nodes) == 12 and all(n["attributes"]["role"] == "dirpool" for n in nodes), len(nodes))
    check("a node carries its attributes", nodes[0]["attributes"].get("storage") is not None and nodes[0]["attributes"]["unit"] == 10, nodes[0])
    explained = w.weft("profile", "explain", "disk01", "/hardware/sysloc/rack").stdout
    check("profile explain names the file and line", re.search(r"/hardware/sysloc/rack = .*\n  set +\S+\.pan:\d+\.\d+ ", explained), explained)
    run = w.weft("profile", "explain", "disk01", "/hardware/sysloc/rak", check_code=1)
    check("profile explain suggests", "did you mean /hardware/sysloc/rack" in run.stderr, run.stderr)
    shown = w.weft("profile", "show", "disk01", "/hardware/sysloc/rack").stdout
    check("one value, bare", shown == "R1\n", shown)
    run = w.weft("profile", "show", "disk01", "/hardware/sysloc/rak", check_code=1)
    check("a wrong path gets a suggestion", "did you mean rack" in run.stderr, run.stderr)
    run = w.weft("node", "show", "dsk01", check_code=1)
    check("a wrong node gets a suggestion", "did you mean disk01" in run.stderr, run.stderr)
    empty = w.folder / "empty"
    empty.mkdir()
    w.weft("template", "import", empty, check_code=1, what="an empty folder is no import")


def test_edits(w):
    before = w.roots()
    for file in sorted((HERE / "data/edits").glob("*.json")):
        case = json.loads(file.read_text())
        site = w.site("edit")
        apply_edits(site, case["edits"])
        expected = set(w.names) if case["changed"] == "all" else set(case["changed"])
        plan = w.weft_json("template", "plan", site)
        planned = {node for group in plan["plan"]["groups"] for node in group["nodes"]}
        check(f"{file.name}: the plan names exactly the nodes that change", planned == expected, planned ^ expected)
        check(f"{file.name}: every line has path and values", all(c["path"].startswith("/") and (c["before"] or c["after"])
                                                                  for g in plan["plan"]["groups"] for c in g["changes"]))
        check(f"{file.name}: a dry run stores nothing", w.roots() == before and w.head() == 1)
    site = w.site("edit")
    apply_edits(site, json.loads((HERE / "data/edits/1-message.json").read_text())["edits"])
    plan = w.weft_json("template", "plan", site)
    check("a one-node edit compiles few profiles", plan["plan"]["compiled"] <= 3 or plan["plan"]["nodes"] == 1, plan["plan"]["compiled"])
    text = w.weft("template", "plan", site).stdout
    check("the plan shows path, old → new", "+First disk server of the pool scratch, watched closely." in text and
          "/software/components/filecopy" in text and "1 node changes" in text, text)


def test_broken(w):
    base, roots = w.head(), w.roots()
    for file in sorted((HERE / "data/broken").glob("*.json")):
        case = json.loads(file.read_text())
        site = w.site("broken")
        apply_edits(site, case["edits"])
        run = w.weft("template", "commit", site, "-m", "must not pass", "--json", check_code=1, what=f"{file.name} is refused")
        try:
            answer = json.loads(run.stdout)
        except ValueError:
            check(f"{file.name}: an answer with diagnostics", False, run.stdout + run.stderr)
            continue
        found = [d for d in answer["diagnostics"] if d["severity"] == "error"]
        check(f"{file.name}: place and excerpt", found and all(d["file"] and d["line"] > 0 and d["column"] > 0 and "^" in d["excerpt"] for d in found),
              [(d["file"], d["line"], d["message"]) for d in found])
        expected = len(w.names) if case["failed"] == "all" else len(case["failed"])
        if not case.get("profiles"):
            check(f"{file.name}: counts the profiles that fail", answer["failed_profiles"] == expected, (answer["failed_profiles"], expected))
        text = json.dumps(found)
        missing = [t for t in case["expect"] if json.dumps(t)[1:-1] not in text]
        check(f"{file.name}: says what is wrong", not missing, (missing, text[:600]))
        check(f"{file.name}: each cause once", len({(d["file"], d["line"], d["column"], d["message"], d["path"]) for d in found}) == len(found))
    check("39 refusals left no trace", w.head() == base and w.roots() == roots)
    site = w.site("broken")
    apply_edits(site, json.loads((HERE / "data/broken/missing-template.json").read_text())["edits"])
    run = w.weft("template", "commit", site, "-m", "no", check_code=1)
    check("file:line:column, caret, suggestion, profiles", re.search(r"personality/batch/config.pan:\d+:\d+: error", run.stderr) and "^" in run.stderr and
          "did you mean features/batch/config" in run.stderr and "and 5 more profiles" in run.stderr and run.stderr.count("cannot locate") == 1, run.stderr)
    check("no colours in a pipe", "\x1b" not in run.stderr + run.stdout)


def test_commit_and_revert(w):
    before = w.roots()
    site = w.site("site")
    apply_edits(site, json.loads((HERE / "data/edits/1-message.json").read_text())["edits"])
    check("a commit needs a message", w.weft("template", "commit", site, check_code=None).returncode == 2)
    out = w.weft("template", "commit", site, "-m", "a message for disk01").stdout
    check("the commit prints plan and revision", "revision 2" in out and "1 node changes" in out, out)
    after = w.roots()
    check("one root changed", {n for n in after if after[n] != before[n]} == {"disk01.example.org"})
    check("nothing left to commit", "no edits" in w.weft("template", "commit", site, "-m", "again").stdout)
    log = w.weft_json("template", "log", "--node", "disk01")
    check("the log by node", [r["revision"] for r in log["revisions"]] == [2, 1] and log["revisions"][0]["author"] == "admin", log)
    one = w.weft_json("template", "log", "2")
    check("a revision shows its edits and effects", "+" in one["edits"][0]["diff"] and one["plan"]["nodes"] == 1, one)
    check("profile diff between revisions", "watched closely" in w.weft("profile", "diff", "disk01", "1", "2").stdout)
    w.weft("template", "revert", "2")
    check("the revert is exact", w.roots() == before and w.head() == 3)
    check("reverting twice does nothing", "nothing to do" in w.weft("template", "revert", "2").stdout and w.head() == 3)
    check("an old revision can be read", "watched closely" in w.weft("template", "show", "site/messages.pan", "--revision", "2").stdout)
    check("and the present one", "watched closely" not in w.weft("template", "show", "site/messages.pan").stdout)


def test_conflict(w):
    mine, theirs = w.site("mine"), w.site("theirs")
    for folder, text in ((theirs, "theirs"), (mine, "mine")):
        path = folder / "site/messages.pan"
        path.write_text(path.read_text().replace("Welcome to", f"{text}: welcome to"))
    other = mine / "profiles/disk02.example.org.pan"
    w.weft("template", "commit", theirs, "-m", "theirs")
    head = w.head()
    run = w.weft("template", "commit", mine, "-m", "mine", check_code=1)
    check("a moved file is a conflict that names it", "site/messages.pan" in run.stderr and str(head) in run.stderr, run.stderr)
    check("nothing was stored", w.head() == head)
    kept = (theirs / "site/messages.pan").read_text()
    w.weft("template", "checkout", mine, check_code=1, what="an update marks the conflict")
    text = (mine / "site/messages.pan").read_text()
    check("both sides stand in the file, marked", f"<<<<<<< mine\n" in text and "mine: welcome" in text and "theirs: welcome" in text, text)
    run = w.weft("template", "commit", mine, "-m", "mine", check_code=1)
    check("no commit before it is resolved", "weft template resolve site/messages.pan" in run.stderr, run.stderr)
    (mine / "site/messages.pan").write_text(kept)
    w.weft("template", "resolve", "site/messages.pan", "--dir", mine)
    other.write_text(other.read_text() + "# seen\n")
    out = w.weft("template", "commit", mine, "-m", "a comment").stdout
    check("a comment changes no node", "no node changes" in out, out)
    status, body = w.server.post("/v1/change", {"branch": "main", "base": 1, "message": "x", "edits": [{"path": "new.pan", "content": "template new;\n"}]}, w.admin)
    check("another file on an old base is no conflict", status == 200, body)
    status, body = w.server.post("/v1/change", {"branch": "main", "base": 1, "message": "x", "edits": [{"path": "site/messages.pan", "content": "x"}]}, w.admin)
    check("409 with the paths", status == 409 and body["conflicts"][0]["path"] == "site/messages.pan", body)


def test_input(w):
    head = w.head()
    for path in ("../x.pan", "/etc/passwd", "a/../../b.pan", ".git/config", "a\u0000b.pan", "a b.pan", "", "x" * 600):
        status, body = w.server.post("/v1/change", {"message": "x", "edits": [{"path": path, "content": "x"}]}, w.admin)
        check(f"path {path[:20]!r} is refused", status == 400 and body["detail"], (status, body))
    for change in ({}, {"message": "x", "edits": []}, {"message": "x", "edits": [{"path": "a.pan"}]}, {"edits": [{"path": "a.pan", "content": "x"}]},
                   {"message": "x", "edits": "all"}, {"message": "x", "edits": [{"path": "a.pan", "content": 1}]}, {"mesage": "x", "edits": []},
                   {"message": "x", "branch": "mian", "edits": [{"path": "a.pan", "content": "x"}]},
                   {"message": "x", "base": 10**9, "edits": [{"path": "a.pan", "content": "x"}]}):
        status, body = w.server.post("/v1/change", change, w.admin)
        check(f"refused: {json.dumps(change)[:60]}", status in (400, 404) and body.get("detail"), (status, body))
    check("not JSON", w.server.post("/v1/change", "{", w.admin)[0] == 400)
    for path in ("/v1/template/../../etc/passwd", "/v1/template/%2e%2e/x", "/v1/template/.weft/base.json"):
        check(f"{path} is refused", w.server.get(path, w.admin)[0] in (400, 404))
    check("unknown query", w.server.get("/v1/node?rol=disk", w.admin)[0] == 400)
    status, _, body = w.server.get("/v1/node?limit=5", w.admin)
    page = json.loads(body)
    status, _, body = w.server.get("/v1/node?limit=5&after=" + page["next"], w.admin)
    check("pages follow each other", len(page["nodes"]) == 5 and json.loads(body)["nodes"][0]["name"] > page["nodes"][-1]["name"])
    check("all that changed nothing", w.head() == head)


def enrol(w, node):
    token = w.weft("node", "token", node).stdout.strip()
    key, csr = w.request(node, f"/O=weft/OU=node/CN={node}")
    status, body = w.server.post("/v1/enrol", {"node": node, "token": token, "csr": csr})
    check(f"{node} enrols", status == 200, body)
    certificate = w.folder / f"{node}.crt"
    certificate.write_text(body["certificate"])
    (w.folder / "signing.pub").write_text(body["signing_key"])
    return (certificate, key), token, csr, body


def test_enrolment(w):
    node = "disk01.example.org"
    who, token, csr, body = enrol(w, node)
    check("the token ends with the CA's fingerprint", re.fullmatch(r"weft1\.[\w-]{20,}\.[0-9a-f]{64}", token), token)
    ca = w.server.get("/v1/ca")[2].decode()
    check("the CA is public", body["ca"] == ca)
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(ca)).hexdigest()
    check("the fingerprint is right", token.endswith(digest))
    text = subprocess.run(["openssl", "x509", "-in", who[0], "-noout", "-text"], capture_output=True, text=True).stdout
    check("names of the certificate", "DNS:disk01.example.org" in text and "IP Address:127.77.1.10" in text, text)
    status, again = w.server.post("/v1/enrol", {"node": node, "token": token, "csr": csr})
    check("a lost answer is given again", status == 200 and again["certificate"] == body["certificate"])
    _, other = w.request("other", f"/O=weft/OU=node/CN={node}")
    check("a used token is refused", w.server.post("/v1/enrol", {"node": node, "token": token, "csr": other})[0] == 403)
    token = w.weft("node", "token", node).stdout.strip()
    for subject in ("/O=weft/OU=person/CN=" + node, "/O=weft/OU=node/CN=disk02.example.org", "/CN=" + node, "/O=weft/OU=person/CN=admin"):
        _, wrong = w.request("wrong", subject)
        status, answer = w.server.post("/v1/enrol", {"node": node, "token": token, "csr": wrong})
        check(f"request for {subject} is refused", status in (400, 403), (status, answer))
    check("another node's token is refused", w.server.post("/v1/enrol", {"node": "disk02.example.org", "token": token, "csr": other})[0] == 403)
    check("a guessed token is refused", w.server.post("/v1/enrol", {"node": node, "token": "weft1." + "A" * 32 + "." + digest, "csr": other})[0] == 403)
    check("nonsense is refused", w.server.post("/v1/enrol", {"node": node, "token": token, "csr": "x"})[0] == 400)
    check("the token is still good after all that", w.server.post("/v1/enrol", {"node": node, "token": token, "csr": other})[0] == 200)
    codes = {w.server.post("/v1/enrol", {"node": "disk03.example.org", "token": "weft1.x.y", "csr": other})[0] for _ in range(15)}
    check("a flood of attempts is refused early", 429 in codes, codes)
    check("a token for nobody", w.weft("node", "token", "nobody", check_code=1).returncode == 1)
    status, renewed = w.server.post("/v1/enrol/renew", {"csr": csr}, who)
    check("a node renews its certificate", status == 200 and renewed["certificate"] != body["certificate"], renewed)
    check("strangers do not", w.server.post("/v1/enrol/renew", {"csr": csr})[0] == 403)
    check("nodes make no tokens", w.server.post("/v1/enrol/token", {"node": node, "ttl": "1h"}, who)[0] == 403)
    check("strangers make no tokens", w.server.post("/v1/enrol/token", {"node": node, "ttl": "1h"})[0] in (401, 403))
    return who


def verify_manifest(w, node, header):
    fields = dict(part.split("=", 1) for part in header.split(";"))
    message = w.folder / "message"
    signature = w.folder / "signature"
    message.write_text(f"weft-profile-1\n{node}\n{fields['revision']}\n{fields['root']}\n")
    import base64
    signature.write_bytes(base64.b64decode(fields["sig"]))
    run = subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", w.folder / "signing.pub", "-rawin", "-in", message, "-sigfile", signature],
                         capture_output=True)
    return run.returncode == 0 and fields["node"] == node, fields


def test_node_view(w, who):
    node = "disk01.example.org"
    path = f"/v1/profile/{node}"
    status, headers, body = w.server.get(path, who, {"Accept-Encoding": "gzip"})
    check("a node gets its profile, gzip coded", status == 200 and headers.get("content-encoding") == "gzip", (status, headers))
    profile = json.loads(gzip.decompress(body))
    root = merkle(profile).hex()
    check("ETag is the root hash of the content", headers["etag"] == f'"{root}"', (headers["etag"], root))
    good, fields = verify_manifest(w, node, headers["weft-manifest"])
    check("the manifest is signed for this node and root", good and fields["root"] == root, headers)
    status, headers, body = w.server.get(path, who)
    check("identity coding too", status == 200 and json.loads(body) == profile and "content-encoding" not in headers, (status, headers))
    status, headers, body = w.server.get(path, who, {"Accept-Encoding": "zstd, gzip"})
    check("zstd is preferred", status == 200 and headers.get("content-encoding") == "zstd" and body[:4] == b"\x28\xb5\x2f\xfd", headers)
    status, headers, body = w.server.get(path, who, {"If-None-Match": f'"{root}"'})
    check("304 when nothing changed", status == 304 and not body and headers["etag"] == f'"{root}"', (status, headers))
    status, _, text = w.server.get(path + "/manifest", who)
    check("the manifest alone", status == 200 and verify_manifest(w, node, text.decode().strip())[0])
    other = w.roots()["disk02.example.org"]
    for wrong, allowed in ((f"/v1/profile/disk02.example.org", {403}), (f"/v1/profile/disk02.example.org/manifest", {403}), (path + "?root=" + other, {404}),
                           (path + "?root=xyz", {400}), ("/v1/node", {403}), (f"/v1/node/{node}", {403}), ("/v1/template", {403}), ("/v1/revision", {403}),
                           (path + "/explain?path=/", {403}), ("/v1/node/disk02.example.org/wake?timeout=0", {403}), ("/v1/audit", {403}), (f"/profile/{root}.json.gz", {404}), (f"/files/profile/{root}.json.gz", {404})):
        status, _, body = w.server.get(wrong, who)
        check(f"a node is refused {wrong[:50]}, with a reason", status in allowed and (b"detail" in body or status == 404), (status, body[:200]))
    check("a node changes no templates", w.server.post("/v1/change", {"message": "x", "edits": [{"path": "a.pan", "content": "x"}]}, who)[0] == 403)
    check("a node reverts nothing", w.server.post("/v1/revision/1/revert", {}, who)[0] == 403)
    for nobody in ("/v1/node", path, "/v1/template/weft.yaml", "/v1/revision/1", f"/v1/node/{node}/wake"):
        check(f"without a certificate no {nobody[:30]}", w.server.get(nobody)[0] in (401, 403))
    forged = {"Weft-Client-Verify": "SUCCESS", "Weft-Client-Subject": "CN=admin,OU=person,O=weft", "Weft-Hop": "guess", "X-Forwarded-For": "127.0.0.1"}
    check("forged headers give nothing", w.server.get("/v1/node", None, forged)[0] in (400, 401, 403))
    check("forged headers do not promote a node", w.server.get("/v1/node", who, forged)[0] in (400, 403))


def test_foreign_certificate(w):
    key, _ = w.request("foreign", "/O=weft/OU=person/CN=admin")
    certificate = w.folder / "foreign.crt"
    subprocess.run(["openssl", "req", "-x509", "-key", key, "-out", certificate, "-subj", "/O=weft/OU=person/CN=admin", "-days", "1"], check=True, capture_output=True)
    try:
        status = w.server.get("/v1/node", (certificate, key))[0]
    except (ssl.SSLError, OSError, http.client.HTTPException):
        status = "refused"
    check("a certificate of another CA is refused", status in ("refused", 400, 403), status)


def test_service(w):
    who, before = (w.server.state / "ca/service.pem", None), w.roots()
    change = lambda path, content: w.server.post("/v1/change", {"message": "claim", "edits": [{"path": path, "content": content}]}, who)
    check("a service changes nothing outside sms/", change("site/messages.pan", "x")[0] == 403 and change("sms/../x.pan", "x")[0] in (400, 403))
    status, body = change("sms/disk02.example.org.pan", 'unique template sms/disk02.example.org;\n"/system/state" = "maintenance";\n')
    check("a service writes below sms/: one node changes", status == 200 and body["plan"]["nodes"] >= 1, body)
    node = w.weft_json("node", "show", "disk02")
    check("the state follows the claim", node["attributes"]["state"] == "maintenance", node["attributes"])
    out = w.weft("template", "import", ROOT / "templates/example", f"{ROOT}/schemas/pan=schemas", "--dry-run", "--json").stdout
    check("an import leaves claims alone", "sms/" not in out, out[:300])
    check("the same again is no change", change("sms/disk02.example.org.pan", 'unique template sms/disk02.example.org;\n"/system/state" = "maintenance";\n')[1]["unchanged"])
    change("sms/disk02.example.org.pan", None)
    check("back as before", w.roots() == before)


def test_wake_and_reports(w, who):
    node = "disk01.example.org"
    mine, _, _, _ = enrol(w, "disk04.example.org")
    root = w.roots()[node]
    answers = {}

    def wait(name, certificate, have, seconds):
        answers[name] = w.server.get(f"/v1/node/{name}/wake?root={have}&timeout={seconds}", certificate)

    threads = [threading.Thread(target=wait, args=(node, who, root, 50)),
               threading.Thread(target=wait, args=("disk04.example.org", mine, w.roots()["disk04.example.org"], 5))]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    site = w.site("wake")
    apply_edits(site, json.loads((HERE / "data/edits/1-message.json").read_text())["edits"])
    w.weft("template", "commit", site, "-m", "wake disk01")
    revision = w.head()
    for thread in threads:
        thread.join()
    status, _, body = answers[node]
    check("the changed node wakes with its new root", status == 200 and json.loads(body) == {"root": w.roots()[node], "revision": revision}, answers)
    check("the untouched node sleeps on", answers["disk04.example.org"][0] == 204, answers["disk04.example.org"])
    check("who is behind already is told at once", w.server.get(f"/v1/node/{node}/wake?root={root}&timeout=50", who)[0] == 200)
    end = time.monotonic() + 30
    while w.weft_json("node", "show", "disk04")["last_seen"] is None and time.monotonic() < end:
        time.sleep(0.5)
    check("who waits is seen", w.weft_json("node", "show", "disk04")["last_seen"] and not w.weft_json("node", "show", "disk05")["last_seen"])
    other_root = w.roots()["disk04.example.org"]
    status, headers, _ = w.server.get("/v1/profile/disk04.example.org", mine, {"If-None-Match": f'"{other_root}"'})
    check("the untouched node fetches nothing", status == 304)

    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    new = w.roots()[node]
    report = {"root": new, "revision": revision, "outcome": "failed", "started": now, "duration_ms": 12,
              "components": [{"name": "filecopy", "outcome": "failed", "message": "disk full", "actions": 1}], "agent_version": "test"}
    path = f"/v1/node/{node}/report"
    check("a report", w.server.post(path, report, who)[0] == 200)
    state = w.weft_json("node", "show", node)
    check("a failed run is not applied", state["applied_root"] is None and state["last_report"]["outcome"] == "failed" and not state["in_sync"], state)
    run = w.weft("node", "wait", "disk01", "--timeout", "5s", check_code=1)
    check("wait tells that it failed", "failed" in run.stdout, run.stdout)
    check("show tells why", "disk full" in w.weft("node", "show", "disk01").stdout)
    report["outcome"] = "ok"
    check("the next run", w.server.post(path, report, who)[0] == 200)
    check("is applied", w.weft_json("node", "show", node)["in_sync"])
    w.weft("node", "wait", "--applied", revision, what="wait --applied ends when all changed nodes have it")
    for broken in ({"outcome": "great"}, {"root": "00" * 32}, {"revision": revision + 100}, {"started": "yesterday"}, {"extra": 1},
                   {"components": [{"name": "x", "outcome": "ok"}]}, {"components": "all"}, {"root": w.roots()["disk02.example.org"]}, {"duration_ms": -1}):
        check(f"refused report {json.dumps(broken)[:50]}", w.server.post(path, {**report, **broken}, who)[0] == 400)
    check("a huge report is refused", w.server.post(path, {**report, "agent_version": "x" * 400000}, who)[0] in (400, 413, 429, 507))
    check("nobody reports for another node", w.server.post("/v1/node/disk04.example.org/report", report, who)[0] == 403)
    check("people do not report", w.server.post(path, report, w.admin)[0] == 403)
    listed = w.weft_json("node", "list", "--outcome", "none")["nodes"]
    check("filters by report", len(listed) == 23 and node not in {n["name"] for n in listed})


def test_never_torn(w, who):
    """A node that polls all the time sees whole profiles only: content, ETag and manifest belong together, never a 404."""
    node, stop, seen, wrong = "disk01.example.org", threading.Event(), set(), []

    def poll():
        while not stop.is_set():
            status, headers, body = w.server.get(f"/v1/profile/{node}", who, {"Accept-Encoding": "gzip"})
            if status != 200:
                wrong.append(status)
                continue
            root = merkle(json.loads(gzip.decompress(body))).hex()
            seen.add(root)
            if headers["etag"] != f'"{root}"' or f"root={root};" not in headers["weft-manifest"]:
                wrong.append((root, headers))

    thread = threading.Thread(target=poll)
    thread.start()
    for i in range(6):
        content = f'unique template sms/{node};\n"/system/sms/note" ?= "n{i}";\n"/system/state" = "{"production" if i % 2 else "standby"}";\n'
        status, body = w.server.post("/v1/change", {"message": f"{i}", "edits": [{"path": f"sms/{node}.pan", "content": content}]}, w.admin)
        if status == 422:  # the example's types may not have this field
            content = f'unique template sms/{node};\n"/system/state" = "{"production" if i % 2 else "maintenance"}";\n'
            status, body = w.server.post("/v1/change", {"message": f"{i}", "edits": [{"path": f"sms/{node}.pan", "content": content}]}, w.admin)
        check(f"commit {i} under load", status == 200, body)
    w.server.post("/v1/change", {"message": "back", "edits": [{"path": f"sms/{node}.pan", "content": None}]}, w.admin)
    stop.set()
    thread.join()
    check("never torn, never missing", not wrong and len(seen) >= 2, (wrong[:3], len(seen)))


def test_kill(w, who):
    node = "disk01.example.org"
    for point, stored in (("cdb.commit.before-store", False), ("cdb.publish.file", False), ("cdb.commit.stored", False), ("cdb.commit.committed", True)):
        site = w.site("kill")
        before, roots = w.head(), w.roots()
        path = site / "site/messages.pan"
        path.write_text(path.read_text().replace('SELF["disk01"] = "', f'SELF["disk01"] = "{point}: '))
        w.server.stop()
        w.server.start(f"{point}=kill")
        run = w.weft("template", "commit", site, "-m", point, check_code=None)
        check(f"{point}: weft says that the answer is missing", run.returncode in (1, 4) and run.stderr, (run.returncode, run.stdout, run.stderr))
        w.server.process.wait(timeout=30)
        check(f"{point}: it was killed", w.server.process.returncode == -signal.SIGKILL, w.server.process.returncode)
        w.server.start()
        head, now = w.head(), w.roots()
        content = w.weft("template", "show", "site/messages.pan").stdout
        changed = {n for n in now if now[n] != roots[n]}
        if stored:
            check(f"{point}: the new state, whole", head == before + 1 and point in content and changed == {node}, (head, before, changed))
        else:
            check(f"{point}: the old state, whole", head == before and point not in content and not changed, (head, before, changed))
        status, headers, body = w.server.get(f"/v1/profile/{node}", who, {"Accept-Encoding": "gzip"})
        check(f"{point}: the node gets what is desired", status == 200 and headers["etag"] == f'"{now[node]}"' and
              merkle(json.loads(gzip.decompress(body))).hex() == now[node], (status, headers))
        out = w.weft("template", "commit", site, "-m", point).stdout
        check(f"{point}: the same commit again ends in the same state", w.head() == before + 1 and point in w.weft("template", "show", "site/messages.pan").stdout, out)
    shutil.rmtree(w.server.state / "files/profile")
    w.server.stop()
    w.server.start()
    status, headers, body = w.server.get(f"/v1/profile/{node}", who, {"Accept-Encoding": "zstd"})
    check("lost profile files are made again", status == 200 and body[:4] == b"\x28\xb5\x2f\xfd", status)
    audit = json.loads(w.server.get("/v1/audit?limit=1000", w.admin)[2])["audit"]
    check("every commit, token and certificate is in the audit", len([a for a in audit if a["action"].startswith("template.")]) == w.head() and
          {"enrol.token", "enrol.issue", "enrol.renew"} <= {a["action"] for a in audit})


def tell(prefix, make, story):
    """Runs story(world) on a fresh server below a folder of its own; the exit status."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix=prefix))
    folder.chmod(0o711)
    world = make(folder)
    try:
        world.server.start()
        story(world)
    except Exception as error:  # a defect of the product or of this test: both count
        import traceback
        traceback.print_exc()
        check("the test ran to its end", False, error)
    finally:
        world.server.stop()
        if failed:
            print((folder / "weftd.log").read_text()[-3000:])
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def story(w):
    test_import(w)
    test_edits(w)
    test_broken(w)
    test_commit_and_revert(w)
    test_conflict(w)
    test_input(w)
    who = test_enrolment(w)
    test_node_view(w, who)
    test_foreign_certificate(w)
    test_service(w)
    test_wake_and_reports(w, who)
    test_never_torn(w, who)
    test_kill(w, who)


if __name__ == "__main__":
    sys.exit(tell("weft-cdb-", World, story))
