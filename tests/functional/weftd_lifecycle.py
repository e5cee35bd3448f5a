#!/usr/bin/env python3
"""weftd as a process: first start, refusals, kill -9 of it and of its children at chosen places, clean stop. Needs PostgreSQL and nginx.

Usage: weftd_lifecycle.py WEFTD. Ends with 'N passed, N failed'."""
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

WEFTD = sys.argv[1]
passed = failed = 0
servers = []


def check(what, good, detail=""):
    global passed, failed
    if good:
        passed += 1
    else:
        failed += 1
        print(f"FAILED: {what} {detail}", flush=True)
    return good


def eventually(condition, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if condition():
                return True
        except (OSError, http.client.HTTPException, ValueError):
            pass
        time.sleep(0.1)
    return False


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    def __init__(self, state):
        self.state, self.port, self.process = pathlib.Path(state), free_port(), None
        self.log = open(self.state.parent / "weftd.log", "ab")

    def spawn(self, fail="", *extra):
        environment = dict(os.environ, **({"WEFT_FAIL": fail} if fail else {}))
        command = [WEFTD, "--state", str(self.state), "--listen", f"127.0.0.1:{self.port}", "--roles", "cdb", "--config", str(self.state.parent / "weftd.yaml"), *extra]
        self.process = subprocess.Popen(command, stderr=self.log, stdin=subprocess.DEVNULL, env=environment)

    def start(self):
        self.spawn()
        return eventually(lambda: self.process.poll() is None and self.get("/readyz")[0] == 200)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def context(self, certificate=None):
        made = ssl.create_default_context(cafile=self.state / "admin/ca.crt")
        if certificate:
            made.load_cert_chain(certificate)
        return made

    def get(self, path, certificate=None, headers=None, method="GET", body=None):
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=self.context(certificate), timeout=30)
        try:
            connection.request(method, path, body=body, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    @property
    def admin(self):
        return self.state / "admin/admin.pem"

    def status(self):
        return json.loads(self.get("/v1/status", self.admin)[1])

    def members(self):
        """Processes that work below our state folder: postgres and nginx."""
        out = []
        for entry in pathlib.Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and os.readlink(entry / "cwd").startswith(str(self.state)):
                    out.append(int(entry.name))
            except OSError:
                pass
        return out

    def nginx(self):
        """Master and workers of our front."""
        out = []
        for pid in self.members():
            try:
                if os.readlink(f"/proc/{pid}/cwd") == str(self.state / "front") and "nginx" in pathlib.Path(f"/proc/{pid}/cmdline").read_text():
                    out.append(pid)
            except OSError:
                pass
        return out


def first_start(server):
    check("first start", server.start())
    check("healthz needs no certificate", server.get("/healthz") == (200, b"ok\n"))
    check("the CA is public", b"BEGIN CERTIFICATE" in server.get("/v1/ca")[1])
    check("the status is not", server.get("/v1/status")[0] == 403)
    status = server.status()
    check("status for the administrator", status["roles"] == ["cdb"] and status["database"] == "private" and status["pid"] == server.process.pid)
    check("unknown address", server.get("/nothing", server.admin)[0] == 404)
    for name, mode in {"ca": 0o700, "admin": 0o700, "ca/ca.key": 0o600, "ca/server.pem": 0o600, "admin/admin.pem": 0o600, "pg": 0o700, "front/nginx.conf": 0o600}.items():
        check(f"mode of {name}", (server.state / name).stat().st_mode & 0o777 == mode)


def refusals(server, folder):
    second = subprocess.run([WEFTD, "--state", server.state, "--listen", "127.0.0.1:1", "--config", folder / "weftd.yaml"], capture_output=True, text=True)
    check("a second weftd on the state is refused, naming the first", second.returncode != 0 and str(server.process.pid) in second.stderr, second.stderr)
    other = subprocess.run([WEFTD, "--state", folder / "other", "--listen", f"127.0.0.1:{server.port}", "--roles", "cdb", "--config", folder / "weftd.yaml"],
                           capture_output=True, text=True)
    check("a taken port is named", other.returncode != 0 and f"127.0.0.1:{server.port} is taken" in other.stderr, other.stderr)
    for option in (["--roles", "cbd"], ["--roles", ","], ["--listen", "nowhere"], ["--public-url", "http://x"], ["--config", "/nonexistent"], ["--nonsense"]):
        wrong = subprocess.run([WEFTD, "--state", folder / "other", "--config", folder / "weftd.yaml", *option], capture_output=True, text=True)
        check(f"refused: {option}", wrong.returncode == 2 and "error" in wrong.stderr, wrong.stderr)
    (folder / "bad.yaml").write_text("rolles: [cdb]\n")
    wrong = subprocess.run([WEFTD, "--state", folder / "other", "--config", folder / "bad.yaml"], capture_output=True, text=True)
    check("a misspelt setting is refused with a proposal", wrong.returncode == 2 and "did you mean roles" in wrong.stderr, wrong.stderr)


def intruders(server, folder):
    forged = {"Weft-Client-Verify": "SUCCESS", "Weft-Client-Subject": "CN=admin,OU=person,O=weft", "Weft-Hop": "x"}
    check("forged identity headers do nothing", server.get("/v1/status", headers=forged)[0] == 403)
    key, certificate = folder / "foreign.key", folder / "foreign.crt"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", certificate,
                    "-days", "1", "-subj", "/O=weft/OU=person/CN=admin"], check=True, capture_output=True)
    (folder / "foreign.pem").write_bytes(key.read_bytes() + certificate.read_bytes())
    check("a foreign certificate is refused", server.get("/healthz", folder / "foreign.pem")[0] == 403)
    check("the server's own certificate is no client", server.get("/v1/status", server.state / "ca/server.pem")[0] == 403)
    check("an oversized body is refused", server.get("/v1/enrol", method="POST", body=b"x" * (65 << 20))[0] == 413)
    secret = next(line.split('"')[1] for line in (server.state / "front/nginx.conf").read_text().splitlines() if "Weft-Hop" in line)
    upstream = next(line.split(":")[1].split()[0] for line in (server.state / "front/nginx.conf").read_text().splitlines() if "server 127.0.0.1:" in line)
    direct = http.client.HTTPConnection("127.0.0.1", int(upstream), timeout=10)
    direct.request("GET", "/healthz", headers={"Weft-Client-Verify": "SUCCESS", "Weft-Client-Subject": "CN=admin,OU=person,O=weft"})
    check("the application's port serves the front only", direct.getresponse().status == 403)
    check("the hop secret is long", len(secret) >= 32)

    silent = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(150)]
    slow = []
    for _ in range(50):
        one = server.context().wrap_socket(socket.create_connection(("127.0.0.1", server.port)), server_hostname="127.0.0.1")
        one.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-")
        slow.append(one)
    check("others are served beside silent and slow clients", all(server.get("/healthz")[0] == 200 for _ in range(20)))
    slow[0].settimeout(120)
    try:
        while slow[0].recv(1000):
            pass
        check("a slow client is cut off", True)
    except TimeoutError:
        check("a slow client is cut off", False, "still open after 120 s")
    except OSError:
        check("a slow client is cut off", True)
    for one in silent + slow:
        one.close()


