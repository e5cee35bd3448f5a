#!/usr/bin/env python3
"""Runs panc --depend-db through edits of a small template tree and ends with 'N passed, N failed'.

Directed cases check that exactly the right profiles are built, and why. Then seeded random edits (templates that shadow others,
LOADPATH, text files, other objects' values, files that come and go, outputs that are touched): after each, everything that
an incremental run leaves behind must be equal, byte for byte, to what a cold run writes, and say the same about errors.
"""
import argparse
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile

FAILURES = []
CHECKS = 0


def check(good, what):
    global CHECKS
    CHECKS += 1
    if not good:
        FAILURES.append(what)
        print("FAILED: " + what)


class Site:
    """A template tree with two include roots, and panc to run on it."""

    def __init__(self, panc, folder, formats="json,dep"):
        self.panc, self.folder, self.formats = panc, pathlib.Path(folder), formats
        self.roots = ["first", "second"]
        for name in self.roots + ["profiles", "out", "cold"]:
            (self.folder / name).mkdir(parents=True)
        self.options = []

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def remove(self, name):
        (self.folder / name).unlink()

    def profiles(self):
        return sorted(str(p) for p in (self.folder / "profiles").glob("*.pan"))

    def run(self, out, *more, files=None):
        include = ":".join(str(self.folder / r) for r in self.roots + ["profiles"])
        command = [self.panc, "-I", include, "-o", str(self.folder / out), "-f", self.formats, "-v", *self.options, *more,
                   *(files if files is not None else self.profiles())]
        return subprocess.run(command, capture_output=True, text=True, timeout=120)

    def build(self, *more, files=None):
        """One incremental run; what it built: {profile: reason}."""
        result = self.run("out", "--depend-db", str(self.folder / "panc.db"), *more, files=files)
        assert result.returncode in (0, 1), result.stderr
        built = {}
        for line in result.stdout.splitlines()[1:-1]:
            names, _, reason = line.partition(": ")
            for name in names.split(", "):
                built[name] = reason
        self.said, self.status = result.stderr, result.returncode
        return built

    def cold(self):
        shutil.rmtree(self.folder / "cold")
        (self.folder / "cold").mkdir()
        return self.run("cold")

    def same_as_cold(self, what):
        cold = self.cold()
        expected = {p.name: p.read_bytes() for p in (self.folder / "cold").iterdir()}
        for name, content in expected.items():
            path = self.folder / "out" / name
            check(path.exists() and path.read_bytes() == content, f"{what}: {name} differs from a cold run's")
        check(cold.returncode == self.status, f"{what}: exit status {self.status} instead of {cold.returncode}")
        errors = re.findall(r"^(?:\w+ error|\S+: fails for).*$", cold.stderr, re.M)
        check(errors == re.findall(r"^(?:\w+ error|\S+: fails for).*$", self.said, re.M), f"{what}: other errors: {self.said}\ninstead of {cold.stderr}")


def small_site(panc, folder):
    site = Site(panc, folder)
    site.write("second/common.pan", "template common;\n'/common' = 1;\n")
    site.write("second/role.pan", "template role;\ninclude if_exists('local/' + OBJECT);\n'/text' = file_contents('motd.txt');\n")
    site.write("second/motd.txt", "hello\n")
    site.write("profiles/a.pan", "object template a;\ninclude 'common';\n'/v' = 1;\n'/w' = 2;\n")
    site.write("profiles/b.pan", "object template b;\ninclude 'role';\n")
    site.write("profiles/c.pan", "object template c;\n'/from_a' = value('a:/v');\n")
    site.write("profiles/d.pan", "object template d;\nvariable LOADPATH = list('special');\ninclude 'common';\n'/has' = file_exists('flag');\n")
    return site


