#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""workers_test - the same bytes at 1, 2, 3 and 8 workers, over the bundled captures and over made traffic."""
import glob, hashlib, os, random, subprocess, sys, tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from sentences import ROOT, WEIR, Run, dns_exchange, done, holds, http_exchange, pcap

BENCH = os.path.join(os.path.dirname(WEIR), 'bench')
TABLES = ('flow', 'http', 'dns', 'tls', 'ledger')


def made(folder):
    """Small relatives of the bench's workloads, and one capture that interleaves many connections."""
    captures = sorted(glob.glob(ROOT + '/tests/pcaps/*.pcap*'))
    captures = [c for c in captures if not c.endswith('.ndjson')]
    for name, args in (('small', ['120000', '9000', '3']), ('http', ['4000000', '3', '8'])):
        out = f'{folder}/{name}.pcap'
        p = subprocess.run([f'{BENCH}/gen_{name}', out, *args], stdin=subprocess.DEVNULL, capture_output=True)
        if holds(f'bench/gen_{name} makes a capture', p.returncode == 0, p.stderr.decode()):
            yield out
    out = f'{folder}/tile.pcap'
    p = subprocess.run([f'{BENCH}/gen_tile', out, '6000000', *captures], stdin=subprocess.DEVNULL, capture_output=True)
    if holds('bench/gen_tile makes a capture', p.returncode == 0, p.stderr.decode()):
        yield out
    rng, lists = random.Random(11), []
    for i in range(800):
        lists.append(http_exchange(client=f'192.0.2.{i % 250}', port=20000 + i, n=rng.randint(1, 6)) if i % 2 else
                     dns_exchange(client=f'192.0.2.{i % 250}', port=20000 + i, ident=i))
    frames = []
    while lists:
        k = rng.randrange(min(40, len(lists)))
        if rng.random() < .02 and len(lists[k]) > 1:  # out of order
            lists[k][0], lists[k][1] = lists[k][1], lists[k][0]
        frame = lists[k].pop(0)
        if rng.random() > .01:  # lost
            frames.append(frame)
        if rng.random() < .01:  # sent twice
            frames.append(frame)
        if not lists[k]:
            lists.pop(k)
    with open(f'{folder}/mingled.pcap', 'wb') as f:
        f.write(pcap(frames, step=37000))
    yield f'{folder}/mingled.pcap'
    crowd = [dns_exchange(client=f'192.0.2.{i % 250}', port=1024 + i, ident=i) for i in range(24000)]
    with open(f'{folder}/crowded.pcap', 'wb') as f:  # all queries before all replies: more flows at once than --flows allows
        f.write(pcap([frame for pick in (0, 1) for both in crowd for frame in both[pick:pick + 1]], step=20))
    yield f'{folder}/crowded.pcap'
    yield from captures


def main():
    with tempfile.TemporaryDirectory(prefix='weir-workers.') as folder:
        for capture in made(folder):
            name = os.path.basename(capture)
            few = ['--flows', '16384'] if name == 'crowded.pcap' else []
            for table in TABLES:
                seen = {}
                for workers in (1, 2, 3, 8):
                    r = Run('read', capture, '--table', table, '--format', 'ndjson', '--workers', str(workers), *few, timeout=60)
                    seen[workers] = (r.code, hashlib.sha256(r.out).hexdigest()[:16], r.out.count(b'\n'))
                first = seen[1]
                holds(f'{name}: {table} is the same at 1, 2, 3 and 8 workers', set(seen.values()) == {first} and first[0] == 0 and
                      (first[2] > 0 or table not in ('flow', 'ledger')), seen)
    done()


main()
