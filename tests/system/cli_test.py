#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""cli_test - what a person at a terminal relies on: output, one-line errors, exit codes, files left behind."""
import csv, gzip, io, json, os, random, select, signal, struct, subprocess, sys, tempfile, time, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from sentences import ROOT, WEIR, Run, dns_exchange, done, holds, http_exchange, pcap, udp

FIRST = ['ts', 'uid', 'src_ip', 'src_port', 'dst_ip', 'dst_port', 'proto']
COLUMNS = {
    'flow': 'community_id iface vlan service service_by service_confidence duration_ns src_packets dst_packets src_bytes dst_bytes '
            'src_payload_bytes dst_payload_bytes state history missed_bytes src_retransmits dst_retransmits rtt_ns tunnel first_frame last_frame',
    'http': 'method host uri version status reason user_agent referer content_type request_body_bytes response_body_bytes latency_ns depth trace_id span_id',
    'dns': 'query_id opcode qname qtype rcode answers aa tc rd ra latency_ns',
    'tls': 'version sni alpn cipher ja3 ja3s ja4 subject issuer not_before not_after resumed established',
}
tmp = tempfile.TemporaryDirectory(prefix='weir-cli.')


def path(name, data=None):
    p = os.path.join(tmp.name, name)
    if data is not None:
        with open(p, 'wb') as f:
            f.write(data)
    return p


def lines(run):
    return [json.loads(s) for s in run.out.decode().splitlines()]


def ng(blocks):
    return b''.join(struct.pack('<II', k, len(b) + 12) + b + struct.pack('<I', len(b) + 12) for k, b in blocks)


SHB = (0x0a0d0d0a, struct.pack('<IHHq', 0x1a2b3c4d, 1, 0, -1))
IDB = (1, struct.pack('<HHI', 1, 0, 0))


def epb(frame):
    return (6, struct.pack('<IIIII', 0, 0, 1000, len(frame), len(frame)) + frame + b'\0' * (-len(frame) % 4))


web = http_exchange(n=3)
good = path('good.pcap', pcap(web))
names = path('names.pcap', pcap([f for i in range(20) for f in dns_exchange(port=50000 + i, ident=i, name=f'n{i}.example.test')]))


def tables():
    r = Run('read', good, '--table', 'http', '--format', 'ndjson')
    rows = lines(r)
    holds('rows of one table, and nothing else, go to stdout', r.code == 0 and len(rows) == 3 and not r.err, r)
    holds('rows come in the order of the packets', [x['uri'] for x in rows] == ['/item/0', '/item/1', '/item/2'], r)
    holds('-r FILE is the same as FILE', Run('read', '-r', good, '--table', 'http', '--format', 'ndjson').out == r.out)
    for table, columns in COLUMNS.items():
        r = Run('read', os.path.join(ROOT, 'tests/pcaps/demo.pcapng'), '--table', table, '--format', 'ndjson')
        rows = lines(r)
        keys = list(rows[0]) if rows else []
        missing = set(columns.split()) - set(keys)
        holds(f'a row of {table} starts with the flow\'s columns and has all that is promised', keys[:7] == FIRST and not missing, f'{missing} {keys}')
    r = Run('read', good, '--table', 'ledger', '--format', 'ndjson')
    rows = lines(r)
    got = {(x['unit'], x['cause']): x['count'] for x in rows}
    holds('the ledger counts every frame as received and analysed', got.get(('frame', 'received')) == got.get(('frame', 'analysed')) == len(web), r)
    r = Run('read', good, '--table', 'http', '--format', 'csv')
    table = list(csv.reader(io.StringIO(r.out.decode())))
    holds('csv has a head line and a line a row', r.code == 0 and len(table) == 4 and table[0][:7] == FIRST, r)
    r = Run('read', good, '--table', 'http', '--format', 'tsv', '--columns', 'method,uri,status')
    holds('--columns picks columns, in that order', r.out == b'method\turi\tstatus\n' + b''.join(b'GET\t/item/%d\t200\n' % i for i in range(3)), r)
    r = Run('read', names, '--table', 'dns', '--format', 'ndjson', '--columns', 'qname,query_id', '--where', "query_id >= 5 and qname like 'n1%'")
    holds('--where picks rows', [x['query_id'] for x in lines(r)] == list(range(10, 20)), r)
    r = Run('read', good, '--table', 'flow', '--format', 'ndjson')
    row = lines(r)[0]
    holds('a whole connection is one flow in state SF with what it carried', (row['state'], row['service'], row['src_packets'], row['dst_packets'],
          row['dst_payload_bytes'], row['missed_bytes']) == ('SF', 'http', 7, 5, 3 * 69, 0), r)


