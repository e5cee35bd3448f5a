#!/usr/bin/env python3
"""./quickstart tells its whole story, is quick the second time, and --stop leaves nothing running."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from fabric import ROOT, TREE, Checks, Fabric, free_port, isolate  # noqa: E402


def left_running(state):
    found = []
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(state) in command and int(process.name) != os.getpid():
            found.append(f"{process.name} {command}")
    return found


def main():
    checks = Checks()
    why = Fabric.containers()
    isolate()
    state = pathlib.Path(tempfile.mkdtemp(prefix="weft-test-", dir="/var/lib" if os.geteuid() == 0 else None))
    options = ["--state", str(state), "--listen", f"127.0.0.1:{free_port()}", "--store", f"127.0.0.1:{free_port()}"]
    if why:
        checks.skip("real nodes", why)
    else:
        (state / "tree").symlink_to(TREE)

    def quickstart(*more):
        out = subprocess.run([str(ROOT / "quickstart"), *options, *more], capture_output=True, text=True, env=dict(os.environ, NO_COLOR="1"), timeout=900)
        return out.returncode, out.stdout + out.stderr

    try:
        code, text = quickstart()
        checks.check("the first run succeeds", code == 0, text[-4000:])
        checks.check("a commit reached the node", re.search(r"applied and reported by disk01\S* \d+ ms", text))
        checks.check("no other node fetched", "profiles fetched in the meantime: 1" in text)
        checks.check("a wrong value was refused with its place", re.search(r"features/demo/config\.pan:\d+:\d+: error", text))
        if not why:
            checks.check("metrics arrived", len(re.findall(r"prometheus: disk\d+\S* \d+ series", text)) == 3)
            checks.check("the drain moved files", re.search(r"drained: [1-9]\d* files", text))
            checks.check("the node came back", re.search(r"/system/state\n\s+production", text))
            checks.check("the pool is whole", text.rstrip().count(" 0 problems") >= 2)
        code, text = quickstart("--no-story")
        checks.check("the second run succeeds", code == 0, text[-3000:])
        checks.check("and starts nothing again", "booting" not in text and "starting" not in text and "importing" not in text, text)
        code, text = quickstart("--stop")
        checks.check("--stop succeeds", code == 0, text)
        left = left_running(state)
        checks.check("--stop leaves nothing running", not left, "\n".join(left))
        code, text = quickstart("--bogus")
        checks.check("an unknown option is refused", code == 2 and "--bogus" in text, text)
    finally:
        quickstart("--stop")
        (state / "tree").unlink(missing_ok=True)
        shutil.rmtree(state, ignore_errors=True)
    return checks.finish()


if __name__ == "__main__":
    sys.exit(main())
