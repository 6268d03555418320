#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""rows_test - the bundled captures give the rows that lie beside them.

usage: rows_test.py [--write]    --write makes tests/pcaps/NAME.TABLE.ndjson from what weir says now; read them before they go in
"""
import difflib, glob, os, sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from sentences import ROOT, Run, done, holds

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
        want = open(told, 'rb').read() if os.path.exists(told) else None
        same = want is not None and r.out == want and r.code == 0
        diff = '' if same else 'no rows lie beside it' if want is None else '\n'.join(
            [s for s in difflib.unified_diff(want.decode().splitlines(), r.out.decode('utf-8', 'replace').splitlines(), lineterm='', n=0)][:8])
        holds(f'{name} gives the rows of {name}.{table}.ndjson', same, f'exit {r.code} {r.err!r}\n{diff}')
done()