def revoked(server, folder):
    """A certificate of our own CA, put on the revocation list as an administrator would with openssl."""
    ca, work = server.state / "ca", folder / "revoke"
    work.mkdir()

    def openssl(*words):
        return subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, text=True).stdout

    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", work / "key", "-out", work / "csr", "-subj", "/O=weft/OU=person/CN=leaver")
    openssl("x509", "-req", "-in", work / "csr", "-CA", ca / "ca.crt", "-CAkey", ca / "ca.key", "-set_serial", "0x4711", "-days", "2", "-out", work / "crt")
    (work / "pem").write_bytes((work / "key").read_bytes() + (work / "crt").read_bytes())
    check("a person before the revocation", server.get("/v1/status", work / "pem")[0] == 200)
    (work / "index").write_text("R\t350101000000Z\t260101000000Z\t4711\tunknown\t/O=weft/OU=person/CN=leaver\n")
    (work / "number").write_text("01\n")
    (work / "conf").write_text(f"[ca]\ndefault_ca=a\n[a]\ndatabase={work}/index\ncrlnumber={work}/number\ndefault_md=sha256\ndefault_crl_days=30\n")
    openssl("ca", "-gencrl", "-config", work / "conf", "-cert", ca / "ca.crt", "-keyfile", ca / "ca.key", "-out", ca / "ca.crl")
    server.process.send_signal(signal.SIGHUP)
    check("a revoked certificate is refused after SIGHUP", eventually(lambda: server.get("/v1/status", work / "pem")[0] == 403))
    check("others are still known", server.get("/v1/status", server.admin)[0] == 200)