def summary():
    for args in (['read', good], [good]):
        r = Run(*args)
        text = r.out.decode()
        holds(f'weir {" ".join(a if a == "read" else "FILE" for a in args)} prints a summary', r.code == 0 and 'http' in text.lower() and '192.0.2.1' in text and not r.err, r)
    holds('no colour goes to a pipe', b'\x1b' not in Run('read', good).out)


def many_files():
    a, b = path('a.pcap', pcap(web[::2], step=2000)), path('b.pcap', pcap(web[1::2], start=1767225600, step=2000))
    shifted = bytearray(open(b, 'rb').read())
    at, i = 24, 0
    while at < len(shifted):
        sec, us, caplen, _ = struct.unpack_from('<IIII', shifted, at)
        struct.pack_into('<I', shifted, at + 4, us + 1000)
        at += 16 + caplen
    b = path('b.pcap', bytes(shifted))
    whole = Run('read', good, '--table', 'http', '--format', 'ndjson', '--columns', 'ts,method,uri,status')
    r = Run('read', b, a, '--table', 'http', '--format', 'ndjson', '--columns', 'ts,method,uri,status')
    holds('several files are merged by time', r.code == 0 and r.out == whole.out and whole.out.count(b'\n') == 3, r)


def compressed_and_stdin():
    data = open(good, 'rb').read()
    want = Run('read', good, '--table', 'http', '--format', 'ndjson').out
    gz, zst = path('good.pcap.gz', gzip.compress(data)), path('good.pcap.zst')
    subprocess.run(['zstd', '-q', '-f', good, '-o', zst], check=True)
    holds('a gzip capture reads the same', Run('read', gz, '--table', 'http', '--format', 'ndjson').out == want)
    holds('a zstd capture reads the same', Run('read', zst, '--table', 'http', '--format', 'ndjson').out == want)
    for name, stdin in (('a capture', data), ('a gzip capture', open(gz, 'rb').read())):
        r = Run('read', '-', '--table', 'http', '--format', 'ndjson', stdin=stdin)
        holds(f'- reads {name} from standard input', r.out == want and r.code == 0, r)
    r = Run('read', path('cut.gz', open(gz, 'rb').read()[:-40]), '--table', 'flow', '--format', 'ndjson')
    holds('a cut gzip file is read as far as it goes, one line, exit 1', r.code == 1 and r.one_line('cut.gz'), r)


def formats():
    want = Run('read', good, '--table', 'http', '--format', 'ndjson').out
    for name, magic, order in (('big-endian', 0xa1b2c3d4, '>'), ('nanosecond', 0xa1b23c4d, '<'), ('big-endian nanosecond', 0xa1b23c4d, '>')):
        f = path('kind.pcap', pcap(web, magic=magic, order=order))
        holds(f'{name} pcap reads the same', Run('read', f, '--table', 'http', '--format', 'ndjson').out == want)
    r = Run('read', path('two.pcapng', ng([SHB, IDB, *map(epb, web[:5]), SHB, IDB, *map(epb, web[5:])])), '--table', 'http', '--format', 'ndjson')
    holds('a pcapng file of two sections is read through', r.code == 0 and len(lines(r)) == 3, r)


