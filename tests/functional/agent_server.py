#!/usr/bin/env python3
"""weft-agent against a server that lies, is away, or dies: enrolment, verification, anti-rollback, reports. Below --root, no systemd.

usage: agent_server.py --agent PATH. Prints one line for each check and ends with "N passed, N failed"."""
import argparse
import base64
import hashlib
import http.server
import json
import os
import pathlib
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import time

ADDRESS = "127.77.251.1"
NODE = "n1.example"
passed = failed = 0


def check(name, good, detail=""):
    global passed, failed
    if good:
        passed += 1
    else:
        failed += 1
        print(f"FAILED {name}: {str(detail)[:600]}", flush=True)


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def merkle(value):
    def h(text):
        return hashlib.sha256(text).digest()
    if value is None:
        return h(b"n")
    if isinstance(value, bool):
        return h(b"b" + (b"1" if value else b"0"))
    if isinstance(value, int):
        return h(b"i" + str(value).encode())
    if isinstance(value, str):
        return h(b"s" + value.encode())
    if isinstance(value, list):
        return h(b"l" + b"".join(merkle(v) for v in value))
    out = b"d"
    for key in sorted(value, key=lambda k: k.encode()):
        out += len(key.encode()).to_bytes(4, "big") + key.encode() + merkle(value[key])
    return h(out)


def openssl(*words, data=None):
    return subprocess.run(["openssl", *words], input=data, check=True, capture_output=True).stdout


