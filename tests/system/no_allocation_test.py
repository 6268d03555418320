#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""no_allocation_test - once weir has started, packets ask for no memory.

tests/system/count_alloc.c, preloaded, counts who calls malloc, mmap and their kin between a fifth and nine tenths of a
capture of 200,000 packets and more: HTTP, DNS, TLS and QUIC hellos, datagrams that nobody reads, segments out of order,
lost and sent twice, fragments. Flows come and go at an even rate all along.
"""
import os, random, re, struct, sys, tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from sentences import ROOT, WEIR, Run, dns_exchange, done, ethernet, holds, http_exchange, ipv4, pcap, tcp, udp

LIBRARY = os.path.join(os.path.dirname(WEIR), 'tests/libcount_alloc.so')
ROUNDS = 60


def hello(dialog):
    """The first piece of a dialog that is written in hexadecimal."""
    pieces = []
    for line in open(os.path.join(ROOT, 'tests/dialogs', dialog)):
        m = re.match(r'([>+]) hex:(.*)', line)
        if m and (m[1] == '+' or not pieces):
            pieces.append(bytes.fromhex(m[2]))
        elif pieces:
            break
    return b''.join(pieces)


def tls_exchange(client, port, data):
    server, a, b = '198.51.100.3', 5000, 7000
    return [tcp(client, port, server, 443, a, 0, 2), tcp(server, 443, client, port, b, a + 1, 18), tcp(client, port, server, 443, a + 1, b + 1, 16),
            tcp(client, port, server, 443, a + 1, b + 1, 24, data), tcp(client, port, server, 443, a + 1 + len(data), b + 1, 17),
            tcp(server, 443, client, port, b + 1, a + 2 + len(data), 17)]


def fragments(client, ident):
    whole = struct.pack('>HHHH', 7000, 7001, 408, 0) + b'f' * 400
    return [ethernet(ipv4(client, '198.51.100.9', 17, whole[:200], ident, 0x2000)), ethernet(ipv4(client, '198.51.100.9', 17, whole[200:], ident, 25))]


def one_round(rng):
    tls, quic = hello('tls_1_3.dialog'), hello('quic_initial.dialog')
    lists = []
    for i in range(640):
        client, port = f'192.0.2.{i % 250}', 20000 + i
        kind = i % 16
        if kind < 8:
            lists.append(http_exchange(client, port, n=rng.randint(1, 5)))
        elif kind < 12:
            lists.append(dns_exchange(client, port, ident=i))
        elif kind == 12:
            lists.append(tls_exchange(client, port, tls))
        elif kind == 13:
            lists.append(fragments(client, i))
        elif kind == 14:
            lists.append([udp(client, port, '198.51.100.7', 9999, b'nobody reads this') for _ in range(5)])
        else:
            lists.append([udp(client, port, '198.51.100.4', 443, quic)])
    frames = []
    while lists:
        k = rng.randrange(min(60, len(lists)))
        if rng.random() < .05 and len(lists[k]) > 1:
            lists[k][0], lists[k][1] = lists[k][1], lists[k][0]
        frame = lists[k].pop(0)
        if rng.random() > .01:
            frames.append(frame)
        if rng.random() < .02:
            frames.append(frame)
        if not lists[k]:
            lists.pop(k)
    return frames


def capture(path):
    """The same round again and again, from other clients each time (checksums are not looked at)."""
    frames, net = one_round(random.Random(7)), bytes((192, 0, 2))
    frames = [f.replace(net, bytes((10, r, 2))) for r in range(ROUNDS) for f in frames]
    with open(path, 'wb') as f:
        f.write(pcap(frames, step=2000))
    return len(frames)


def counted(path, out, *args, **extra):
    size = os.path.getsize(path)
    env = {'LD_PRELOAD': LIBRARY, 'COUNT_OUT': out, 'COUNT_FROM': str(size // 5), 'COUNT_TO': str(size * 9 // 10), **extra}
    r = Run('read', path, *args, env=env, timeout=120)
    told, during = {}, {}
    for line in open(out):
        word = line.split()
        if word[0] == 'during':
            during.setdefault(word[1], []).append((int(word[2]), word[3]))
        else:
            told[word[0]] = int(word[1])
    return r, told, during


def main():
    with tempfile.TemporaryDirectory(prefix='weir-memory.') as folder:
        path, out = f'{folder}/all.pcap', f'{folder}/count'
        packets = capture(path)
        holds('the capture has 200,000 packets', packets >= 200000, packets)
        name = os.path.basename(os.path.realpath(WEIR))
        for what, args in (('rows into files', ['-o', f'{folder}/rows']), ('rows of one table', ['--table', 'http']), ('the summary', [])):
            for workers in (1, 3):
                r, told, during = counted(path, out, *args, '--workers', str(workers))
                holds(f'{what}, {workers} workers: weir reads it all with the counter in front', r.code == 0 and told['bytes'] >= os.path.getsize(path) and told['before'] > 20,
                      f'{told}\n{r}')
                libraries = {k: v for k, v in during.items() if k != name}
                holds(f'{what}, {workers} workers: packets ask for no memory', name not in during, during)
                if libraries:
                    print(f'note: {what}, {workers} workers: calls by libraries: ' + ', '.join(f'{k} {sum(n for n, _ in v)}' for k, v in sorted(libraries.items())))
        r, told, during = counted(path, out, '--table', 'http', '--workers', '1', COUNT_TRY='1')
        holds('one call in the middle would be seen', sum(n for v in during.values() for n, _ in v) >= 1 and 'libcount_alloc.so' in during, during)
    done()


main()
