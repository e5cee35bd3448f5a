"""A private Weft fabric for functional tests: weftd on free loopback ports with its own PostgreSQL and nginx, Prometheus, and nodes,
either real systemd machines (packaging/node) or agents below a folder. Stops only what it started, by pid.

    with Fabric(build) as fabric:
        fabric.import_example()
        node = fabric.boot("disk01.example.org")
"""
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
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
# One Debian tree serves all tests and the quickstart; making it takes a minute.
TREE = pathlib.Path(os.environ.get("WEFT_NODE_TREE", "/var/lib/weft-quickstart/tree"))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(what, condition, seconds=60.0, every=0.05):
    """Waits for condition() to be true; the limit only keeps a broken test from hanging."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds:.0f} s in vain: {what}")
        time.sleep(every)


def isolate():
    """Restarts this program in a network namespace of its own (as root, where allowed): the example's node addresses and the ports of
    another test or of a running quickstart cannot meet ours. Call it before anything is started and after what needs the network."""
    if os.environ.get("WEFT_TEST_ISOLATED") or os.geteuid() != 0:
        return
    if subprocess.run(["unshare", "--net", "true"], capture_output=True).returncode:
        return
    os.environ["WEFT_TEST_ISOLATED"] = "1"
    sys.stdout.flush()
    os.execvp("unshare", ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", sys.executable, *sys.argv])


class Client:
    """One connection that stays, as the administrator."""

    def __init__(self, fabric):
        admin = fabric.state / "server/admin"
        context = ssl.create_default_context(cafile=admin / "ca.crt")
        context.load_cert_chain(admin / "admin.pem")
        self.connection = http.client.HTTPSConnection("127.0.0.1", fabric.port, context=context, timeout=600)

    def ask(self, method, path, body=None):
        self.connection.request(method, path, json.dumps(body) if body is not None else None, {"Content-Type": "application/json"} if body is not None else {})
        answer = self.connection.getresponse()
        content = answer.read()
        if answer.status != 200:
            raise AssertionError(f"{method} {path}: {answer.status} {content[:2000].decode(errors='replace')}")
        return json.loads(content)


class Checks:
    """Counts named checks and prints the closing line that the test runner reads."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def check(self, name, condition, detail=""):
        if condition:
            self.passed += 1
            print(f"ok    {name}", flush=True)
        else:
            self.failed += 1
            print(f"FAIL  {name}\n      {detail}", flush=True)
        return bool(condition)

    def skip(self, name, why):
        self.skipped += 1
        print(f"skip  {name}: {why}", flush=True)

    def finish(self):
        print(f"{self.passed} passed, {self.failed} failed" + (f", {self.skipped} skipped" if self.skipped else ""))
        return 1 if self.failed or not self.passed else 0


class Node:
    """A real systemd machine."""

    def __init__(self, fabric, name):
        self.fabric, self.name, self.work = fabric, name, fabric.state / "nodes" / name

    def tool(self, *words, check=True):
        return subprocess.run([str(ROOT / "packaging/node/node"), *map(str, words)], capture_output=True, text=True, check=check)

    def start(self):
        self.tool("start", self.name, TREE, self.work)

    def stop(self):
        self.tool("stop", self.name, self.work, check=False)

    def power_cut(self):
        self.tool("kill", self.work)

    def run(self, *words, check=True):
        out = subprocess.run([str(ROOT / "packaging/node/node"), "exec", self.name, str(self.work), *map(str, words)], capture_output=True, text=True)
        if check and out.returncode:
            raise AssertionError(f"{self.name}: {' '.join(map(str, words))}: exit {out.returncode}\n{out.stdout}{out.stderr}")
        return out

    def read(self, path):
        return (self.work / "root" / str(path).lstrip("/")).read_text()

    def kill9(self, unit):
        """SIGKILL to a unit's main process; systemd restarts it."""
        pid = self.run("systemctl", "show", "-P", "MainPID", unit).stdout.strip()
        if pid and pid != "0":
            self.run("kill", "-KILL", pid, check=False)
        return pid