class Authority:
    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", folder / "ca.key", "-out", folder / "ca.crt",
                "-subj", "/O=weft/OU=ca/CN=test", "-days", "30", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", folder / "server.key", "-out", folder / "server.csr", "-subj", "/O=weft/OU=server/CN=test")
        (folder / "san").write_text(f"subjectAltName=IP:{ADDRESS}\n")
        openssl("x509", "-req", "-in", folder / "server.csr", "-CA", folder / "ca.crt", "-CAkey", folder / "ca.key", "-CAcreateserial", "-out", folder / "server.crt",
                "-days", "30", "-extfile", folder / "san")
        openssl("genpkey", "-algorithm", "ed25519", "-out", folder / "sign.key")
        self.signing_key = openssl("pkey", "-in", folder / "sign.key", "-pubout").decode()
        self.ca = (folder / "ca.crt").read_text()
        der = openssl("x509", "-in", folder / "ca.crt", "-outform", "der")
        self.fingerprint = hashlib.sha256(der).hexdigest()

    def sign_request(self, csr, subject=None):
        extra = ["-subj", subject] if subject else []
        if subject:  # an answer for somebody else
            openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", self.folder / "x.key", "-out", self.folder / "x.csr", *extra)
            csr = (self.folder / "x.csr").read_text()
        return openssl("x509", "-req", "-CA", self.folder / "ca.crt", "-CAkey", self.folder / "ca.key", "-CAcreateserial", "-days", "30", data=csr.encode()).decode()

    def manifest(self, profile, revision, node=NODE, root=None, spoil=False):
        root = root or merkle(profile).hex()
        message = f"weft-profile-1\n{node}\n{revision}\n{root}\n".encode()
        file = self.folder / "message"
        file.write_bytes(message)
        signature = openssl("pkeyutl", "-sign", "-rawin", "-inkey", self.folder / "sign.key", "-in", file)
        if spoil:
            signature = bytes([signature[0] ^ 1]) + signature[1:]
        return f"v=1;node={node};revision={revision};root={root};sig={base64.b64encode(signature).decode()}"


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, authority, port=0):
        super().__init__((ADDRESS, port), Handler)
        self.authority, self.token, self.reports, self.requests = authority, None, [], []
        self.profile, self.manifest_text, self.raw, self.enrol_subject, self.ca_text = None, "", None, None, None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(authority.folder / "server.crt", authority.folder / "server.key")
        context.load_verify_locations(authority.folder / "ca.crt")
        context.verify_mode = ssl.CERT_OPTIONAL
        self.socket = context.wrap_socket(self.socket, server_side=True)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        pass

    def publish(self, profile, revision, **options):
        self.profile, self.raw = profile, None
        self.manifest_text = self.authority.manifest(profile, revision, **options)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", kind="application/json", **headers):
        body = body if isinstance(body, bytes) else body.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def problem(self, status, title):
        self.answer(status, json.dumps({"title": title, "status": status, "detail": title}), "application/problem+json")

    def who(self):
        certificate = self.connection.getpeercert()
        return dict(x[0] for x in certificate["subject"]).get("commonName") if certificate else None

    def do_GET(self):
        server = self.server
        server.requests.append(self.path)
        if self.path == "/v1/ca":
            return self.answer(200, server.ca_text or server.authority.ca, "text/plain")
        if self.who() != NODE:
            return self.problem(403, "not you")
        if self.path == f"/v1/profile/{NODE}":
            if server.profile is None:
                return self.problem(404, "no profile")
            root = dict(f.split("=", 1) for f in server.manifest_text.split(";"))["root"]
            if self.headers.get("If-None-Match") == f'"{root}"':
                return self.answer(304, b"", Weft_Manifest=server.manifest_text)
            return self.answer(200, server.raw or canonical(server.profile), ETag=f'"{root}"', Weft_Manifest=server.manifest_text)
        if self.path.startswith(f"/v1/node/{NODE}/wake"):
            root = dict(f.split("=", 1) for f in server.manifest_text.split(";")).get("root", "")
            end = time.time() + 2
            while time.time() < end and f"root={root}" in self.path:
                root = dict(f.split("=", 1) for f in server.manifest_text.split(";")).get("root", "")
                time.sleep(0.02)
            if f"root={root}" in self.path:
                self.send_response(204)
                self.end_headers()
                return None
            return self.answer(200, json.dumps({"root": root, "revision": 1}))
        return self.problem(404, "unknown")

    def do_POST(self):
        server = self.server
        server.requests.append(self.path)
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/v1/enrol":
            if body["token"] != server.token:
                return self.problem(409, "the token is used up")
            server.token = None
        elif self.path == "/v1/enrol/renew":
            if self.who() != NODE:
                return self.problem(403, "not you")
        elif self.path == f"/v1/node/{NODE}/report" and self.who() == NODE:
            server.reports.append(body)
            return self.answer(200, "{}")
        else:
            return self.problem(404, "unknown")
        certificate = server.authority.sign_request(body["csr"], server.enrol_subject)
        return self.answer(200, json.dumps({"certificate": certificate, "ca": server.authority.ca, "signing_key": server.authority.signing_key}))