def bad_input():
    data = open(good, 'rb').read()
    for name, content, words in (
            ('cut-record', data[:-10], ['truncated', 'byte', 'packets']),
            ('cut-head', data[:-54 - 10], ['truncated', 'byte']),
            ('cut-file-head', data[:10], []),
            ('empty', b'', []),
            ('text', b'this is no capture at all, only a line of text\n', []),
            ('lying-caplen', pcap([*web, (b'x' * 40, 0x7fffffff, 0x7fffffff)]), ['byte']),
            ('caplen-300k', pcap([*web, (b'x' * 300000, 300000, 300000)]), ['byte']),
            ('unknown-link', pcap(web, link=147), ['147']),
            ('ng-lying-block', ng([SHB, IDB, epb(web[0])]) + struct.pack('<II', 6, 13) + b'\0' * 40, ['byte']),
            ('ng-huge-block', ng([SHB, IDB, epb(web[0])]) + struct.pack('<II', 6, 0xfffffff0) + b'\0' * 40, ['byte']),
            ('ng-cut', ng([SHB, IDB, *map(epb, web)])[:-30], ['byte']),
            ('ng-wrong-interface', ng([SHB, IDB, epb(web[0]), (6, struct.pack('<IIIII', 9, 0, 1000, 4, 4) + b'abcd')]), ['byte'])):
        r = Run('read', path(name, content), '--table', 'flow', '--format', 'ndjson')
        holds(f'{name}: exit 1 and one line on stderr that names the file', r.code == 1 and r.one_line(name, *words), r)
    r = Run('read', path('cut-record', data[:-10]), '--table', 'http', '--format', 'ndjson')
    holds('what stands before the cut is told in rows', len(lines(r)) == 3, r)
    r = Run('read', path('cut-record', data[:-10]), '--table', 'ledger', '--format', 'ndjson')
    holds('and counted in the ledger', any(x['cause'] == 'received' and x['count'] == len(web) - 1 for x in lines(r)), r)
    r = Run('read', path('cut-record', data[:-10]))
    holds('the line tells how many packets were read', str(len(web) - 1) in r.err.decode() and r.code == 1, r)
    r = Run('read', tmp.name)
    holds('a directory: exit 1 and one line', r.code == 1 and r.one_line('directory'), r)
    r = Run('read', path('not-there.pcap'))
    holds('a missing file: exit 1 and one line that names it', r.code == 1 and r.one_line('not-there.pcap'), r)
    r = Run('read', path('no-tcp.pcap'), '-f', 'tcp')
    holds('a missing file with the filter in its name: the same', r.code == 1 and r.one_line('no-tcp.pcap'), r)
    r = Run('read', path('not-there.pcap'), good, '--table', 'http', '--format', 'ndjson')
    holds('a missing file beside a good one: the good one is read, exit 1', r.code == 1 and r.one_line('not-there.pcap') and len(lines(r)) == 3, r)
    back = b''.join(pcap([f], step=0, start=1767225600 - i)[24 if i else 0:] for i, f in enumerate(web))
    r = Run('read', path('backwards', back), '--table', 'flow', '--format', 'ndjson')
    holds('time that goes backwards is no crash and loses no row', r.code in (0, 1) and len(lines(r)) == 1, r)
    rng = random.Random(3)
    codes = set()
    for i in range(60):
        broken = bytearray(data if i % 2 else ng([SHB, IDB, *map(epb, web)]))
        for _ in range(rng.randint(1, 20)):
            broken[rng.randrange(len(broken))] = rng.randrange(256)
        codes.add(Run('read', '-', '--table', 'flow', '--format', 'ndjson', stdin=bytes(broken), timeout=10).code)
    holds('60 damaged captures end with exit 0 or 1', codes <= {0, 1}, codes)
    codes = {Run('read', '-', '--table', 'http', '--format', 'ndjson', stdin=data[:n], timeout=10).code for n in range(0, len(data) - 1, 41)}
    holds('a capture cut anywhere ends with exit 0 or 1', codes <= {0, 1}, codes)


