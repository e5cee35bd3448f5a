#!/usr/bin/env python3
"""weftd with all roles when its surroundings fail: PostgreSQL restarts in the middle of requests, the disk is full. Nothing may be
half-done, and all roles must go on by themselves afterwards. Nodes are played with certificates of their own.

Usage: adversity.py WEFTD WEFT. Ends with 'N passed, N failed'. The full disk is a small tmpfs: as root only.
"""
import base64
import gzip
import http.client
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import cdb_commit as cdb
from cdb_commit import ROOT, World, check, enrol, merkle

NODE = "disk01.example.org"


class AllRoles(cdb.Server):
    def spawn(self, fail=""):
        self.process = subprocess.Popen([cdb.WEFTD, "--state", str(self.state), "--listen", f"127.0.0.1:{self.port}", "--config",
                                         str(self.folder / "weftd.yaml")], stderr=self.log, stdin=subprocess.DEVNULL)


def until(condition, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if condition():
                return True
        except (OSError, http.client.HTTPException, ValueError, KeyError):
            pass
        time.sleep(0.2)
    return False


def change(w, message, edits):
    return w.server.post("/v1/change", {"message": message, "edits": edits}, w.admin)


def note(text):
    return [{"path": f"sms/{NODE}.pan", "content": f'unique template sms/{NODE};\n# {text}\n"/system/state" = "{text}";\n'}]


def head_and_roots(w):
    nodes = json.loads(w.server.get("/v1/node", w.admin)[2])["nodes"]
    return (json.loads(w.server.get("/v1/revision?limit=1", w.admin)[2])["revisions"][0]["revision"], {n["name"]: n["desired_root"] for n in nodes})


def settled(w):
    """When the role leaf has published what it had to."""
    before = None
    while (now := head_and_roots(w)) != before:
        before = now
        time.sleep(3)
    return now


def whole(w, who):
    """What the node gets is what the database desires of it."""
    _, roots = head_and_roots(w)
    status, headers, body = w.server.get(f"/v1/profile/{NODE}", who, {"Accept-Encoding": "gzip"})
    return status == 200 and headers["etag"] == f'"{roots[NODE]}"' and merkle(json.loads(gzip.decompress(body))).hex() == roots[NODE]


def test_postgres(w, who):
    """PostgreSQL dies (and restarts) while nodes wait and people ask."""
    states = iter(["standby", "maintenance", "production", "standby"])
    for how in (signal.SIGKILL, signal.SIGINT):
        before = json.loads(w.server.get("/v1/status", w.admin)[2])["postgres_pid"]
        stop, odd, answer = threading.Event(), [], {}

        def ask():
            while not stop.is_set():
                try:
                    status, _, body = w.server.get("/v1/node", w.admin)
                    if status == 200 and len(json.loads(body)["nodes"]) != 24 or status not in (200, 429, 500, 503, 504):
                        odd.append((status, body[:200]))
                except (OSError, http.client.HTTPException):
                    pass

        def wait():
            root = head_and_roots(w)[1][NODE]
            answer["began"] = True
            for _ in range(20):  # what an agent does: ask again
                status, _, body = w.server.get(f"/v1/node/{NODE}/wake?root={root}&timeout=50", who)
                if status == 200:
                    answer["woken"] = json.loads(body)
                    return
                time.sleep(0.2)

        threads = [threading.Thread(target=ask), threading.Thread(target=ask), threading.Thread(target=wait)]
        for thread in threads:
            thread.start()
        until(lambda: answer.get("began"))
        time.sleep(0.5)
        os.kill(before, how)
        check(f"{how.name}: PostgreSQL is replaced", until(lambda: json.loads(w.server.get("/v1/status", w.admin)[2])["postgres_pid"] != before))
        check(f"{how.name}: ready again", until(lambda: w.server.get("/readyz")[0] == 200))
        state = next(states)
        check(f"{how.name}: commits again", until(lambda: change(w, f"after {how.name}", note(state))[0] == 200))
        threads[2].join()
        stop.set()
        for thread in threads:
            thread.join()
        check(f"{how.name}: the node that waited is woken with the new root", answer.get("woken", {}).get("root") == head_and_roots(w)[1][NODE], answer)
        check(f"{how.name}: no wrong answer meanwhile", not odd, odd[:2])
        check(f"{how.name}: the profile is whole", whole(w, who))
        alarm = {"epoch": how.name, "events": [{"kind": "alarm", "state": "raised", "seq": 1, "time": "2026-11-23T01:02:03.456Z", "rule": how.name,
                                                "subject": "", "severity": "warning", "text": "a text"}]}
        check(f"{how.name}: the role monitor takes alarms", w.server.post("/v1/alarm", alarm, who)[0] == 200)
        claim = {"nodes": ["disk02.example.org"], "state": "standby", "reason": f"after {how.name}"}
        status, body = w.server.post("/v1/claim", claim, w.admin)
        check(f"{how.name}: the role leaf takes claims", status == 201, body)
        shown = lambda: json.loads(w.server.get("/v1/node/disk02.example.org", w.admin)[2])["attributes"].get("state")
        check(f"{how.name}: and publishes them", until(lambda: shown() == "standby"), shown())
        status, _, body = w.server.get("/v1/claim/" + str((body or {"claims": [{"claim": 0}]})["claims"][0]["claim"]), w.admin, method="DELETE")
        check(f"{how.name}: and clears them", status == 200, body)
    check("weftd itself never stopped", w.server.process.poll() is None)
    settled(w)
    check("a cleared claim does not return a node that nobody verified", shown() == "standby", shown())


def test_full_disk(w, who):
    ballast = w.server.state / "ballast"
    before = settled(w)
    space = os.statvfs(w.server.state)
    room = space.f_bavail * space.f_frsize
    check("the disk is a small one", room < 400 << 20, room)
    with open(ballast, "wb") as file:
        try:
            while True:
                file.write(b"x" * (1 << 16))
                file.flush()
        except OSError:
            pass
    big = [{"path": "data/big.txt", "content": base64.b64encode(os.urandom(4 << 20)).decode()}]
    edits = note("standby") + big
    # First nothing is left, not even for nginx to note the body; then the body finds room, and the database does not.
    for left in (0, 9 << 20):
        os.truncate(ballast, os.stat(ballast).st_size - left)
        status, body = change(w, "does not fit", edits)
        check(f"{left >> 20} MB left: the commit is refused in words", status in (429, 503, 507) and "disk" in (body or {}).get("detail", "") and body.get("hint"),
              (status, body))
        check("weftd goes on", w.server.process.poll() is None)
    ballast.unlink()
    check("ready again when there is space", until(lambda: w.server.get("/readyz")[0] == 200))
    check("nothing of it is there", head_and_roots(w) == before)
    check("the profile is whole", whole(w, who))
    check("the same commit passes now", until(lambda: change(w, "does fit", edits)[0] == 200))
    after = head_and_roots(w)
    moved = {n for n in after[1] if after[1][n] != before[1][n]}
    check("it is one revision, of one node", after[0] == before[0] + 1 and moved == {NODE}, (before[0], after[0], moved))
    check("the new profile is whole", whole(w, who))


def main():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="weft-adversity-"))
    folder.chmod(0o711)
    w = World(folder)
    w.server = AllRoles(folder)
    mounted = False
    if os.geteuid() == 0:
        w.server.state.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300m,mode=0711", "tmpfs", w.server.state], capture_output=True).returncode == 0
    try:
        w.server.start()
        w.weft("template", "import", ROOT / "templates/example", f"{ROOT}/schemas/pan=schemas", "-m", "import the example")
        who = enrol(w, NODE)[0]
        test_postgres(w, who)
        if mounted:
            test_full_disk(w, who)
        else:
            print("SKIPPED the full disk: cannot mount a tmpfs here")
    except Exception as error:  # a defect of the product or of this test: both count
        import traceback
        traceback.print_exc()
        check("the test ran to its end", False, error)
    finally:
        w.server.stop()
        if cdb.failed:
            print((folder / "weftd.log").read_text()[-4000:])
        if mounted:
            subprocess.run(["umount", "-l", w.server.state], check=False)
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{cdb.passed} passed, {cdb.failed} failed")
    return 1 if cdb.failed else 0


if __name__ == "__main__":
    sys.exit(main())
