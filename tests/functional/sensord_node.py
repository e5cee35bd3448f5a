#!/usr/bin/env python3
"""weft-sensord on a real systemd node: its unit file, an unprivileged user, the restart of a failed unit through the privileged socket,
escalation, and the whole way to `weft alarm list`. Skipped, saying why, where containers cannot run.

Usage: sensord_node.py BUILD. Ends with 'N passed, N failed'."""
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from fabric import Checks, Fabric, isolate, until  # noqa: E402

NAME = "disk01.example.org"
UNIT = "weft-flaky.service"
RULES = {"flaky": {"condition": f'node_systemd_unit_state{{name="{UNIT}",state="failed"}} == 1', "text": "It does not stay up", "period": 1,
                   "actuator": {"kind": "restart-unit", "unit": UNIT, "max_runs": 2, "window": 600, "wait": 1}}}
MONITORING = {"push": {"period": 1}, "sensors": {"systemd": {"period": 1, "options": {"units": [UNIT]}}, "self": {"period": 1}}, "rules": RULES}


def story(fabric, checks):
    fabric.import_example()
    node = fabric.boot(NAME, start=False)
    # A profile of our own instead of the agent's: this is about the sensors only.
    place = node.work / "root/var/lib/weft-agent/profile"
    node.run("mkdir", "-p", "/var/lib/weft-agent/profile")

    def profile(monitoring):
        (place / "new.json").write_text(json.dumps({"system": {"monitoring": monitoring}}))
        node.run("chown", "-R", "root:weft", "/var/lib/weft-agent")
        node.run("chmod", "750", "/var/lib/weft-agent", "/var/lib/weft-agent/profile")
        node.run("mv", "/var/lib/weft-agent/profile/new.json", "/var/lib/weft-agent/profile/current.json")

    profile(MONITORING)
    (node.work / "root/etc/systemd/system" / UNIT).write_text("[Service]\nExecStart=/bin/sleep 1000000\n")
    node.run("systemctl", "daemon-reload")
    node.run("systemctl", "enable", "--now", "--quiet", "weft-sensord.service")
    show = lambda unit, what: node.run("systemctl", "show", "-P", what, unit).stdout.strip()

    checks.check("the service is ready", show("weft-sensord", "ActiveState") == "active")
    status = node.run("cat", f"/proc/{show('weft-sensord', 'MainPID')}/status").stdout
    checks.check("it runs without root and without capabilities", "Uid:\t0\t" not in status and "CapEff:\t0000000000000000" in status, status)
    checks.check("the socket for restarts came with it", show("weft-sensord-actuate.socket", "ActiveState") == "active")

    def metrics(*names):
        """Last values; none yet is an error of the command, not an empty answer."""
        out = fabric.weft("metric", "show", NAME, *names, "--json", check=False)
        return json.loads(out.stdout)["metrics"] if out.returncode == 0 else []

    sent = until("values of the node", metrics)
    names = {metric["name"] for metric in sent}
    checks.check("units are measured over D-Bus", "node_systemd_units" in names or
                 until("units", lambda: any(m["name"] == "node_systemd_units" for m in metrics())))
    bad = [m for m in metrics("node_scrape_collector_success") if m["value"] != 1]
    checks.check("every sensor works under the unit's restrictions", not bad, bad)

    def alarms(*more):
        return json.loads(fabric.weft("alarm", "list", "--node", NAME, "--json", *more).stdout)

    node.run("systemctl", "start", UNIT)
    for turn in (1, 2):
        first = show(UNIT, "MainPID")
        node.run("systemctl", "kill", "-s", "SEGV", UNIT)
        until(f"restart {turn}", lambda: show(UNIT, "ActiveState") == "active" and show(UNIT, "MainPID") != first)
        until(f"event {turn}", lambda: len([r for r in alarms("--all")["runs"] if r["rule"] == "flaky"]) == turn)
    checks.check("a failed unit is restarted, twice", [r["outcome"] for r in alarms("--all")["runs"]] == ["ok", "ok"], alarms("--all"))
    checks.check("no alarm while restarts help", not [a for a in alarms()["alarms"] if a["rule"] == "flaky"])
    node.run("systemctl", "kill", "-s", "SEGV", UNIT)
    raised = until("the alarm", lambda: [a for a in alarms()["alarms"] if a["rule"] == "flaky"])
    checks.check("when its runs are used up it is an alarm", "after 2 of 2 allowed restarts" in raised[0]["why"], raised)
    checks.check("and the unit is left alone", show(UNIT, "ActiveState") == "failed")

    # The daemon's own user asks for what the profile does not allow.
    ask = 'import socket,sys; s=socket.socket(socket.AF_UNIX); s.connect("/run/weft/actuate.sock"); s.sendall(sys.argv[1].encode()+b"\\n"); print(s.recv(4096).decode())'
    if node.run("sh", "-c", "command -v python3", check=False).returncode == 0:
        for request in ("restart sshd", "restart flaky", "stop flaky"):
            out = node.run("setpriv", "--reuid=weft-sensord", "--clear-groups", "python3", "-c", ask, request).stdout
            checks.check(f"refused: {request}", '"refused"' in out, out)
    refused = node.run("sh", "-c", "echo restart flaky | weft-sensord actuate", check=False)
    checks.check("the privileged end counts for itself", '"refused"' in refused.stdout and "used up" in refused.stdout, refused.stdout)
    denied = node.run("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "cat", "/var/lib/weft-agent/profile/current.json", check=False)
    checks.check("strangers do not read the profile", denied.returncode != 0)

    node.kill9("weft-sensord")
    until("the daemon is back", lambda: show("weft-sensord", "ActiveState") == "active")
    node.run("systemctl", "start", UNIT)
    until("the alarm clears", lambda: not [a for a in alarms()["alarms"] if a["rule"] == "flaky"])
    again = [a for a in alarms("--all")["alarms"] if a["rule"] == "flaky"]
    checks.check("kill -9 of the daemon: one alarm, told once, cleared", len(again) == 1 and again[0]["times"] == 1, again)


def main():
    checks = Checks()
    why = Fabric.containers()
    if why:
        checks.skip("a real node", why)
        print("0 passed, 0 failed, 1 skipped")
        return 77
    isolate()
    with Fabric(sys.argv[1]) as fabric:
        story(fabric, checks)
    return checks.finish()


sys.exit(main())
