#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""rows_test - the bundled captures give the rows that lie beside them, column for column; a new column is no difference.

usage: rows_test.py [--write]    --write makes tests/pcaps/NAME.TABLE.ndjson from what weir says now; read them before they go in
"""
import glob, json, os, sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from sentences import ROOT, Run, done, holds

def differences(want, got):
    """What is told otherwise than it was, a line each."""
    out = [] if len(want) == len(got) else [f'{len(got)} rows, not {len(want)}']
    for i, (a, b) in enumerate(zip(want, got), 1):
        out += [f'row {i}: {k} is {b.get(k)!r}, not {v!r}' for k, v in a.items() if b.get(k) != v or k not in b]
    return out


TABLES = ('flow', 'http', 'dns', 'tls')
captures = sorted(p for p in glob.glob(ROOT + '/tests/pcaps/*') if p.split('.')[-1] in ('pcap', 'pcapng', 'gz', 'zst'))
holds('there are captures in tests/pcaps', captures)
for capture in captures:
    name = os.path.basename(capture)
    for table in TABLES:
        r = Run('read', capture, '--table', table, '--format', 'ndjson')
        told = os.path.join(ROOT, 'tests/pcaps', f'{name}.{table}.ndjson')
        if '--write' in sys.argv:
            with open(told, 'wb') as f:
                f.write(r.out)
            continue
        read = lambda data: [json.loads(line) for line in data.decode('utf-8', 'replace').splitlines()]
        if not os.path.exists(told):
            holds(f'{name}.{table}.ndjson is there', False)
            continue
        with open(told, 'rb') as f:
            other = differences(read(f.read()), read(r.out))
        holds(f'{name} gives the rows of {name}.{table}.ndjson', not other and r.code == 0, f'exit {r.code} {r.err!r}\n' + '\n'.join(other[:8]))
done()