class Fabric:
    def __init__(self, build, prometheus=False):
        self.programs = pathlib.Path(build).resolve() / "programs"
        # /var/lib, because the private PostgreSQL's user must be able to walk there.
        base = "/var/lib" if os.geteuid() == 0 else None
        self.state = pathlib.Path(tempfile.mkdtemp(prefix="weft-test-", dir=base))
        self.state.chmod(0o755)
        self.port = free_port()
        self.url = f"https://127.0.0.1:{self.port}"
        self.weftd = None
        self.prometheus = None
        self.prometheus_url = None
        self.nodes = {}
        self.environment = dict(os.environ, WEFT_CONFIG=str(self.state / "server/admin/client.yaml"), NO_COLOR="1")
        self.environment.pop("WEFT_FAIL", None)
        self.want_prometheus = prometheus

    def __enter__(self):
        if self.want_prometheus:
            self.start_prometheus()
        self.start_weftd()
        return self

    def __exit__(self, kind, *_):
        for node in self.nodes.values():
            node.stop()
        self.stop_weftd()
        if self.prometheus:
            self.prometheus.terminate()
            self.prometheus.wait()
        if kind and os.environ.get("WEFT_KEEP"):
            print("kept:", self.state)
        else:
            shutil.rmtree(self.state, ignore_errors=True)

    def start_prometheus(self):
        folder = self.state / "prometheus"
        folder.mkdir()
        (folder / "prometheus.yml").write_text("global: {scrape_interval: 1m}\n")
        port = free_port()
        self.prometheus_url = f"http://127.0.0.1:{port}"
        self.prometheus = subprocess.Popen(
            ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
             f"--web.listen-address=127.0.0.1:{port}", "--web.enable-remote-write-receiver"],
            stdout=open(self.state / "prometheus.log", "ab"), stderr=subprocess.STDOUT)

    def start_weftd(self, fail="", roles="cdb,monitor,leaf"):
        """Starts weftd (fail: a WEFT_FAIL specification) and waits until it answers, unless a fail point ends it first."""
        command = [str(self.programs / "weftd"), "--state", str(self.state / "server"), "--listen", f"127.0.0.1:{self.port}", "--roles", roles]
        if self.prometheus_url:
            command += ["--prometheus", self.prometheus_url]
        environment = dict(self.environment, **({"WEFT_FAIL": fail} if fail else {}))
        self.weftd = subprocess.Popen(command, env=environment, stdout=open(self.state / "weftd.log", "ab"), stderr=subprocess.STDOUT)

        def ready():
            if self.weftd.poll() is not None:
                raise AssertionError("weftd ended:\n" + self.log_tail())
            return (self.state / "server/admin/client.yaml").exists() and self.weft("node", "list", check=False).returncode == 0

        until("weftd answers", ready, 90)

    def stop_weftd(self):
        if self.weftd and self.weftd.poll() is None:
            self.weftd.terminate()
            try:
                self.weftd.wait(30)
            except subprocess.TimeoutExpired:
                self.weftd.kill()
        self.weftd = None

    def kill9_weftd(self):
        self.weftd.send_signal(signal.SIGKILL)
        self.weftd.wait()

    def log_tail(self, lines=20):
        return "\n".join((self.state / "weftd.log").read_text(errors="replace").splitlines()[-lines:])

    def weft(self, *words, check=True, timeout=180):
        out = subprocess.run([str(self.programs / "weft"), *map(str, words)], env=self.environment, capture_output=True, text=True, timeout=timeout)
        if check and out.returncode:
            raise AssertionError(f"weft {' '.join(map(str, words))}: exit {out.returncode}\n{out.stdout}{out.stderr}")
        return out

    def json(self, *words):
        return json.loads(self.weft(*words, "--json").stdout)

    def get(self, path):
        """A page of the server as its administrator sees it."""
        admin = self.state / "server/admin"
        context = ssl.create_default_context(cafile=admin / "ca.crt")
        context.load_cert_chain(admin / "admin.pem")
        with urllib.request.urlopen(self.url + path, context=context) as answer:
            return answer.read().decode()

    def import_example(self):
        return self.weft("template", "import", ROOT / "templates/example", f"{ROOT / 'schemas/pan'}=schemas", "-m", "import")

    @staticmethod
    def containers():
        """Empty when real nodes can run here, else the reason."""
        out = subprocess.run([str(ROOT / "packaging/node/node"), "can-run"], capture_output=True, text=True)
        if out.returncode:
            return out.stderr.strip() or "containers cannot run here"
        subprocess.run([str(ROOT / "packaging/node/make-tree"), str(TREE)], check=True, stdout=subprocess.DEVNULL)
        return ""

    def boot(self, name, start=True):
        node = Node(self, name)
        subprocess.run([str(ROOT / "packaging/node/install"), str(self.programs), str(node.work / "upper"), self.url, name], check=True)
        node.start()
        self.nodes[name] = node
        node.run("systemd-sysusers")
        token = self.weft("node", "token", name).stdout.strip()
        node.run("weft-agent", "enrol", "--server", self.url, "--node", name, "--token", token)
        if start:
            node.run("systemctl", "enable", "--now", "--quiet", "weft-agent.service", "weft-sensord.service")
        return node