def usage():
    for args, word in ((['read', good, '--tabel', 'http'], '--table'), (['read', good, '--wokers', '2'], '--workers'), (['raed', good], 'read'),
                       (['read', good, '--table', 'htpt'], 'http'), (['read', good, '--table', 'http', '--format', 'ndjsn'], 'ndjson'),
                       (['read', good, '--table', 'http', '--columns', 'methd'], 'method'),
                       (['read', good, '--table', 'http', '--where', 'methd = 1'], 'method')):
        r = Run(*args)
        holds(f'{args[-1] if args[0] == "read" and not args[-2].startswith("--w") else args[-2 if args[0] == "read" else 0]}: exit 2, one line that names {word}',
              r.code == 2 and r.one_line(word) and not r.out, r)
    for what, args in (('an unfinished --where', ['read', good, '--table', 'http', '--where', 'status = ']),
                       ('a bad capture filter', ['read', good, '-f', 'tcp and and']),
                       ('a long bad capture filter', ['read', good, '-f', 'tcp port 80 or ' * 20 + 'and']),
                       ('a bad capture filter of two lines', ['read', good, '-f', 'tcp\nand and']),
                       ('--workers 0', ['read', good, '--workers', '0']),
                       ('--workers many', ['read', good, '--workers', 'many']),
                       ('read without a capture', ['read'])):
        r = Run(*args)
        holds(f'{what}: exit 2 and one line', r.code == 2 and r.one_line() and not r.out, r)
    for what, args, word in (('--format without rows to print', ['read', good, '--format', 'csv'], '--table'),
                             ('--where without a table', ['read', good, '--where', 'status = 1'], '--table'),
                             ('--f, which is short for several options', ['read', good, '--f', 'x'], '--filter'),
                             ('weir --verison', ['--verison'], '--version'),
                             ('weir help raed', ['help', 'raed'], 'read'),
                             ('more workers than there can be', ['read', good, '--workers', 'auto:100-200'], '64')):
        r = Run(*args)
        holds(f'{what}: exit 2, one line that names {word}', r.code == 2 and r.one_line(word) and not r.out, r)
    for args in (['--help'], ['help'], ['help', 'read'], ['read', '--help'], ['--version']):
        r = Run(*args)
        holds(f'weir {" ".join(args)} goes to stdout with exit 0', r.code == 0 and r.out and not r.err, r)
    r = Run('read', '--help')
    holds('the help of read has every table and no line beyond 80 columns', all(f'\n  {t} ' in r.out.decode() for t in COLUMNS)
          and max(map(len, r.out.decode().splitlines())) <= 80, r)


