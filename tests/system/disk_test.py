#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""disk_test - a disk that fills up, and folders and files that may not be touched.

The full disk is a file system of 256 KiB in memory, in a mount namespace of its own.
"""
import os, subprocess, sys, tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from sentences import WEIR, Run, dns_exchange, done, holds, http_exchange, pcap

APART = ['unshare', '--mount'] + ([] if os.geteuid() == 0 else ['--user', '--map-root-user'])
NOBODY = 65534


class Other(Run):
    """The same, of a command that starts weir."""

    def __init__(self, command, **more):
        p = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, **more)
        self.args, self.code, self.out, self.err = command, p.returncode, p.stdout, p.stderr


def full_disk(folder):
    where = f'{folder}/small'
    os.mkdir(where)
    mounted = ['sh', '-c', 'mount -t tmpfs -o size=256k small "$0" && shift 0 && exec "$@"', where]
    tried = Other([*APART, *mounted, 'true'])
    if tried.code:
        print(f'skipped: a full disk: no file system of our own here: {tried.err.decode(errors="replace").strip()}', flush=True)
        return
    capture = f'{folder}/large.pcap'
    with open(capture, 'wb') as f:
        f.write(pcap([p for i in range(8000) for p in dns_exchange(port=1024 + i, ident=i)], step=10))
    for form in ('ndjson', 'csv'):
        listed = f'"$@"; code=$?; ls -A "{where}/out" >"{folder}/left"; exit $code'
        r = Other([*APART, *mounted, 'sh', '-c', listed, 'sh', WEIR, 'read', capture, '-o', f'{where}/out', '--format', form])
        left = open(f'{folder}/left').read().split()
        said = r.err.decode('utf-8', 'replace').splitlines()
        holds(f'a disk that fills up under -o DIR, {form}: exit 3 and a line with the cause for each file that does not fit',
              r.code == 3 and 'dns' in said[0] and all(s.startswith('weir: ') and s.endswith('No space left on device') for s in said), r)
        holds(f'a disk that fills up under -o DIR, {form}: the table that did not fit is not there under its name', f'dns.{form}' not in left, left)
    r = Other([*APART, *mounted, 'sh', '-c', f'exec "$@" >"{where}/rows"', 'sh', WEIR, 'read', capture, '--table', 'dns', '--format', 'ndjson'])
    holds('a disk that fills up under rows on stdout: exit 3 and one line with the cause', r.code == 3 and r.one_line('no space left'), r)


def no_rights(folder):
    secret, shut, good = f'{folder}/secret.pcap', f'{folder}/shut', f'{folder}/good.pcap'
    for path in (secret, good):
        with open(path, 'wb') as f:
            f.write(pcap(http_exchange(n=3)))
    os.chmod(folder, 0o755)
    os.chmod(secret, 0)
    os.mkdir(shut)
    os.chmod(shut, 0o555)
    less = {'user': NOBODY, 'group': NOBODY, 'extra_groups': []} if os.geteuid() == 0 else {}
    if less and Other(['test', '-x', WEIR, '-a', '-r', good], **less).code:
        print('skipped: files without rights: another user cannot reach this build', flush=True)
        return
    r = Other([WEIR, 'read', secret, '--table', 'flow'], **less)
    holds('a capture that may not be read: exit 1 and one line that names it', r.code == 1 and r.one_line('secret.pcap', 'denied'), r)
    r = Other([WEIR, 'read', secret, good, '--table', 'http', '--format', 'ndjson'], **less)
    holds('beside a good one: the good one is read, exit 1', r.code == 1 and r.out.count(b'\n') == 3 and r.one_line('secret.pcap'), r)
    for out in (f'{shut}/new', shut):
        r = Other([WEIR, 'read', good, '-o', out], **less)
        holds(f'an output folder that may not be {"made" if out != shut else "written to"}: exit 3 and one line', r.code == 3 and r.one_line('denied'), r)


with tempfile.TemporaryDirectory(prefix='weir-disk.') as folder:
    full_disk(folder)
    no_rights(folder)
done()
