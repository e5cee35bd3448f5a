#!/usr/bin/env python3
"""Runs the golden language cases and ends with 'N passed, N failed'.

  compile-okay-NAME.pan  must compile; its JSON must equal compile-okay-NAME.json
  compile-fail-NAME.pan  must fail, write nothing, and say what compile-fail-NAME.err holds
  explain-NAME.pan       --explain (with the paths its '# panc:' lines give) must say what explain-NAME.txt holds

Templates they include are in lib/. A line '# panc: OPTIONS' in a case gives the compiler more options
({here} in it is this folder). --accept writes what the compiler
says now into the expected files; review that with git diff.
"""
import argparse
import concurrent.futures
import difflib
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent


def run(case, panc, accept):
    options = re.findall(r"^# panc: (.*)$", case.read_text(), re.M)
    okay = case.name.startswith("compile-okay-")
    explain = case.name.startswith("explain-")
    expected_file = case.with_suffix(".txt" if explain else ".json" if okay else ".err")
    with tempfile.TemporaryDirectory(prefix="pan-lang.") as out:
        command = [panc, "-I", f"{HERE}:{HERE}/lib", "-o", out, "-f", "json"] + [w.replace("{here}", str(HERE)) for o in options for w in shlex.split(o)] + [str(case)]
        result = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=HERE)
        written = pathlib.Path(out, case.stem + ".json")
        said = result.stderr.replace(str(HERE) + "/", "")
        if okay and (result.returncode != 0 or not written.exists()):
            return f"{case.name}: does not compile (exit status {result.returncode}):\n{said}"
        if explain and any(pathlib.Path(out).iterdir()):
            return f"{case.name}: --explain writes files"
        if not okay and not explain and result.returncode != 1:
            return f"{case.name}: exit status {result.returncode} instead of 1\n{said}"
        if not okay and not explain and written.exists():
            return f"{case.name}: fails but writes a profile"
        got = written.read_text() + "\n" if okay else said
        if explain:
            got = result.stdout.replace(str(HERE) + "/", "") + said + f"exit status {result.returncode}\n"
    if accept:
        expected_file.write_text(got)
        return None
    expected = expected_file.read_text() if expected_file.exists() else ""
    if got == expected:
        return None
    diff = difflib.unified_diff(expected.splitlines(), got.splitlines(), f"expected {expected_file.name}", "got", lineterm="")
    return f"{case.name}:\n" + "\n".join(diff)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--panc", required=True, help="the compiler to test")
    parser.add_argument("--accept", action="store_true", help="write the expected files")
    parser.add_argument("filter", nargs="?", default="", help="only cases whose name contains this")
    arguments = parser.parse_args()
    cases = sorted(c for c in HERE.glob("*.pan") if c.name.startswith(("compile-", "explain-")) and arguments.filter in c.name)
    if not cases:
        print(f"no case matches {arguments.filter!r}\n0 passed, 1 failed")
        return 1
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        problems = list(pool.map(lambda c: run(c, str(pathlib.Path(arguments.panc).resolve()), arguments.accept), cases))
    for problem in filter(None, problems):
        print(problem)
    failed = sum(p is not None for p in problems)
    print(f"{len(cases) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