def directed(panc):
    with tempfile.TemporaryDirectory(prefix="panc-db.") as folder:
        site = small_site(panc, folder + "/site")
        site.formats = "json"
        check(set(site.build()) == {"a", "b", "c", "d"}, "the first run builds all")
        site.same_as_cold("first run")
        check(site.build() == {}, "a run without changes builds nothing")

        steps = [
            ("an included template changes", lambda: site.write("second/common.pan", "template common;\n'/common' = 2;\n"),
             {"a", "d"}),
            ("a template appears earlier in the load path", lambda: site.write("first/common.pan", "template common;\n'/common' = 3;\n"),
             {"a", "d"}),
            ("and goes again", lambda: site.remove("first/common.pan"), {"a", "d"}),
            ("a template appears below a LOADPATH entry", lambda: site.write("first/special/common.pan", "template common;\n'/common' = 4;\n"), {"d"}),
            ("it goes again", lambda: site.remove("first/special/common.pan"), {"d"}),
            ("an old suffix is shadowed", lambda: site.write("first/common.tpl", "template common;\n'/common' = 5;\n"), {"a", "d"}),
            ("by the new one", lambda: site.write("first/common.pan", "template common;\n'/common' = 6;\n"), {"a", "d"}),
            ("if_exists finds something", lambda: site.write("first/local/b.pan", "template local/b;\n'/local' = 1;\n"), {"b"}),
            ("which changes", lambda: site.write("first/local/b.pan", "template local/b;\n'/local' = 2;\n"), {"b"}),
            ("a text file changes", lambda: site.write("second/motd.txt", "bye\n"), {"b"}),
            ("a text file is shadowed", lambda: site.write("first/motd.txt", "shadow\n"), {"b"}),
            ("file_exists() finds something", lambda: site.write("second/flag", ""), {"d"}),
            ("a value that another object does not read changes", lambda: site.write("profiles/a.pan", "object template a;\ninclude 'common';\n'/v' = 1;\n'/w' = 3;\n"), {"a"}),
            ("a value that another object reads changes", lambda: site.write("profiles/a.pan", "object template a;\ninclude 'common';\n'/v' = 4;\n'/w' = 3;\n"), {"a", "c"}),
            ("an output was deleted", lambda: site.remove("out/b.json"), {"b"}),
            ("an output was changed", lambda: site.write("out/b.json", "{}"), {"b"}),
            ("a template is written again with the same content", lambda: site.write("second/role.pan", (site.folder / "second/role.pan").read_text()), set()),
            ("a profile breaks", lambda: site.write("profiles/a.pan", "object template a;\n'/v' = UNKNOWN;\n"), {"a", "c"}),
            ("failed ones are tried again", lambda: None, {"a", "c"}),
            ("it is mended", lambda: site.write("profiles/a.pan", "object template a;\n'/v' = 4;\n"), {"a", "c"}),
            ("a new profile", lambda: site.write("profiles/e.pan", "object template e;\n'/x' = value('b:/text');\n"), {"e"}),
            ("a profile goes", lambda: site.remove("profiles/e.pan"), set()),
        ]
        for what, edit, expected in steps:
            edit()
            built = site.build()
            check(set(built) == expected, f"{what}: built {built}, expected {sorted(expected)}")
            site.same_as_cold(what)
        check(site.build("--rebuild").keys() == {"a", "b", "c", "d"}, "--rebuild builds all")
        check(site.build() == {}, "and remembers it")
        site.options = ["--initial-data", "dict('i', 1)"]
        check(len(site.build()) == 4 and "other options" in site.said, "other options build all")
        site.same_as_cold("other options")

        # Only what was asked for is looked at; the others are not forgotten.
        site.write("second/common.pan", "template common;\n'/common' = 9;\n")
        site.remove("first/common.pan")
        site.remove("first/common.tpl")
        check(set(site.build(files=[str(site.folder / "profiles/b.pan")])) == set(), "other files are not looked at")
        check(set(site.build()) == {"d"}, "but their changes are seen later")

        # c is not asked for while what it reads changes.
        site.write("profiles/a.pan", "object template a;\n'/v' = 5;\n")
        check(set(site.build(files=[str(site.folder / "profiles/a.pan")])) == {"a"}, "a alone")
        check(set(site.build()) == {"c"}, "c follows when it is asked for")
        site.same_as_cold("a alone, then all")

        # A referenced object that is not on the command line is followed, too.
        only_c = [str(site.folder / "profiles/c.pan")]
        site.write("profiles/a.pan", "object template a;\n'/v' = 6;\n")
        check(set(site.build(files=only_c)) == {"a", "c"}, "what c reads is built with it")
        check(set(site.build()) == set(), "and nothing is left to do")


