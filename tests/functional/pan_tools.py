#!/usr/bin/env python3
"""`weft pan fmt` and `weft pan test` as people use them, in folders made for it. No server is needed.

  pan_tools.py WEFT [--match TEXT]

Ends with "N passed, N failed".
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

weft = pathlib.Path(sys.argv[1]).resolve()
match = sys.argv[3] if sys.argv[2:3] == ['--match'] else ''
passed = failed = 0


class Folder:
    def __init__(self, path):
        self.path = path

    def write(self, name, text):
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def read(self, name):
        return (self.path / name).read_text()

    def weft(self, *words, text=None, env=None):
        done = subprocess.run([weft, 'pan', *words], cwd=self.path, capture_output=True, text=True, timeout=60, input=text,
                              stdin=None if text is not None else subprocess.DEVNULL,
                              env={'PATH': os.environ['PATH'], 'HOME': str(self.path), **(env or {})})
        return done.returncode, done.stdout, done.stderr


def check(good, what, said=''):
    global passed, failed
    passed += bool(good)
    failed += not good
    if not good:
        print(f'FAILED: {what}\n{said}')


UGLY = "object template a;\n'/x'=1;# c\n"
NICE = "object template a;\n'/x' = 1; # c\n"
WRONG = "object template w;\n'/x' = ;\n'/y'=2;\n"


def fmt_files(f):
    f.write('a.pan', UGLY).chmod(0o640)
    f.write('sub/nice.tpl', NICE.replace(' a;', ' nice;'))
    f.write('.git/hidden.pan', UGLY)
    f.write('sub/notes.txt', UGLY)
    code, out, errors = f.weft('fmt', '--check', '.')
    check(code == 1 and out == './a.pan\n' and '1 of 2 files' in errors, 'fmt --check names what would change', out + errors)
    check(f.read('a.pan') == UGLY, 'fmt --check writes nothing')
    code, out, errors = f.weft('fmt', '--diff', 'a.pan')
    check(code == 0 and "-'/x'=1;# c" in out and "+'/x' = 1; # c" in out and f.read('a.pan') == UGLY, 'fmt --diff', out + errors)
    before = (f.path / 'sub/nice.tpl').stat().st_mtime_ns
    code, out, errors = f.weft('fmt', '.')
    check(code == 0 and f.read('a.pan') == NICE, 'fmt writes', out + errors)
    check((f.path / 'a.pan').stat().st_mode & 0o777 == 0o640, 'fmt keeps the mode')
    check((f.path / 'sub/nice.tpl').stat().st_mtime_ns == before, 'fmt leaves alone what is right already')
    check(f.read('.git/hidden.pan') == UGLY and f.read('sub/notes.txt') == UGLY, 'fmt looks at templates only, not into hidden folders')
    code, out, errors = f.weft('fmt', '--check', '.', 'a.pan')
    check(code == 0 and out == '' and '0 of 2 files' in errors, 'fmt twice is fmt once; a file named twice counts once', out + errors)


def fmt_links(f):
    f.write('real/a.pan', UGLY)
    (f.path / 'link.pan').symlink_to('real/a.pan')
    (f.path / 'walk').mkdir()
    f.write('walk/b.pan', NICE.replace(' a;', ' b;'))
    (f.path / 'walk/out').symlink_to('../real')
    code, out, errors = f.weft('fmt', 'walk')
    check(code == 0 and f.read('real/a.pan') == UGLY, 'fmt does not follow links out of a folder', out + errors)
    code, out, errors = f.weft('fmt', 'link.pan')
    check(code == 0 and (f.path / 'link.pan').is_symlink() and f.read('real/a.pan') == NICE, 'fmt writes through a named link', out + errors)


def fmt_mistakes(f):
    f.write('a.pan', UGLY)
    f.write('w.pan', WRONG)
    code, out, errors = f.weft('fmt', '.')
    check(code == 1 and 'w.pan:2:8: found' in errors and '^' in errors and f.read('w.pan') == WRONG, 'fmt leaves wrong files alone', errors)
    check(f.read('a.pan') == NICE, 'fmt goes on behind a wrong file')
    (f.path / 'empty').mkdir()
    code, out, errors = f.weft('fmt', 'empty')
    check(code == 1 and 'there is no template' in errors, 'fmt of a folder without templates', errors)
    code, out, errors = f.weft('fmt', 'none.pan')
    check(code == 1 and 'no such file' in errors, 'fmt of nothing', errors)
    check(f.weft('fmt')[0] == 2, 'fmt without files')
    check(f.weft('fmt', '--stdin', 'a.pan')[0] == 2, 'fmt --stdin with files')
    check(f.weft('fmt', '--stdin', '--json')[0] == 2, 'fmt --stdin --json')
    code, out, errors = f.weft('fmt', '--json', '--check', '.')
    said = json.loads(out)
    check(code == 1 and said['failed'] == 1 and said['changed'] == 0 and 'w.pan:2:8' in said['files'][1]['error'], 'fmt --json', out)


def fmt_stdin(f):
    check(f.weft('fmt', '--stdin', text=UGLY) == (0, NICE, ''), 'fmt --stdin')
    check(f.weft('fmt', '--stdin', '--check', text=UGLY)[0] == 1 and f.weft('fmt', '--stdin', '--check', text=NICE)[0] == 0,
          'fmt --stdin --check')
    code, out, errors = f.weft('fmt', '--stdin', text=WRONG)
    check(code == 1 and out == '' and '<stdin>:2:8' in errors, 'fmt --stdin of a wrong text', errors)


def site(f):
    f.write('weft.yaml', 'include_path: [lib]\nobjects: ["profiles/*.pan"]\n')
    f.write('lib/types.pan', "declaration template types;\ntype port = long(1..65535);\n")
    f.write('lib/name.pan', "unique template name;\n'/name' = 'real';\n")


def test_passes(f):
    site(f)
    f.write('tests/a.pan', "object template a;\n# expect: /port = 80\ninclude 'types';\nbind '/port' = port;\n'/port' = 80;\n")
    f.write('tests/deep/b.pan', "object template deep/b;\n# expect: /name = 'mine'\ninclude 'name';\n")
    f.write('tests/name.pan', "unique template name;\n'/name' = 'mine';\n")
    f.write('tests/c.pan', "object template c;\n# expect-error at 4: out of range\ninclude 'types';\nbind '/port' = port;\n'/port' = 0;\n")
    code, out, errors = f.weft('test')
    check(code == 1 and 'tests/c.pan' in out and '2 passed, 1 failed' in out, 'test: an error at another place', out + errors)
    f.write('tests/c.pan', f.read('tests/c.pan').replace(' at 4', '').replace('out of range', 'range|65535'))
    code, out, errors = f.weft('test')
    check((code, out) == (0, '3 passed, 0 failed\n'), 'test: all pass; a template beside the test stands in', out + errors)
    code, out, errors = f.weft('test', '--match', 'deep', '-j', '1')
    check((code, out) == (0, '1 passed, 0 failed\n'), 'test --match', out + errors)
    code, out, errors = f.weft('test', 'tests/a.pan', '--json')
    said = json.loads(out)
    check(code == 0 and said['passed'] == 1 and said['tests'][0]['object'] == 'a', 'test --json', out)


def test_golden(f):
    site(f)
    f.write('tests/g.pan', "object template g;\n'/a/b' = 1;\n'/a/c' = list('x', 'y');\n'/t' = \"one\\ntwo\\nthree\\n\";\n")
    code, out, errors = f.weft('test')
    check(code == 1 and 'it expects nothing' in out and '0 passed, 1 failed' in out, 'test: no expectation is a failure', out + errors)
    code, out, errors = f.weft('test', '--accept')
    check(code == 0 and 'wrote tests/g.json' in out, 'test --accept makes the expected profile', out + errors)
    check(json.loads(f.read('tests/g.json')) == {'a': {'b': 1, 'c': ['x', 'y']}, 't': 'one\ntwo\nthree\n'}, 'test: the expected profile')
    check(f.weft('test')[:2] == (0, '1 passed, 0 failed\n'), 'test: and then it holds')
    f.write('tests/g.pan', f.read('tests/g.pan').replace("= 1", "= 1.0").replace("'y'", "'z', 'new'").replace('two', '2'))
    code, out, errors = f.weft('test')
    check(code == 1 and 'differs from tests/g.json in 4 places' in out, 'test: differences are counted', out)
    for text in ('/a/b', '1 → 1.0', '/a/c/1', '"y" → "z"', '+ "new"', '-two', '+2'):
        check(text in out, f'test: the difference shows {text}', out)
    saved = f.read('tests/g.json')
    check(f.weft('test', '--json')[0] == 1 and f.read('tests/g.json') == saved, 'test without --accept writes nothing')
    check(f.weft('test', '--accept')[0] == 0 and f.weft('test')[0] == 0, 'test --accept takes the new profile')
    f.write('tests/g.pan', f.read('tests/g.pan') + "# expect: /a absent\n")
    saved = f.read('tests/g.json')
    code, out, errors = f.weft('test', '--accept')
    check(code == 1 and 'should be absent' in out and f.read('tests/g.json') == saved, 'test --accept never hides an expectation', out)


def test_mistakes(f):
    site(f)
    code, out, errors = f.weft('test')
    check(code == 1 and 'there is no folder tests' in errors, 'test without tests', errors)
    f.write('tests/helper.pan', "template helper;\n")
    code, out, errors = f.weft('test')
    check(code == 1 and 'there is no object template' in errors, 'test without object templates', errors)
    f.write('tests/a.pan', "object template a;\n# expect: /a exists\n'/a' = nothing();\n")
    code, out, errors = f.weft('test')
    check(code == 1 and 'it does not compile' in out and 'tests/a.pan:3:8: ' in out and '^' in out, 'test: an error is shown in its place', out)
    f.write('tests/a.pan', "object template a;\n# expect: /a exits\n'/a' = 1;\n")
    code, out, errors = f.weft('test')
    check(code == 1 and 'line 2: ' in out and 'did you mean exists?' in out, 'test: a mistyped expectation', out)
    f.write('tests/a.pan', "object template b;\n# expect: /a exists\n'/a' = 1;\n")
    code, out, errors = f.weft('test')
    check(code == 1 and 'its file must end in /b.pan' in out, 'test: a misnamed template', out)
    f.write('tests/a.pan', "object template a;\n'/a' = 1;\n")
    f.write('tests/a.json', '{"a": 1,}')
    code, out, errors = f.weft('test')
    check(code == 1 and 'tests/a.json is no JSON' in out, 'test: a broken expected profile', out)
    (f.path / 'tests/a.json').unlink()
    f.write('tests/a.pan', "object template a;\n# expect: /a = 1\n'/a' = 1;\n")
    check(f.weft('test', '--match', 'zzz')[0] == 1, 'test --match of nothing')
    check(f.weft('test', '-j', '0')[0] == 2 and f.weft('test', '-j', 'x')[0] == 2, 'test -j wrong')
    code, out, errors = f.weft('test', '-I', 'nowhere')
    check(code == 1 and 'does not exist' in errors, 'test -I wrong', errors)
    f.write('weft.yaml', 'include_path: [gone]\nobjects: ["profiles/*.pan"]\n')
    code, out, errors = f.weft('test')
    check(code == 1 and 'gone' in errors and '--include-path' in errors, 'test: weft.yaml names a missing folder', errors)


for case in (fmt_files, fmt_links, fmt_mistakes, fmt_stdin, test_passes, test_golden, test_mistakes):
    if match in case.__name__:
        with tempfile.TemporaryDirectory() as folder:
            case(Folder(pathlib.Path(folder)))
print(f'{passed} passed, {failed} failed')
sys.exit(1 if failed or not passed else 0)