def interrupted():
    for workers in '1', '2':
        run = subprocess.Popen([WEIR, 'read', '-', '--workers', workers, '--table', 'http', '--columns', 'uri'],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        run.stdin.write(pcap(web))
        run.stdin.flush()
        time.sleep(0.5)
        run.send_signal(signal.SIGINT)
        try:
            code = run.wait(5)
        except subprocess.TimeoutExpired:
            run.kill()
            code = 'none: it waits for its input'
        out, err = run.communicate()
        holds(f'with {workers} workers, an interrupt ends the wait for an idle pipe, and what was read has its rows',
              code == 0 and b'interrupted' in err and out.count(b'\n') == 3, f'{code} {out} {err}')


def filters():
    both = path('both.pcap', pcap(web + dns_exchange()))
    r = Run('read', both, '-f', 'udp port 53', '--table', 'flow', '--format', 'ndjson')
    holds('-f keeps what the filter asks for', r.code == 0 and [x['proto'] for x in lines(r)] == ['udp'], r)
    r = Run('read', both, '-f', 'udp port 53', '--table', 'ledger', '--format', 'ndjson')
    got = {x['cause']: x['count'] for x in lines(r) if x['unit'] == 'frame'}
    holds('and the ledger tells the rest as filtered', got.get('received') == len(web) + 2 and got.get('filtered') == len(web), r)
    tagged = path('tagged.pcap', pcap([f[:12] + b'\x81\x00\x00\x05' + f[12:] for f in web]))
    r = Run('read', tagged, '-f', 'tcp port 80', '--table', 'http', '--format', 'ndjson')
    holds('a filter without vlan sees through tags', len(lines(r)) == 3, r)
    r = Run('read', tagged, '-f', 'vlan 5 and tcp port 80', '--table', 'http', '--format', 'ndjson')
    holds('a filter with vlan sees the tags', len(lines(r)) == 3, r)
    r = Run('read', tagged, '-f', 'vlan 6', '--table', 'http', '--format', 'ndjson')
    holds('and tells them apart', r.code == 0 and not r.out, r)


def sinks():
    out = path('out')
    r = Run('read', good, '-o', out)
    files = sorted(os.listdir(out)) if os.path.isdir(out) else []
    stems = {f.split('.')[0] for f in files}
    holds('-o DIR makes the folder and writes a file a table', r.code == 0 and {'flow', 'http', 'ledger'} <= stems, f'{r}\n{files}')
    http = next((f for f in files if f.startswith('http.')), None)
    rows = [json.loads(s) for s in open(os.path.join(out, http))] if http and http.endswith('ndjson') else []
    holds('the file has the rows that stdout would have', rows == lines(Run('read', good, '--table', 'http', '--format', 'ndjson')), rows)
    holds('no half-written file stays behind', not [f for f in files if 'tmp' in f or 'part' in f], files)
    r = Run('read', good, '-o', path('outcsv'), '--format', 'csv')
    holds('-o DIR --format csv writes csv', r.code == 0 and 'http.csv' in os.listdir(path('outcsv')), r)
    r = Run('read', good, '-o', os.path.join(good, 'x'))
    holds('an output folder that cannot be: exit 3 and one line', r.code == 3 and r.one_line(), r)
    big = path('big.pcap', pcap([f for i in range(3000) for f in dns_exchange(port=1024 + i, ident=i)], step=10))
    shut = path('shut')
    os.mkdir(shut, 0o555)
    if os.geteuid() == 0:
        os.mkdir(os.path.join(shut, 'flow.ndjson.tmp'))  # root may write anywhere, but not over a folder
    r = Run('read', good, '-o', shut)
    holds('an output folder that takes no file: exit 3 and one line', r.code == 3 and r.one_line('shut'), r)
    r = Run('read', good, '-o', path('none'), '--table', 'http', '--where', 'status = ')
    holds('a wrong --where leaves no file behind', r.code == 2 and os.listdir(path('none')) == [], r)
    with open('/dev/full', 'wb') as full:
        r = Run('read', '--help', stdout=full)
        holds('a full disk under the help: exit 3', r.code == 3 and r.one_line('no space left'), r)
        for args in (['--table', 'dns', '--format', 'ndjson'], []):
            r = Run('read', big, *args, stdout=full)
            holds(f'a full disk under {"rows" if args else "the summary"}: exit 3 and one line with the cause', r.code == 3 and r.one_line('no space left'), r)
    p = subprocess.Popen([WEIR, 'read', big, '--table', 'dns', '--format', 'ndjson'], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    first = p.stdout.readline()
    p.stdout.close()
    err = p.stderr.read()
    p.wait(20)
    holds('| head -1 gets its row and ends quietly', first.startswith(b'{') and not err and p.returncode in (0, -13, 141), (first, err, p.returncode))
    p = subprocess.Popen([WEIR, 'read', '-', '--table', 'dns', '--format', 'ndjson'], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    data = open(big, 'rb').read()
    # Nobody takes the rows, so weir may stop reading at any time: what it does not take now must not be waited for.
    os.set_blocking(p.stdin.fileno(), False)
    fed, early = 0, False
    while not early and fed < len(data) // 2:
        rows, room, _ = select.select([p.stdout], [p.stdin], [], 10)
        early = bool(rows)
        if not rows and not room:
            break
        if room:
            fed += os.write(p.stdin.fileno(), data[fed:len(data) // 2][:4096])
    early = early or bool(select.select([p.stdout], [], [], 10)[0])
    p.kill()
    p.wait()
    holds('first rows come while the capture is still being written', early)
    p = subprocess.Popen([WEIR, 'read', '-', '--table', 'http', '--workers', '3'], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    whole, came = open(good, 'rb').read(), b''
    for at in range(0, len(whole), 700):
        os.write(p.stdin.fileno(), whole[at:at + 700])
        time.sleep(0.02)
    while came.count(b'\n') < 3 and select.select([p.stdout], [], [], 5)[0]:
        came += os.read(p.stdout.fileno(), 65536)
    p.kill()
    p.wait()
    holds('with several workers no row waits for what the pipe has not given yet', came.count(b'\n') == 3, came)


for part in (tables, summary, many_files, compressed_and_stdin, interrupted, formats, bad_input, usage, filters, sinks):
    try:
        part()
    except (OSError, KeyError, ValueError, IndexError, subprocess.SubprocessError) as e:
        holds(f'{part.__name__} runs to its end', False, repr(e))
done()
