#!/usr/bin/env python3
"""Runs Meson test suites and ends with one line 'N passed, N failed', summed over the cases inside the test programs.

A program's cases are read from doctest's closing line or from a closing line 'N passed, N failed[, N skipped]' of its own; any other
program counts as one. A program that exits non-zero counts at least one failure whatever it printed. A skipped case is named.
"""
import argparse
import json
import pathlib
import re
import subprocess
import sys

FAST = ["unit", "lang", "conformance", "lint", "functional", "sim"]
SLOW = ["slow"]
DOCTEST = re.compile(r"\[doctest\] test cases:\s*(\d+)\s*\|\s*(\d+) passed\s*\|\s*(\d+) failed")
PLAIN = re.compile(r"^(?:\w+: )?(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$", re.M)


def cases(output, code):
    passed = failed = skipped = 0
    found = False
    for _, good, bad in DOCTEST.findall(output):
        passed, failed, found = passed + int(good), failed + int(bad), True
    if not found:
        lines = PLAIN.findall(output)
        if lines:
            good, bad, skip = lines[-1]
            passed, failed, skipped, found = int(good), int(bad), int(skip or 0), True
    if not found:
        return (1, 0, 0) if code == 0 else (0, 1, 0)
    if code != 0 and failed == 0:
        failed = 1
    return passed, failed, skipped


def main():
    parser = argparse.ArgumentParser(prog="./dev test")
    parser.add_argument("suites", nargs="*", help="suites to run; default: " + " ".join(FAST))
    parser.add_argument("--build", default="build")
    parser.add_argument("--all", action="store_true", help="the slow suites too")
    parser.add_argument("--match", default="", help="only tests whose name contains this")
    parser.add_argument("--list", action="store_true", help="list tests, run nothing")
    arguments = parser.parse_args()
    suites = arguments.suites or (FAST + SLOW if arguments.all else FAST)
    unknown = [s for s in suites if s not in FAST + SLOW]
    if unknown:
        parser.error(f"unknown suite {', '.join(unknown)}: choose from {' '.join(FAST + SLOW)}")

    if subprocess.run(["ninja", "-C", arguments.build], stdout=subprocess.PIPE if arguments.list else None).returncode:
        print("the build failed, no test was run\n0 passed, 1 failed")
        return 1
    listed = json.loads(subprocess.check_output(["meson", "introspect", "--tests", arguments.build]))
    wanted = [t for t in listed if arguments.match in t["name"] and any(s.split(":")[-1] in suites for s in t["suite"])]
    if not wanted:
        print(f"no test matches {' '.join(suites)} {arguments.match!r}: ./dev test --list shows them\n0 passed, 1 failed")
        return 1
    if arguments.list:
        for test in wanted:
            print(" ".join(s.split(":")[-1] for s in test["suite"]), test["name"])
        return 0

    log = pathlib.Path(arguments.build, "meson-logs", "testlog.json")
    log.unlink(missing_ok=True)
    command = ["meson", "test", "-C", arguments.build, "--no-rebuild", "--print-errorlogs", "--num-processes", "2"]
    subprocess.run(command + [t["name"] for t in wanted])
    passed = failed = skipped = 0
    seen = set()
    for line in log.read_text().splitlines() if log.exists() else []:
        entry = json.loads(line)
        seen.add(entry["name"].split(" / ")[-1])
        code = entry.get("returncode", 1)
        if entry["result"] == "SKIP":
            skipped += 1
            print("skipped:", entry["name"])
            continue
        good, bad, skip = cases(entry.get("stdout", "") + "\n" + entry.get("stderr", ""), 0 if entry["result"] == "OK" else code or 1)
        passed, failed, skipped = passed + good, failed + bad, skipped + skip
    lost = [t["name"] for t in wanted if t["name"] not in seen]
    for name in lost:
        print("did not run:", name)
    failed += len(lost)
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
