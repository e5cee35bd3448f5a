#!/usr/bin/env python3
"""Sensors, gateway, a real Prometheus and alarms together: names, identity, outages, kill -9, rules.

Usage: monitoring.py WEFTD WEFT WEFT-SENSORD PANC. Ends with 'N passed, N failed'."""
import http.client
import json
import os
import pathlib
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
import urllib.parse

WEFTD, WEFT, SENSORD, PANC = (str(pathlib.Path(p).resolve()) for p in sys.argv[1:5])
ROOT = pathlib.Path(__file__).resolve().parents[2]
passed = failed = 0
children = []
NODE = "disk01"

# Names that dashboard 1860 uses and that every Linux machine has.
NAMES = """node_boot_time_seconds node_context_switches_total node_cpu_seconds_total node_forks_total node_intr_total node_load1 node_load5
node_load15 node_memory_MemAvailable_bytes node_memory_MemFree_bytes node_memory_MemTotal_bytes node_memory_Active_anon_bytes
node_memory_SwapTotal_bytes node_filesystem_avail_bytes node_filesystem_size_bytes node_filesystem_files_free node_filesystem_readonly
node_network_receive_bytes_total node_network_transmit_packets_total node_network_up node_network_mtu_bytes node_procs_running
node_procs_blocked node_time_seconds node_timex_offset_seconds node_timex_sync_status node_uname_info node_vmstat_pgfault
node_vmstat_pgmajfault node_scrape_collector_success node_scrape_collector_duration_seconds process_open_fds
process_cpu_seconds_total weft_sensord_spool_batches weft_agent_file_present""".split()


def check(what, good, detail=""):
    global passed, failed
    if good:
        passed += 1
    else:
        failed += 1
        print(f"FAILED: {what} {str(detail)[:600]}", flush=True)
    return good