def children_die(server):
    stop, wrong = threading.Event(), []

    def ask():
        while not stop.is_set():
            try:
                code, body = server.get("/v1/status", server.admin)
                if code == 200 and json.loads(body)["roles"] != ["cdb"]:
                    wrong.append(body)
            except (OSError, http.client.HTTPException):
                pass

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for child in ("postgres_pid", "nginx_pid"):
        before = server.status()[child]
        os.kill(before, signal.SIGKILL)
        check(f"{child} killed: replaced", eventually(lambda: server.status()[child] != before))
        check(f"{child} killed: ready again", eventually(lambda: server.get("/readyz")[0] == 200))
    stop.set()
    for thread in threads:
        thread.join()
    check("no wrong answer meanwhile", not wrong, wrong[:1])
    check("weftd itself never stopped", server.process.poll() is None)


def killed(server):
    before, certificate = server.status(), server.admin.read_bytes()
    server.kill()
    check("the front ends with weftd", eventually(lambda: not server.nginx(), 20), server.nginx())
    with socket.socket() as probe:
        check("nobody listens at its address", probe.connect_ex(("127.0.0.1", server.port)) != 0)
    check("start after kill -9", server.start())
    after = server.status()
    check("PostgreSQL was adopted", before["postgres_pid"] == after["postgres_pid"])
    check("nginx was replaced", before["nginx_pid"] != after["nginx_pid"])
    check("the administrator's certificate is still the same", certificate == server.admin.read_bytes())
    for _ in range(6):
        server.kill()
        server.spawn()
        time.sleep(0.25)
    server.kill()
    check("start after a series of kills", server.start())


def killed_at_places(folder):
    state = folder / "places" / "state"
    state.parent.mkdir()
    (state.parent / "weftd.yaml").write_text("")
    server = Server(state)
    servers.append(server)
    for place in ("weftd.ca.key-written", "pg.private.initdb", "pg.private.launch", "pg.migrate.before-commit", "weftd.credentials", "weftd.database", "front.start", "weftd.front"):
        server.spawn(f"{place}=kill")
        try:
            server.process.wait(60)
        except subprocess.TimeoutExpired:
            server.kill()
        check(f"killed at {place}", server.process.returncode == -signal.SIGKILL, server.process.returncode)
    check("starts after a kill at each place", server.start())
    for place in ("pg.private.launch", "front.start", "weftd.database"):
        server.process.terminate()
        check(f"stops before {place}", server.process.wait(60) == 0)
        server.spawn(f"{place}=error")
        check(f"an error at {place} ends it with a message", server.process.wait(60) not in (0, -signal.SIGSEGV, -signal.SIGABRT))
        check(f"nothing is left running after {place}", eventually(lambda: not server.members()), server.members())
        check(f"starts after the error at {place}", server.start())
    server.process.terminate()
    check("clean stop", server.process.wait(60) == 0)
    check("nothing is left running", eventually(lambda: not server.members()), server.members())


def stop_under_load(server):
    stop, odd = threading.Event(), []

    def ask():
        while not stop.is_set():
            try:
                code, _ = server.get("/healthz")
                if code not in (200, 503):
                    odd.append(code)
            except (OSError, http.client.HTTPException):
                pass

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    server.process.send_signal(signal.SIGHUP)
    check("SIGHUP reloads without an end", eventually(lambda: server.get("/healthz")[0] == 200) and server.process.poll() is None)
    time.sleep(0.5)
    server.process.terminate()
    check("SIGTERM under load ends it cleanly", server.process.wait(60) == 0)
    stop.set()
    for thread in threads:
        thread.join()
    check("nobody got an odd answer", not odd, odd[:3])
    check("nothing of it is left running", eventually(lambda: not server.members()), server.members())


def main():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="weft-weftd-"))
    folder.chmod(0o711)
    (folder / "weftd.yaml").write_text("")
    server = Server(folder / "state")
    servers.append(server)
    try:
        first_start(server)
        refusals(server, folder)
        intruders(server, folder)
        revoked(server, folder)
        children_die(server)
        killed(server)
        stop_under_load(server)
        killed_at_places(folder)
    finally:
        for one in servers:
            if one.process and one.process.poll() is None:
                one.kill()
            for pid in one.members():
                os.kill(pid, signal.SIGKILL)
        if failed:
            print((folder / "weftd.log").read_text()[-3000:])
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