def damaged(panc):
    with tempfile.TemporaryDirectory(prefix="panc-db.") as folder:
        site = small_site(panc, folder + "/site")
        site.build()
        db = site.folder / "panc.db"
        whole = db.read_bytes()
        rng = random.Random(7)
        for name, content in [("torn", whole[: len(whole) // 2]), ("cut by one byte", whole[:-1]), ("head only", whole[:22]),
                              ("longer", whole + b"x"), ("version 0", whole.replace(b"depend-db 1", b"depend-db 0", 1))]:
            db.write_bytes(content)
            built = site.build()
            check(len(built) == 4, f"{name}: everything is built, not {built}")
            check("everything is built" in site.said, f"{name}: and said so: {site.said}")
            check(db.read_bytes() != content and site.build() == {}, f"{name}: the file is good again")
        for i in range(12):
            content = bytearray(whole)
            content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
            db.write_bytes(content)
            site.build()
            site.same_as_cold(f"bit flip {i}")
            db.unlink()
            site.build()
        db.write_text("my notes")
        built = site.build()
        check(len(built) == 4 and db.read_text() == "my notes" and "left as it is" in site.said, "a foreign file is left alone")
        db.write_bytes(b"")
        check(len(site.build()) == 4 and site.build() == {}, "an empty file is a new one")
        os.remove(db)
        os.mkdir(db)
        check(len(site.build()) == 4 and site.status == 0, "one that cannot be written costs no profile")


def scene(rng):
    """A random statement or two for a template."""
    lines = []
    for _ in range(rng.randrange(1, 4)):
        n = rng.randrange(6)
        lines.append(rng.choice([
            f"'/k{n}' = {rng.randrange(4)};",
            f"'/k{n}' ?= {rng.randrange(4)};",
            f"'/t{n}' = file_contents('text{rng.randrange(3)}');",
            f"'/f{n}' = file_exists('text{rng.randrange(4)}');",
            f"'/e{n}' = exists('p{rng.randrange(5)}:/k{n}');",
            f"'/o{n}' = value('p{rng.randrange(5)}:/k{n}');",
            f"'/o{n}' = value('p{rng.randrange(5)}:/k{n}', 7);",
            f"include if_exists('t{rng.randrange(6)}');",
            f"include if_exists('only/' + OBJECT);",
            f"variable LOADPATH = list('l{rng.randrange(2)}');",
            f"'/s{n}' = create('s{rng.randrange(2)}');",
        ]))
    return "\n".join(lines) + "\n"


def random_edit(site, rng):
    kind = rng.randrange(10)
    folder = rng.choice(site.roots) + rng.choice(["", "", "/l0", "/l1"])
    n = rng.randrange(6)
    if kind < 4:
        # A template includes only ones with higher numbers, so that there are no circles of includes.
        body = re.sub(r"if_exists\('t(\d)'\)", lambda m: f"if_exists('t{max(int(m[1]), n + 1)}')", scene(rng))
        site.write(f"{folder}/t{n}.{rng.choice(['pan', 'pan', 'tpl'])}", f"template t{n};\n" + body)
    elif kind == 4:
        site.write(f"{folder}/text{rng.randrange(4)}", str(rng.randrange(3)))
    elif kind == 5:
        found = [p for r in site.roots for p in (site.folder / r).rglob("*") if p.is_file()]
        if found:
            rng.choice(sorted(found)).unlink()
    elif kind == 6:
        site.write(f"{folder}/s{rng.randrange(2)}.pan", "structure template s%d;\n'x' = %d;\n" % (rng.randrange(2), rng.randrange(3)))
    elif kind == 7:
        site.write(f"{folder}/only/p{rng.randrange(5)}.pan", f"template only/p{rng.randrange(5)};\n'/only' = {rng.randrange(3)};\n")
    elif kind == 8:
        outputs = sorted((site.folder / "out").iterdir())
        if outputs:
            path = rng.choice(outputs)
            rng.choice([path.unlink, lambda: path.write_text("spoiled"), path.touch])()
    else:
        p = rng.randrange(5)
        path = f"profiles/p{p}.pan"
        if rng.randrange(5) == 0 and (site.folder / path).exists() and len(site.profiles()) > 2:
            site.remove(path)
        else:
            site.write(path, f"object template p{p};\n" + scene(rng) + scene(rng))


def randomised(panc, seed, rounds):
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="panc-db.") as folder:
        site = Site(panc, folder + "/site", rng.choice(["json", "json,dep", "pan,dep", "text"]))
        # Many profiles share work (cdb/pan/memo.h): every third seed has enough of them.
        for p in range(30 if seed % 3 == 0 else 5):
            site.write(f"profiles/p{p}.pan", f"object template p{p};\n" + scene(rng) + scene(rng))
        for t in range(6):
            site.write(f"second/t{t}.pan", f"template t{t};\n'/k{t}' = {t};\n")
        for i in range(rounds):
            for _ in range(rng.choice([0, 1, 1, 2, 5])):
                random_edit(site, rng)
            files = site.profiles()
            if rng.randrange(4) == 0:
                some = sorted(rng.sample(files, rng.randrange(1, len(files))))
                site.build(files=some)
            built = site.build("-j", rng.choice(["1", "2"]))
            before = len(FAILURES)
            site.same_as_cold(f"seed {seed}, round {i}")
            if site.status == 0:
                again = site.build()
                check(again == {}, f"seed {seed}, round {i}: a second run built {again}")
            if len(FAILURES) > before:
                print(f"seed {seed}, round {i} built {built}")
                return


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--panc", required=True)
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=12)
    arguments = parser.parse_args()
    panc = str(pathlib.Path(arguments.panc).resolve())
    directed(panc)
    damaged(panc)
    for seed in range(arguments.first, arguments.first + arguments.seeds):
        randomised(panc, seed, arguments.rounds)
    print(f"{CHECKS - len(FAILURES)} passed, {len(FAILURES)} failed")
    return 1 if FAILURES else 0


if __name__ == "__main__":
    sys.exit(main())