def eventually(condition, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            result = condition()
            if result:
                return result
        except (OSError, http.client.HTTPException, ValueError, KeyError, IndexError):
            pass
        time.sleep(0.1)
    return False


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def spawn(command, log):
    process = subprocess.Popen([str(c) for c in command], stdin=subprocess.DEVNULL, stdout=open(log, "ab"), stderr=subprocess.STDOUT)
    children.append(process)
    return process


def kill(process, how=signal.SIGKILL):
    process.send_signal(how)
    return process.wait(30)


# remote_write by hand: protobuf fields and a snappy block of literals.
def varint(n):
    out = b""
    while n >= 0x80:
        out, n = out + bytes([n & 0x7F | 0x80]), n >> 7
    return out + bytes([n])


def field(number, content):
    return varint(number << 3 | 2) + varint(len(content)) + content


def write_request(name, instance, value, milliseconds):
    labels = b"".join(field(1, field(1, k.encode()) + field(2, v.encode())) for k, v in (("__name__", name), ("instance", instance)))
    sample = b"\x09" + struct.pack("<d", value) + b"\x10" + varint(milliseconds)
    raw = field(1, labels + field(2, sample))
    return varint(len(raw)) + bytes([61 << 2]) + struct.pack("<H", len(raw) - 1) + raw


class Fabric:
    def __init__(self, folder):
        self.folder = folder
        self.port, self.store_port = free_port(), free_port()
        self.state = folder / "server"
        self.identity = folder / "identity"
        self.profile = folder / "current.json"
        self.identity.mkdir()
        (folder / "weftd.yaml").write_text("{}\n")
        self.weftd = self.store = self.sensord = None

    def start_store(self):
        folder = self.folder / "prometheus"
        folder.mkdir(exist_ok=True)
        (folder / "prometheus.yml").write_text("storage: {tsdb: {out_of_order_time_window: 1d}}\n")
        self.store = spawn(["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
                            f"--web.listen-address=127.0.0.1:{self.store_port}", "--web.enable-remote-write-receiver"], self.folder / "prometheus.log")
        return eventually(lambda: self.ask_store("/-/ready")[0] == 200)

    def start_weftd(self):
        self.weftd = spawn([WEFTD, "--state", self.state, "--listen", f"127.0.0.1:{self.port}", "--roles", "cdb,monitor", "--config", self.folder / "weftd.yaml",
                            "--prometheus", f"http://127.0.0.1:{self.store_port}"], self.folder / "weftd.log")
        return eventually(lambda: self.get("/readyz")[0] == 200, 90)

    def start_sensord(self):
        self.sensord = spawn([SENSORD, "run", "--state", self.folder / "sensord", "--identity", self.identity, "--profile", self.profile,
                              "--agent-config", self.folder / "agent.yaml", "--actuator", self.folder / "actuate.sock"], self.folder / "sensord.log")

    def ask_store(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.store_port, timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def query(self, expression):
        status, body = self.ask_store("/api/v1/query?query=" + urllib.parse.quote(expression))
        return json.loads(body)["data"]["result"] if status == 200 else []

    def ticks(self, expression):
        result = self.query(expression + "[1h]")
        return [float(t) for t, _ in result[0]["values"]] if result else []

    def get(self, path, certificate=None, method="GET", body=None, headers=None):
        context = ssl.create_default_context(cafile=self.state / "admin/ca.crt")
        if certificate:
            context.load_cert_chain(*certificate)
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=context, timeout=30)
        try:
            connection.request(method, path, body=body, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read(), {k.lower(): v for k, v in answer.getheaders()}
        finally:
            connection.close()

    @property
    def admin(self):
        return (self.state / "admin/admin.pem",)

    @property
    def node(self):
        return (self.identity / "node.crt", self.identity / "node.key")

    def write(self, name, instance, value=1.0, certificate=None):
        headers = {"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy", "X-Prometheus-Remote-Write-Version": "0.1.0"}
        return self.get("/api/v1/write", certificate or self.node, "POST", write_request(name, instance, value, int(time.time() * 1000)), headers)

    def weft(self, *arguments):
        return subprocess.run([WEFT, *arguments, "--config", str(self.state / "admin/client.yaml")], capture_output=True, text=True, timeout=60)

    def enrol(self):
        """A certificate from the server's own CA; enrolment itself is another test's business."""
        key, request, certificate = self.identity / "node.key", self.folder / "node.csr", self.identity / "node.crt"
        for command in (["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key],
                        ["req", "-new", "-key", key, "-subj", f"/O=weft/OU=node/CN={NODE}", "-out", request],
                        ["x509", "-req", "-in", request, "-CA", self.state / "ca/ca.crt", "-CAkey", self.state / "ca/ca.key", "-set_serial", "4711", "-days", "2", "-out", certificate]):
            subprocess.run(["openssl", *map(str, command)], check=True, capture_output=True)
        shutil.copy(self.state / "ca/ca.crt", self.identity / "ca.crt")
        (self.folder / "agent.yaml").write_text(f"server: https://127.0.0.1:{self.port}\nnode: {NODE}\n")
        return certificate.exists()

    def set_profile(self, monitoring):
        fresh = self.folder / "new.json"
        fresh.write_text(json.dumps({"system": {"monitoring": monitoring}}))
        fresh.rename(self.profile)

    def spool(self):
        return list((self.folder / "sensord/spool").glob("*.seg"))


FAST = {"push": {"period": 1, "labels": {"room": "513"}},
        "sensors": {**{name: {"period": 1} for name in ("cpu", "memory", "load", "network", "disk", "time", "uname", "vmstat", "self", "agent", "filesystem")},
                    "systemd": {"active": False}}}


def names_and_labels(fabric):
    eventually(lambda: len(fabric.query(f'node_load1{{instance="{NODE}"}}')) == 1)
    eventually(lambda: fabric.query(f'node_scrape_collector_success{{instance="{NODE}"}}'))
    got = {name for name in NAMES if fabric.query(f'{name}{{instance="{NODE}",job="weft",room="513"}}')}
    check("Prometheus has node_exporter's names under instance and job", got == set(NAMES), sorted(set(NAMES) - got))
    keys = {k for k in fabric.query(f'node_cpu_seconds_total{{instance="{NODE}"}}')[0]["metric"]}
    check("labels of node_cpu_seconds_total", keys == {"__name__", "cpu", "mode", "instance", "job", "room"}, keys)
    keys = {k for k in fabric.query(f'node_filesystem_size_bytes{{instance="{NODE}"}}')[0]["metric"]}
    check("labels of node_filesystem_size_bytes", keys == {"__name__", "device", "fstype", "mountpoint", "instance", "job", "room"}, keys)
    stamps = eventually(lambda: (lambda t: t if len(t) >= 4 else None)(fabric.ticks(f'node_load1{{instance="{NODE}"}}'))) or []
    check("samples lie on aligned ticks", len({round(t * 1000) % 1000 for t in stamps}) == 1, stamps)


def identity(fabric):
    status, body, headers = fabric.write("weft_test_value", "disk02")
    check("a node may not write for another", status == 403 and headers.get("weft-refused") == "instance", (status, body))
    check("a person may not write", fabric.write("weft_test_value", NODE, certificate=fabric.admin)[0] == 403)
    check("without certificate nothing is written", fabric.get("/api/v1/write", None, "POST", b"x")[0] in (401, 403))
    check("a node writes for itself", fabric.write("weft_test_value", NODE)[0] == 204)
    check("nothing arrived for the other", not fabric.query('weft_test_value{instance="disk02"}'))
    status, _, headers = fabric.get("/api/v1/write", fabric.node, "POST", b"\xff\xff\xff\xff\x0f\x00\x00")
    check("a decompression bomb is refused for good", status == 413 and headers.get("weft-refused") == "limit", status)
    check("rubbish is refused for good", fabric.get("/api/v1/write", fabric.node, "POST", b"rubbish")[2].get("weft-refused") == "format")
    for path in ("/metrics", "/v1/metric", "/v1/alarm"):
        check(f"a node does not read {path}", fabric.get(path, fabric.node)[0] == 403)
        check(f"nobody reads {path} without certificate", fabric.get(path)[0] in (401, 403))


def reading(fabric):
    status, body, _ = fabric.get("/metrics?node=" + NODE, fabric.admin)
    text = body.decode()
    check("/metrics has types of node_exporter", status == 200 and "# TYPE node_cpu_seconds_total counter" in text and "# TYPE node_load1 gauge" in text)
    check("/metrics has the gateway's own", "weft_gateway_samples_total" in text)
    run = fabric.weft("metric", "show", NODE, "node_load1", "--json")
    check("weft metric show", run.returncode == 0 and json.loads(run.stdout)["metrics"][0]["name"] == "node_load1", run.stderr)
    run = fabric.weft("metric", "list", "--name", "node_memory*")
    check("weft metric list", run.returncode == 0 and "node_memory_MemTotal_bytes" in run.stdout, run.stderr)
    run = fabric.weft("metric", "show", "no-such-node")
    check("weft metric show of an unknown node is an error", run.returncode == 1 and "no-such-node" in run.stderr, run.stderr)


def complete(ticks, begin, end):
    """Every second between begin and end has its tick."""
    inside = [t for t in ticks if begin <= t <= end]
    return len(inside) >= int(end - begin) - 1 and all(b - a < 1.5 for a, b in zip(inside, inside[1:]))


def outages(fabric):
    series = f'node_load1{{instance="{NODE}"}}'
    begin = time.time()
    kill(fabric.store)
    check("without the store the node spools", eventually(lambda: fabric.spool() and sum(f.stat().st_size for f in fabric.spool()) > 20000))
    status, _, headers = fabric.write("weft_test_value", NODE)
    check("without the store the gateway says come back", status == 503 and "weft-refused" not in headers and "retry-after" in headers, status)
    check("the live view goes on", eventually(lambda: json.loads(fabric.get("/v1/metric?name=node_load1", fabric.admin)[1])["metrics"]))

    killed = time.time()
    kill(fabric.weftd)
    kill(fabric.sensord)
    dead_until = time.time()
    fabric.start_sensord()
    time.sleep(3)
    check("weftd comes back after kill -9", fabric.start_weftd())
    time.sleep(2)
    check("the store comes back", fabric.start_store())
    check("the spool drains", eventually(lambda: not fabric.spool() or sum(f.stat().st_size for f in fabric.spool()) < 12000, 120))
    eventually(lambda: fabric.ticks(series)[-1] > time.time() - 5, 60)
    ticks = fabric.ticks(series)
    # What was sampled but not yet spooled when kill -9 came (one push period) is the only loss there may be.
    check("nothing is lost up to the kill", complete(ticks, begin, killed - 2.5), ticks)
    check("nothing is lost after it", complete(ticks, dead_until + 3, time.time() - 4), ticks)
    check("no sample is there twice", len(ticks) == len(set(ticks)))

    kill(fabric.weftd)
    after = time.time()
    time.sleep(3)
    check("weftd comes back again", fabric.start_weftd())
    check("samples of the gateway's absence arrive", eventually(lambda: complete(fabric.ticks(series), after - 3, after + 3)), fabric.ticks(series)[-12:])


class ActuatorSocket(threading.Thread):
    """What systemd does for weft-sensord-actuate.socket: one `weft-sensord actuate` per connection."""

    def __init__(self, fabric):
        super().__init__(daemon=True)
        self.fabric, self.runs = fabric, 0
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(str(fabric.folder / "actuate.sock"))
        self.socket.listen(4)

    def run(self):
        while True:
            peer, _ = self.socket.accept()
            self.runs += 1
            environment = dict(os.environ, DBUS_SYSTEM_BUS_ADDRESS=f"unix:path={self.fabric.folder}/no-bus")
            subprocess.run([SENSORD, "actuate", "--profile", self.fabric.profile, "--runs", self.fabric.folder / "runs.json"], stdin=peer, stdout=peer,
                           stderr=open(self.fabric.folder / "actuate.log", "ab"), env=environment)
            peer.close()


def rules(fabric):
    actuator = ActuatorSocket(fabric)
    actuator.start()
    fabric.set_profile({**FAST, "rules": {
        "always": {"condition": "node_load1 >= 0 and node_memory_MemTotal_bytes > 0", "text": "Always true", "severity": "info", "period": 1, "procedure": "https://example.org/always"},
        "restart": {"condition": 'node_network_mtu_bytes{device="lo"} > 0', "text": "Restart does not help", "severity": "critical", "period": 1,
                    "actuator": {"kind": "restart-unit", "unit": "weft-no-such.service", "max_runs": 2, "window": 3600, "wait": 1, "timeout": 5}}}})

    def alarms(everything=False):
        run = fabric.weft("alarm", "list", "--json", "--node", NODE, *(["--all"] if everything else []))
        return json.loads(run.stdout) if run.returncode == 0 else {"alarms": [], "runs": []}

    raised = lambda rule: next((a for a in alarms()["alarms"] if a["rule"] == rule), None)
    alarm = eventually(lambda: raised("always"))
    check("a rule raises an alarm on the server", alarm and alarm["severity"] == "info" and alarm["procedure"] == "https://example.org/always", alarm)
    alarm = eventually(lambda: raised("restart"), 90)
    check("the actuator ran max_runs times, then the alarm is raised", alarm and "after 2 of 2 allowed restarts" in alarm["why"] and actuator.runs == 2, (alarm, actuator.runs))
    check("each run is an event", eventually(lambda: [r["outcome"] for r in alarms(True)["runs"] if r["unit"] == "weft-no-such.service"] == ["failed", "failed"]), alarms(True)["runs"])
    refused = subprocess.run([SENSORD, "actuate", "--profile", fabric.profile, "--runs", fabric.folder / "runs.json"], input="restart restart\n", capture_output=True, text=True)
    check("the privileged end counts by itself", refused.returncode == 1 and "used up" in refused.stdout, refused.stdout)
    kill(fabric.sensord)
    fabric.start_sensord()
    time.sleep(4)
    check("after kill -9 nothing runs or is told again", actuator.runs == 2 and raised("always")["times"] == 1, (actuator.runs, raised("always")))
    fabric.set_profile(FAST)
    check("rules that leave the profile clear their alarms", eventually(lambda: not alarms()["alarms"], 60), alarms())
    text = fabric.weft("alarm", "list", "--all").stdout
    check("weft alarm list --all shows them with their runs", "Always true" in text and "weft-no-such.service" in text and "cleared" in text, text)


def command_line(fabric):
    once = subprocess.run([SENSORD, "once", "load", "--profile", fabric.profile], capture_output=True, text=True)
    check("once prints Prometheus text", once.returncode == 0 and "# TYPE node_load1 gauge\nnode_load1 " in once.stdout, once.stdout)
    bad = fabric.folder / "bad.json"
    bad.write_text(json.dumps({"system": {"monitoring": {"sensors": {"cpuu": {}}, "rules": {"r": {"condition": "a >", "text": "t"}}}}}))
    run = subprocess.run([SENSORD, "check-config", "--profile", bad], capture_output=True, text=True)
    check("check-config names each mistake", run.returncode == 1 and "did you mean cpu" in run.stderr and "rule r" in run.stderr, run.stderr)
    (fabric.folder / "out").mkdir()
    made = subprocess.run([PANC, "-I", f".:profiles:{ROOT}/schemas/pan", "-o", fabric.folder / "out", "-f", "json", *sorted((ROOT / "templates/example/profiles").glob("*.pan"))],
                          cwd=ROOT / "templates/example", capture_output=True, text=True)
    profiles = sorted((fabric.folder / "out").glob("*.json"))
    check("the example site compiles", made.returncode == 0 and len(profiles) > 10, made.stderr)
    wrong = {p.name: r.stderr for p in profiles if (r := subprocess.run([SENSORD, "check-config", "--profile", p], capture_output=True, text=True)).returncode}
    check("weft-sensord understands every profile of the example site", profiles and not wrong, wrong)
    second = subprocess.run([SENSORD, "run", "--state", fabric.folder / "sensord", "--identity", fabric.identity, "--agent-config", fabric.folder / "agent.yaml"],
                            capture_output=True, text=True, timeout=30)
    check("a second daemon on the same state is refused", second.returncode != 0 and str(fabric.sensord.pid) in second.stderr, second.stderr)


def main():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="weft-monitoring-"))
    folder.chmod(0o711)
    fabric = Fabric(folder)
    try:
        if not check("Prometheus starts", fabric.start_store()) or not check("weftd starts", fabric.start_weftd()) or not check("the node has a certificate", fabric.enrol()):
            return
        fabric.set_profile(FAST)
        fabric.start_sensord()
        names_and_labels(fabric)
        identity(fabric)
        reading(fabric)
        outages(fabric)
        rules(fabric)
        command_line(fabric)
        check("sensord stops on request", kill(fabric.sensord, signal.SIGTERM) == 0)
        check("weftd stops on request", kill(fabric.weftd, signal.SIGTERM) == 0)
    finally:
        if failed:
            for name in ("weftd", "sensord", "prometheus", "actuate"):
                log = folder / f"{name}.log"
                if log.exists():
                    print(f"--- {name}.log\n" + "\n".join(log.read_text(errors="replace").splitlines()[-25:]), flush=True)
        for process in children:
            if process.poll() is None:
                process.terminate()
        for process in children:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
        shutil.rmtree(folder, ignore_errors=True)


main()
print(f"{passed} passed, {failed} failed")
sys.exit(1 if failed else 0)
