#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""ledger_test - every frame, byte and row has a cause: the three sums close over captures that are mixed, broken, filtered or doubled.

What is expected to the frame is counted here, beside the making of the capture.
"""
import glob, json, os, random, struct, sys, tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from sentences import ROOT, Run, dns_exchange, done, ethernet, holds, http_exchange, ipv4, pcap, tcp, udp

SUMS = {
    'frame': ('received', 'analysed filtered undecodable_link undecodable_network undecodable_transport undecodable_depth '
                          'duplicate_frame dropped_ring in_flight'),
    'byte': ('seen', 'delivered duplicate over_budget unwanted'),
    'row': ('made', 'written spilled dropped unmatched'),
}
tmp = tempfile.TemporaryDirectory(prefix='weir-ledger.')


def path(name, data=None):
    p = os.path.join(tmp.name, name)
    if data is not None:
        with open(p, 'wb') as f:
            f.write(data)
    return p


def counts(text):
    rows = [json.loads(line) for line in text.splitlines()]
    return {(r['unit'], r['cause']): r['count'] for r in rows}


def open_sums(ledger):
    """The sums that do not close, as text."""
    bad = []
    for unit, (into, out) in SUMS.items():
        total = sum(ledger[unit, cause] for cause in out.split())
        if ledger[unit, into] != total:
            bad.append(f'{unit}: {into} {ledger[unit, into]}, causes {total}')
    return bad


def of_table(*args, codes=(0, 1)):
    """Table `ledger` at one and at three workers; {} when they differ or a sum is open."""
    ledgers = []
    for workers in ('1', '3'):
        r = Run('read', *args, '--table', 'ledger', '--format', 'ndjson', '--workers', workers)
        ledger = counts(r.out.decode())
        if r.code not in codes or not ledger or open_sums(ledger):
            return {}, f'{r}\n{open_sums(ledger) if ledger else "no ledger"}'
        ledgers.append(ledger)
    same = {k for k in ledgers[0] if ledgers[0][k] != ledgers[1].get(k)}
    return ({} if same else ledgers[0]), f'differ by workers: {same}'


def of_folder(name, *args, codes=(0, 1)):
    """The ledger that lies beside a run's rows, and how many rows lie there; {} when a sum is open."""
    out = path(f'{name}.out')
    r = Run('read', *args, '-o', out, '--format', 'ndjson', '--workers', '3')
    rows, ledger = 0, {}
    for file in glob.glob(out + '/*.ndjson'):
        text = open(file).read()
        if os.path.basename(file) == 'ledger.ndjson':
            ledger = counts(text)
        else:
            rows += text.count('\n')
    bad = open_sums(ledger) if ledger else ['no ledger']
    return ({} if bad or r.code not in codes else ledger), rows, f'{r}\n{bad}'


def closes(name, *args, codes=(0, 1)):
    """Both ways to ask for it; the ledger with its rows."""
    alone, why = of_table(*args, codes=codes)
    beside, rows, why_beside = of_folder(name, *args, codes=codes)
    holds(f'{name}: the three sums close, the same with 1 and 3 workers', alone, why)
    holds(f'{name}: they close beside the rows, and the rows that lie there are those written', beside and beside['row', 'written'] == rows,
          f'{why_beside}\n{rows} rows, {beside.get(("row", "written"))} written')
    frames = {k: v for k, v in alone.items() if k[0] == 'frame'}
    holds(f'{name}: frames and bytes are the same whether rows are wanted or not',
          alone and all(beside.get(k) == v for k, v in alone.items() if k in frames or k[1] == 'seen'), f'{alone}\n{beside}')
    return beside


def told(name, ledger, **expected):
    """Exact counts of frames, by cause."""
    got = {cause: ledger.get(('frame', cause)) for cause in expected}
    holds(f'{name}: ' + ', '.join(f'{v} {k}' for k, v in expected.items()), got == expected, got)


def noise(port=6000):
    """A TCP connection in no protocol, with a segment sent twice, one lost, two exchanged, and bytes that nobody reads."""
    up = lambda seq, data: tcp('192.0.2.9', port, '198.51.100.9', 6001, seq, 501, 24, data)
    data = bytes(range(128, 228))
    return [tcp('192.0.2.9', port, '198.51.100.9', 6001, 100, 0, 2), tcp('198.51.100.9', 6001, '192.0.2.9', port, 500, 101, 18),
            up(101, data), up(101, data), up(301, data), up(201, data), up(501, data), up(551, data),
            tcp('198.51.100.9', 6001, '192.0.2.9', port, 501, 651, 16)]


