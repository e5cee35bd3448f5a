#!/usr/bin/env python3
"""What each program says about itself: --help, --version, mistakes, manual page, completion, for every sub-command.

  command_lines.py PROGRAM...

Nothing is started and no server is needed. Ends with "N passed, N failed".
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

passed = failed = 0


def check(good, what, said=''):
    global passed, failed
    if good:
        passed += 1
    else:
        failed += 1
        print(f'FAILED: {what}\n{said}')


def run(*words):
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout, done.stderr


def section(text, title):
    """The first words of the rows below `title:`."""
    found = re.search(rf'^{title}:\n((?:  .*\n)+)', text, re.M)
    return re.findall(r'^  (\S.*?)(?:  .*)?$', found.group(1), re.M) if found else []


def walk(program, words, options, leaves):
    code, text, errors = run(program, *words, '--help')
    name = ' '.join([program.name, *words])
    check(code == 0 and not errors and f'Usage: {name}' in text, f'{name} --help', text + errors)
    check('Examples:' in text, f'{name} --help shows examples', text)
    for row in section(text, 'Options'):
        options.update(re.findall(r'(?<!\S)--[a-z-]+', row))
    children = [row.split()[0] for row in section(text, 'Commands')]
    children = [c for c in children if c not in ('completion', 'man')]
    if not children:
        leaves.append((words, text))
    for child in children:
        walk(program, [*words, child], options, leaves)


def program_says(program):
    code, text, _ = run(program, '--version')
    check(code == 0 and re.fullmatch(rf'{program.name}\b.* \d+\.\d+\.\d+\n', text), f'{program.name} --version', text)
    code, text, errors = run(program, '--halp')
    check(code == 2 and not text and 'did you mean --help?' in errors, f'{program.name} --halp', text + errors)
    options, leaves = set(), []
    if program.name == 'panc':
        code, text, _ = run(program, '--help')
        check(code == 0 and 'Examples:' in text and 'Exit codes:' in text, 'panc --help', text)
        options.update(re.findall(r'^  (--[a-z-]+)', text, re.M))
        manual = run(program, '--man')
    else:
        walk(program, [], options, leaves)
        manual = run(program, 'man')
    for words, text in leaves:
        name = ' '.join([program.name, *words])
        code, out, errors = run(program, *words, '--hepl')
        check(code == 2 and not out and '--help' in errors, f'{name} --hepl', out + errors)
        required = [row for row in section(text, 'Arguments') if not row.startswith('[')]
        if required:
            code, out, errors = run(program, *words)
            check(code == 2 and f'{name} needs' in errors, f'{name} without {required[0]}', out + errors)
    check(manual[0] == 0 and manual[1].startswith(f'.TH {program.name}'.replace('-', '\\-')), f'{program.name}: manual page', manual[1][:200])
    plain = manual[1].replace('\\-', '-')
    for option in sorted(options - {'--help', '--version'}):
        check(option in plain, f'{program.name}: {option} is in the manual page')
    if shutil.which('groff'):
        with tempfile.NamedTemporaryFile('w', suffix='.man') as page:
            page.write(manual[1])
            page.flush()
            code, out, errors = run('groff', '-Kutf8', '-man', '-Tutf8', '-ww', '-z', page.name)
            check(code == 0 and not errors, f'{program.name}: the manual page is clean roff', errors)
    if program.name == 'panc':
        return
    for shell in ('bash', 'zsh', 'fish'):
        code, script, errors = run(program, 'completion', shell)
        check(code == 0 and script and not errors, f'{program.name} completion {shell}', errors)
        for option in sorted(options - {'--help', '--version'}):
            check(option.lstrip('-') in script, f'{program.name}: {option} is completed in {shell}')
        if shutil.which(shell):
            with tempfile.NamedTemporaryFile('w') as file:
                file.write(script)
                file.flush()
                code, out, errors = run(shell, '-n', file.name)
                check(code == 0, f'{program.name}: {shell} can read its completion', errors)
    code, out, errors = run(program, 'completion', 'tcsh')
    check(code == 2 and 'bash, zsh, fish' in errors, f'{program.name} completion tcsh', out + errors)


for argument in sys.argv[1:]:
    program_says(pathlib.Path(argument))
print(f'{passed} passed, {failed} failed')
sys.exit(1 if failed or not passed else 0)