def components(text, name="motd"):
    return {"software": {"components": {"filecopy": {"services": {"_2fetc_2f" + name: {"config": text}}}}}}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--agent", required=True)
    program = str(pathlib.Path(parser.parse_args().agent).resolve())
    work = pathlib.Path(tempfile.mkdtemp(prefix="weft-agent-functional-"))
    root = work / "root"
    (root / "etc").mkdir(parents=True)
    state = root / "var/lib/weft-agent"
    authority, stranger = Authority(work / "ca"), Authority(work / "stranger")
    server = Server(authority)
    url = f"https://{ADDRESS}:{server.server_port}"

    def agent(*words, fail=""):
        run = subprocess.run([program, "--root", root, *words], capture_output=True, text=True, timeout=120, env={**os.environ, "WEFT_FAIL": fail})
        return run.returncode, run.stdout + run.stderr

    def enrol(token, fail="", node=NODE):
        return agent("enrol", "--server", url, "--node", node, "--token", token, fail=fail)

    # Enrolment.
    token = f"weft1.{'s' * 32}.{authority.fingerprint}"
    check("no settings yet", agent("once")[0] != 0)
    check("a token that is none", enrol("weft1.x")[0] == 2 or "no enrolment token" in enrol("weft1.x")[1], enrol("weft1.x"))
    code, out = enrol(f"weft1.{'s' * 32}.{stranger.fingerprint}")
    check("a server with another CA is refused", code == 3 and "another CA" in out, (code, out))
    check("and has not seen the token", "/v1/enrol" not in server.requests, server.requests)
    server.ca_text = stranger.ca + authority.ca
    check("a CA hidden behind another", enrol(token)[0] != 0)
    server.ca_text = authority.ca + stranger.ca
    code, out = enrol(token, fail="agent.enrol.requested=kill")
    check("killed before the request", code == -signal.SIGKILL, (code, out))
    request = (state / "enrolment/request.json").read_text()
    check("the key on disk is private", (state / "enrolment/request.json").stat().st_mode & 0o777 == 0o600)
    code, out = enrol(token)
    check("a used token says what to do", code != 0 and "weft node token" in out, (code, out))
    server.token, server.enrol_subject = token, "/O=weft/OU=node/CN=other.example"
    code, out = enrol(token)
    check("a certificate for another node is refused", code != 0 and "other.example" in out, (code, out))
    check("no identity was installed", not (state / "identity").exists())
    server.token, server.enrol_subject = token, None
    code, out = enrol(token, fail="agent.enrol.before_install=kill")
    check("killed before the identity is installed", code == -signal.SIGKILL and not (state / "identity").exists(), (code, out))
    check("the request is still the first one", (state / "enrolment/request.json").read_text() == request)
    server.token = token
    code, out = enrol(token)
    check("enrolled", code == 0, (code, out))
    check("modes", (state / "identity/node.key").stat().st_mode & 0o777 == 0o640 and (state / "identity").stat().st_mode & 0o777 == 0o750)
    check("nothing is left over", not (state / "enrolment").exists() and not (state / "identity.new").exists())
    check("again is fine", enrol(token)[0] == 0)
    check("another name is not", enrol(token, node="n2.example")[0] != 0)
    check("only the compared CA is trusted", stranger.ca.strip() not in (state / "identity/ca.crt").read_text())

    # Fetching.
    code, out = agent("once")
    check("no profile yet", code == 1 and "no profile" in out, (code, out))
    server.publish(components("one\n"), 5)
    code, out = agent("once")
    check("first profile", code == 0 and (root / "etc/motd").read_text() == "one\n", (code, out))
    check("reported", server.reports and server.reports[-1]["outcome"] == "ok" and server.reports[-1]["components"][0]["name"] == "filecopy", server.reports)
    check("cache links", (state / "profile/current.json").read_text() == canonical(components("one\n")) and (state / "profile/current.manifest").exists())

    def refused(name, word, code_wanted=None):
        code, out = agent("once")
        good = code != 0 and word in out and (root / "etc/motd").read_text() == "one\n"
        check(name, good and code_wanted in (None, code), (code, out))

    server.publish(components("two\n"), 6, spoil=True)
    refused("a bad signature", "signature")
    server.publish(components("two\n"), 6, node="n2.example")
    refused("another node's profile", "n2.example", 3)
    server.manifest_text = stranger.manifest(components("two\n"), 6)
    refused("a foreign signing key", "signature")
    server.publish(components("two\n"), 6)
    server.raw = canonical(components("evil\n"))
    refused("content that is not the signed one", "root hash")
    server.publish(components("two\n"), 4)
    refused("an older revision", "older than revision 5", 3)
    server.publish(components("two\n"), 6)
    server.manifest_text = "v=2;root=" + "0" * 64
    refused("a manifest that is none", "manifest")
    server.publish(components("two\n"), 6)
    server.raw = "[" * 100 + "]" * 100
    refused("too deep", "deep")
    server.raw = '{"a": 1'
    refused("broken JSON", "reading the profile")
    server.publish({"system": {"state": "production"}}, 6)
    code, out = agent("once")
    check("a profile without components", code != 0 and "no components" in out and (root / "etc/motd").exists(), (code, out))

    # Killed while fetching.
    server.publish(components("two\n"), 7)
    for point in ("agent.fetch.verified", "agent.cache.stored", "agent.journal.written", "agent.action.before", "agent.action.after", "agent.report"):
        check("killed at " + point, agent("once", fail=point + "=kill")[0] == -signal.SIGKILL)
    code, out = agent("once")
    check("and goes on", code == 0 and (root / "etc/motd").read_text() == "two\n", (code, out))
    check("plan has nothing left", agent("plan", "--exit-code")[0] == 0)
    check("undo", agent("undo")[0] == 0 and not (root / "etc/motd").exists() or (root / "etc/motd").read_text() == "one\n", agent("status"))
    check("resume", agent("resume")[0] == 0 and agent("apply")[0] == 0 and (root / "etc/motd").read_text() == "two\n")
    check("profile get", json.loads(agent("profile", "get", "/software/components/filecopy/services")[1]) == {"_2fetc_2fmotd": {"config": "two\n"}})
    (root / "etc/noquattor").write_text("Eva is at the rack\n")
    code, out = agent("apply")
    check("held", code == 3 and "Eva is at the rack" in out, (code, out))
    (root / "etc/noquattor").unlink()

    # Server away.
    port = server.server_port
    server.shutdown()
    server.server_close()
    (root / "etc/motd").write_text("edited\n")
    code, out = agent("once")
    check("no server: the cache is applied", code == 4 and (root / "etc/motd").read_text() == "two\n", (code, out))
    check("the report waits", json.loads((state / "report.json").read_text())["outcome"] == "ok")

    # The daemon: starts without server, sends what waited, follows changes.
    log = open(work / "log", "w")
    daemon = subprocess.Popen([program, "--root", root, "run"], stderr=log, stdout=log)
    try:
        def wait(condition, seconds=30):
            end = time.time() + seconds
            while time.time() < end and not condition():
                time.sleep(0.05)
            return condition()

        check("metrics say the server is away", wait(lambda: "weft_agent_server_reachable 0" in (root / "run/weft/agent.prom").read_text()))
        old, server = server, Server(authority, port)
        server.profile, server.manifest_text = old.profile, old.manifest_text
        check("the queued report arrives", wait(lambda: server.reports))
        server.publish(components("three\n"), 8)
        check("a change is followed", wait(lambda: (root / "etc/motd").read_text() == "three\n"), open(work / "log").read())
        check("and reported", wait(lambda: server.reports[-1]["revision"] == 8))
        check("metrics", wait(lambda: 'revision="8"' in (root / "run/weft/agent.prom").read_text()))
        (root / "etc/motd").write_text("drift\n")
        daemon.send_signal(signal.SIGHUP)
        check("SIGHUP repairs drift", wait(lambda: (root / "etc/motd").read_text() == "three\n"))
        os.utime(state / "identity/node.crt")
        serial = (state / "identity/node.crt").read_text()
        (state / "identity/issued.json").write_text(json.dumps({"issued": int(time.time()) - 3600 * 24 * 365}))
        daemon.send_signal(signal.SIGHUP)
        check("the certificate is renewed", wait(lambda: (state / "identity/node.crt").read_text() != serial), open(work / "log").read())
        server.publish(components("four\n"), 9)
        check("and the new one works", wait(lambda: (root / "etc/motd").read_text() == "four\n"))
        daemon.kill()
        daemon.wait()
        daemon = subprocess.Popen([program, "--root", root, "run"], stderr=log, stdout=log)
        server.publish(components("five\n"), 10)
        check("killed and started again", wait(lambda: (root / "etc/motd").read_text() == "five\n"))
        daemon.terminate()
        check("ends at SIGTERM", daemon.wait(timeout=30) == 0)
    finally:
        if daemon.poll() is None:
            daemon.kill()
            daemon.wait()
    server.shutdown()
    if failed:
        print((work / "log").read_text()[-3000:])
    shutil.rmtree(work, ignore_errors=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