def broken():
    """Frames and how each must be counted."""
    arp = ethernet(struct.pack('>HHBBH', 1, 0x800, 6, 4, 1) + b'\0' * 20, 0x0806)
    short = tcp('192.0.2.8', 1, '198.51.100.8', 2, 1, 1, 16)
    deep = b''.join(b'\x81\0\0\1' for _ in range(40))
    quoted = ipv4('192.0.2.8', '198.51.100.8', 1, b'\3\1\0\0\0\0\0\0' + short[14:42])
    long_udp = udp('192.0.2.8', 7, '198.51.100.8', 8, b'abc')
    frames = [(arp, 'analysed'), (b'\2' * 10, 'undecodable_link'), (ethernet(b'\x45\0\0'), 'undecodable_network'),
              (ethernet(b'\x4f' + short[15:]), 'undecodable_network'), (short[:46] + b'\xf0' + short[47:], 'undecodable_transport'),
              (short[:40], 'undecodable_transport'), (short[:12] + deep + short[12:], 'undecodable_depth'),
              (ethernet(quoted), 'analysed'), (long_udp[:38] + b'\xff\xff' + long_udp[40:], 'analysed'),
              (long_udp[:38] + b'\0\7' + long_udp[40:], 'undecodable_transport'), (b'', 'undecodable_link')]
    return [f for f, _ in frames], [c for _, c in frames]


