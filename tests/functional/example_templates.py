#!/usr/bin/env python3
"""Compiles templates/example with panc, whole, edited as its README says, and with the mistakes under data/broken.

  example_templates.py --panc PANC [--match TEXT]

Each file of data/broken is an edit that must be refused: {why, edits: [{path, find, replace}], failed: "all" or names,
expect: [texts that the messages hold], profiles: [names] (optional, compile only these)}. Each file of data/edits must compile;
changed: "all" or the names of the profiles that differ afterwards. Ends with "N passed, N failed".
"""
import argparse, json, pathlib, re, shutil, subprocess, sys, tempfile

here = pathlib.Path(__file__).resolve().parent
root = here.parent.parent
example, schemas, data = root / 'templates/example', root / 'schemas/pan', here / 'data'


class Site:
    """A copy of the example with edits; compile() gives (exit status, messages, {object: json text})."""

    def __init__(self, folder, edits=()):
        self.folder = folder
        shutil.copytree(example, folder / 'site')
        (folder / 'out').mkdir()
        for edit in edits:
            path = folder / 'site' / edit['path']
            text = path.read_text()
            if text.count(edit['find']) != 1:
                raise ValueError(f"{edit['path']} holds {text.count(edit['find'])} times: {edit['find']}")
            path.write_text(text.replace(edit['find'], edit['replace']))

    def compile(self, panc, profiles=None):
        files = sorted((self.folder / 'site/profiles').glob('*.pan'))
        if profiles:
            files = [f for f in files if f.name[:-4] in profiles]
        command = panc + ['-I', f'.:profiles:{schemas}', '-o', str(self.folder / 'out'), '-f', 'json'] + [f'profiles/{f.name}' for f in files]
        run = subprocess.run(command, cwd=self.folder / 'site', capture_output=True, text=True, timeout=300)
        made = {f.name[:-5]: f.read_text() for f in (self.folder / 'out').glob('*.json')}
        return run.returncode, run.stdout + run.stderr, made


def broken(case, panc, folder):
    names = case.get('profiles') or [f.name[:-4] for f in (example / 'profiles').glob('*.pan')]
    status, messages, made = Site(folder, case['edits']).compile(panc, case.get('profiles'))
    failed = set(names) if case['failed'] == 'all' else set(case['failed'])
    problems = []
    if status == 0:
        problems.append('exit status 0')
    if wrong := (set(names) - set(made)) ^ failed:
        problems.append(f'failed profiles differ from the expected ones in {sorted(wrong)}')
    problems += [f'the messages do not hold: {text}' for text in case['expect'] if text not in messages]
    if 'internal' in messages or 'Segmentation' in messages:
        problems.append('an internal error')
    return problems, messages


def edited(case, panc, folder, base):
    status, messages, made = Site(folder, case['edits']).compile(panc)
    changed = {name for name in base if made.get(name) != base[name]}
    expected = set(base) if case['changed'] == 'all' else set(case['changed'])
    problems = [f'exit status {status}'] if status else []
    if changed != expected:
        problems.append(f'changed: {sorted(changed)}, expected: {sorted(expected)}')
    readme = (example / 'README.md').read_text()
    problems += [f'README.md does not show: {line}' for e in case['edits'] for line in e['replace'].splitlines()[-1:] if line not in readme]
    return problems, messages


def whole(panc, folder):
    status, messages, made = Site(folder).compile(panc)
    problems = [f'exit status {status}'] if status else []
    if len(made) != 24:
        problems.append(f'{len(made)} profiles instead of 24')
    profiles = {name: json.loads(text) for name, text in made.items()}
    addresses = {p['system']['network']['primary_ip'] for p in profiles.values()}
    if len(addresses) != len(profiles):
        problems.append('two nodes have the same address')
    for name, p in profiles.items():
        place = p['hardware']['sysloc']
        if p['system']['network']['primary_ip'] != f"127.77.{place['rack'][1:]}.{place['unit']}":
            problems.append(f'{name}: address and place differ')
        if p['system']['state'] != 'production':
            problems.append(f'{name}: not in production')
    # What a disk server serves is a contract with the mover, written down in its README.
    service = profiles['disk01.example.org']['software']['components']['filecopy']['services']['_2fetc_2fweft_2fdirpool_2econf']
    contract = re.search(r'```nginx\n(.*?)```', (root / 'leaf/storage/README.md').read_text(), re.S)
    if not contract or contract.group(1).replace('listen IP:', 'listen 127.77.1.10:').replace('server_name NODE', 'server_name disk01.example.org') != service['config']:
        problems.append('/etc/weft/dirpool.conf is not what leaf/storage/README.md says')
    return problems, messages, made


def claim(panc, folder, base):
    site = Site(folder)
    (folder / 'site/sms').mkdir()
    (folder / 'site/sms/disk02.example.org.pan').write_text(
        'template sms/disk02.example.org;\n\n"/system/state" = "maintenance";\n"/system/sms/claims" = list(\n  dict("state", "maintenance", '
        '"reason", "say \\"disk\\"", "category", "hardware", "owner", "person/a", "since", "2026-11-23T00:00:00.000Z")\n);\n')
    status, messages, made = site.compile(panc)
    changed = [name for name in base if made.get(name) != base[name]]
    problems = [f'exit status {status}'] if status else []
    if changed != ['disk02.example.org']:
        problems.append(f'changed: {changed}')
    elif json.loads(made[changed[0]])['system']['state'] != 'maintenance':
        problems.append('the claim does not set the state')
    return problems, messages


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--panc', required=True, nargs='+')
    parser.add_argument('--match', default='')
    options = parser.parse_args()
    # The compiler runs in other folders: a relative path would not be found there.
    options.panc[0] = str(pathlib.Path(options.panc[0]).resolve()) if '/' in options.panc[0] else options.panc[0]
    passed = failed = 0
    with tempfile.TemporaryDirectory(prefix='weft-example-') as scratch:
        scratch = pathlib.Path(scratch)
        problems, messages, base = whole(options.panc, scratch / 'base')
        cases = [('whole', lambda: (problems, messages)), ('claim', lambda: claim(options.panc, scratch / 'claim', base))]
        for kind, act in (('broken', lambda c, f: broken(c, options.panc, f)), ('edits', lambda c, f: edited(c, options.panc, f, base))):
            for file in sorted((data / kind).glob('*.json')):
                cases.append((f'{kind}/{file.stem}', lambda file=file, kind=kind, act=act: act(json.loads(file.read_text()), scratch / f'{kind}-{file.stem}')))
        for name, run in cases:
            if options.match not in name:
                continue
            try:
                problems, messages = run()
            except (ValueError, OSError, subprocess.TimeoutExpired) as error:
                problems, messages = [str(error)], ''
            if problems:
                failed += 1
                print(f'FAIL {name}: ' + '; '.join(problems))
                print('\n'.join('     ' + line for line in messages.splitlines()[:12]))
            else:
                passed += 1
    if passed + failed == 0:
        print(f'no case matches {options.match}')
        failed = 1
    print(f'{passed} passed, {failed} failed')
    return failed != 0


if __name__ == '__main__':
    sys.exit(main())