def fragments():
    """One datagram whole, one without its end, one with an overlap of other bytes."""
    body = struct.pack('>HHHH', 7000, 7001, 48, 0) + b'f' * 40
    piece = lambda ident, at, data, more: ethernet(ipv4('192.0.2.7', '198.51.100.7', 17, data, ident, (0x2000 if more else 0) | at // 8))
    return [piece(1, 0, body[:24], True), piece(1, 24, body[24:], False), piece(2, 0, body[:24], True), piece(3, 0, body[:24], True),
            piece(3, 16, b'x' * 8, True), piece(3, 24, body[24:], False)]


def ng(frames, links=(1, 1)):
    """pcapng; frames are (interface, microseconds, bytes)."""
    block = lambda kind, body: struct.pack('<II', kind, len(body) + 12) + body + struct.pack('<I', len(body) + 12)
    out = [block(0x0a0d0d0a, struct.pack('<IHHq', 0x1a2b3c4d, 1, 0, -1))] + [block(1, struct.pack('<HHI', link, 0, 0)) for link in links]
    for iface, us, data in frames:
        us += 1767225600000000
        out.append(block(6, struct.pack('<IIIII', iface, us >> 32, us & 0xffffffff, len(data), len(data)) + data + b'\0' * (-len(data) % 4)))
    return b''.join(out)


web = http_exchange(n=4)
names = [f for i in range(10) for f in dns_exchange(port=50000 + i, ident=i)]
mixed = web + names + noise() + fragments() + broken()[0]


def whole():
    ledger = closes('plain', path('plain.pcap', pcap(web + names)), codes=(0,))
    told('plain', ledger, received=len(web) + 20, analysed=len(web) + 20)
    frames, causes = broken()
    ledger = closes('broken frames', path('broken.pcap', pcap(frames)), codes=(0,))
    told('broken frames', ledger, received=len(frames), **{cause: causes.count(cause) for cause in sorted(set(causes))})
    ledger = closes('fragments', path('fragments.pcap', pcap(fragments())), codes=(0,))
    told('fragments', ledger, received=6, analysed=6, fragment=6, fragment_overlap=1)
    ledger = closes('noise', path('noise.pcap', pcap(noise())), codes=(0,))
    holds('noise: of 600 bytes in no protocol 150 came before and nobody wants the rest',
          [ledger.get(('byte', c)) for c in ('seen', 'unwanted', 'duplicate', 'delivered')] == [600, 450, 150, 0], ledger)
    cut = [(f[:60], len(f[:60]), len(f)) for f in mixed]
    ledger = closes('a short snapshot length', path('snap.pcap', pcap(cut)), codes=(0,))
    told('a short snapshot length', ledger, received=len(cut), cut_by_snaplen=sum(len(f) > 60 for f in mixed))
    closes('nothing', path('nothing.pcap', pcap([])), codes=(0,))
    rows = closes('demo', os.path.join(ROOT, 'tests/pcaps/demo.pcapng'), codes=(0,))
    holds('demo: there are rows', rows.get(('row', 'written'), 0) > 10, rows)


def parts():
    data = pcap(mixed)
    ledger = closes('a cut file', path('cut.pcap', data[:-30]), codes=(1,))
    told('a cut file', ledger, received=len(mixed) - 2)
    full = path('mixed.pcap', data)
    ledger = closes('a filter', full, '-f', 'udp port 53', codes=(0,))
    told('a filter', ledger, received=len(mixed), analysed=20, filtered=len(mixed) - 20)
    ledger = closes('a filter that takes nothing', full, '-f', 'host 203.0.113.77', codes=(0,))
    told('a filter that takes nothing', ledger, received=len(mixed), filtered=len(mixed), analysed=0)
    ledger = closes('an unknown link type', path('link.pcap', pcap(web, link=147)), codes=(1,))
    told('an unknown link type', ledger, received=len(web), undecodable_link=len(web), analysed=0)
    ledger = closes('few flows', path('many.pcap', pcap([f for i in range(20000) for f in dns_exchange(port=1024 + i, ident=i)], step=10)),
                    '--flows', '16384', codes=(0,))
    told('few flows', ledger, received=40000, analysed=40000)
    holds('few flows: flows were evicted', ledger.get(('flow', 'flow_evicted'), 0) > 1000, ledger)


def doubled():
    at = lambda i: i * 1000
    both = [x for i, f in enumerate(web) for x in ((0, at(i), f), (1, at(i) + 40, f))]
    ledger = closes('a bridge seen from both sides', path('bridge.pcapng', ng(both)), codes=(0,))
    told('a bridge seen from both sides', ledger, received=2 * len(web), duplicate_frame=len(web), analysed=len(web))
    want = Run('read', path('web.pcap', pcap(web)), '--table', 'http', '--format', 'ndjson', '--columns', 'uri,status').out
    r = Run('read', path('bridge.pcapng'), '--table', 'http', '--format', 'ndjson', '--columns', 'uri,status')
    holds('and its rows are those of one side', r.out == want and want.count(b'\n') == 4, r)
    r = Run('read', path('bridge.pcapng'), '--table', 'flow', '--format', 'ndjson')
    row = json.loads(r.out)
    holds('copies are no retransmissions, and packets are counted once', (row['src_retransmits'], row['dst_retransmits'],
          row['src_packets'] + row['dst_packets']) == (0, 0, len(web)), r)
    late = [(i % 2, i * 6000, f) for i, f in enumerate(x for f in web for x in (f, f))]
    ledger = closes('copies 6 ms later', path('late.pcapng', ng(late)), codes=(0,))
    told('copies 6 ms later', ledger, received=2 * len(web), duplicate_frame=0)
    alone = [(0, i * 10, x) for i, x in enumerate(x for f in web for x in (f, f))]
    ledger = closes('copies on the same interface', path('alone.pcapng', ng(alone)), codes=(0,))
    told('copies on the same interface', ledger, received=2 * len(web), duplicate_frame=0)
    tagged = [x for i, f in enumerate(web) for x in ((0, at(i), f), (1, at(i), f[:12] + b'\x81\0\0\5' + f[12:]))]
    ledger = closes('copies with a tag', path('tagged.pcapng', ng(tagged)), codes=(0,))
    told('copies with a tag', ledger, received=2 * len(web), duplicate_frame=0)
    one, two = path('one.pcap', pcap(mixed)), path('two.pcap', pcap(mixed))
    ledger = closes('the same capture twice', one, two, codes=(0,))
    told('the same capture twice', ledger, received=2 * len(mixed), duplicate_frame=len(mixed), analysed=broken()[1].count('analysed') + len(mixed) - len(broken()[0]))
    ledger = closes('the same capture twice, filtered', one, two, '-f', 'udp port 53', codes=(0,))
    told('the same capture twice, filtered', ledger, received=2 * len(mixed), filtered=2 * len(mixed) - 40, duplicate_frame=20, analysed=20)


def conditions():
    capture = path('conditions.pcap', pcap(web + names))
    every = Run('read', capture, '--table', 'flow', '--format', 'ndjson').out.splitlines()
    some = Run('read', capture, '--table', 'flow', '--format', 'ndjson', '--where', "proto = 'udp'").out.splitlines()
    rest = Run('read', capture, '--table', 'flow', '--format', 'ndjson', '--where', "not proto = 'udp'").out.splitlines()
    holds('a condition and its opposite part the rows', sorted(some + rest) == sorted(every) and len(some) == 10 and len(rest) == 1, (some, rest))
    r = Run('read', capture, '--table', 'ledger', '--format', 'ndjson', '--where', "unit = 'frame' and count > 0", '--columns', 'cause,count')
    holds('--where picks rows of the ledger too', r.out == b'{"cause":"received","count":%d}\n{"cause":"analysed","count":%d}\n' % ((len(web) + 20,) * 2), r)


def hostile():
    """Damaged captures: no count is asked for, but that the sums close."""
    rng, bad = random.Random(7), []
    for i in range(60):
        if i % 3 == 0:  # bytes of the file
            data = bytearray(pcap(mixed) if i % 2 else ng([(k % 2, k * 100, f) for k, f in enumerate(mixed)]))
            for _ in range(rng.randint(1, 30)):
                data[rng.randrange(24, len(data))] = rng.randrange(256)
        else:  # bytes of the frames; order, copies, cuts
            frames = [bytearray(f) for f in mixed if f] * 2
            rng.shuffle(frames)
            for f in frames:
                for _ in range(rng.choice((0, 0, 1, 3))):
                    f[rng.randrange(len(f))] = rng.randrange(256)
                del f[rng.choice((len(f), rng.randint(1, len(f)))):]
            data = ng([(rng.randrange(2), k * 300, bytes(f)) for k, f in enumerate(frames)]) if i % 2 else pcap(map(bytes, frames))
        name = path(f'hostile{i}', bytes(data))
        ledger, why = of_table(name)
        beside, rows, why_beside = of_folder(f'hostile{i}', name)
        if not ledger or not beside or beside['row', 'written'] != rows:
            bad.append(f'{i}: {why} {why_beside}')
    holds('the sums close over 60 damaged captures, and rows written are those that lie there', not bad, '\n'.join(bad))


for part in (whole, parts, doubled, conditions, hostile):
    part()
done()
