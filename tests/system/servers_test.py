#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""servers_test - rows held against the logs of real servers.

Makes 1,300 HTTP transactions, 1,200 DNS queries and 1,050 TLS handshakes in network namespaces (tests/system/lab) while tcpdump
listens, then compares what `weir read` says with what nginx and unbound logged, row by row as multisets. What a
server does not log (the size of a chunked body without its framing, a query's id) is held against the client's own account.
"""
import collections, json, os, random, re, signal, socket, ssl, struct, subprocess, sys, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from sentences import ROOT, WEIR, done, holds

V4, V6 = '10.9.0.2', 'fd09::2'
if 'LAB' not in os.environ:
    p = subprocess.run([os.path.join(ROOT, 'tests/system/lab'), sys.executable, os.path.abspath(__file__)], stdin=subprocess.DEVNULL)
    if p.returncode == 77:
        print('skipped: rows against real servers: see above', flush=True)
        sys.exit(0)
    if p.returncode not in (0, 1):
        holds('the servers of tests/system/lab start and answer in time', False, f'exit {p.returncode}; see above')
    sys.exit(1 if p.returncode else 0)
LAB = os.environ['LAB']


class Ear:
    """tcpdump on the client's interface while the block runs."""

    def __init__(self, name):
        self.path, self.name = f'{LAB}/{name}.pcap', name

    def __enter__(self):
        self.said = open(f'{LAB}/{self.name}.ear', 'w+')
        self.p = subprocess.Popen(['tcpdump', '-i', 'lab0', '-w', self.path, '-s', '0', '-B', '65536', '--immediate-mode'],
                                  stdin=subprocess.DEVNULL, stderr=self.said)
        for _ in range(200):
            if 'listening on' in open(self.said.name).read():
                return self
            if self.p.poll() is not None:
                break
            time.sleep(.05)
        self.p.kill()
        said = open(self.said.name).read()
        if "Couldn't change" in said:  # it wants to be another user, whom a user namespace does not have
            print('skipped: rows against real servers: in a user namespace, ' + said.strip().splitlines()[-1], flush=True)
            sys.exit(0)
        holds('tcpdump listens on lab0', False, said)
        done()

    def __exit__(self, *_):
        time.sleep(1)
        self.p.send_signal(signal.SIGINT)
        try:
            self.p.wait(10)
        except subprocess.TimeoutExpired:
            self.p.kill()
        said = open(self.said.name).read()
        holds(f'tcpdump lost nothing while {self.name} was captured', re.search(r'^0 packets dropped by kernel', said, re.M), said)


def rows(path, table):
    p = subprocess.run([WEIR, 'read', path, '--table', table, '--format', 'ndjson'], stdin=subprocess.DEVNULL, capture_output=True, timeout=120)
    holds(f'weir reads the {table} capture to its end with exit 0', p.returncode == 0, f'exit {p.returncode} {p.stderr[-400:]!r}')
    return [json.loads(line) for line in p.stdout.decode('utf-8', 'replace').splitlines()]


def equal(sentence, ours, theirs, least=1000):
    ours, theirs = collections.Counter(ours), collections.Counter(theirs)
    missing, extra = theirs - ours, ours - theirs
    holds(f'{sum(theirs.values())} {sentence}', not missing and not extra and sum(theirs.values()) >= least,
          f'{sum(missing.values())} missing, {sum(extra.values())} too many of {sum(theirs.values())} (at least {least} wanted)\n' +
          '\n'.join(f'missing {m}'[:300] for m in list(missing)[:6]) + '\n' + '\n'.join(f'extra   {m}' for m in list(extra)[:4]))


# ---------------------------------------------------------------- HTTP

class Web:
    """One connection; every request has a target of its own, so that logs and rows can be matched."""
    number = 0
    bodies = {}  # target: (request body bytes, whether in chunks, whether after 100-continue, reply body bytes without framing)

    def __init__(self, host=V4):
        self.s = socket.create_connection((host, 80), timeout=10)
        self.s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.f = self.s.makefile('rb')
        self.host, self.open = host, []

    def ask(self, method, path, body=b'', chunked=False, version='1.1', pieces=1, expect=False, **headers):
        Web.number += 1
        target = f'{path}{"&" if "?" in path else "?"}n={Web.number}'
        head = f'{method} {target} HTTP/{version}\r\nHost: www.lab.test\r\nUser-Agent: weir-tests/{Web.number % 7}\r\n'
        if chunked:
            head += 'Transfer-Encoding: chunked\r\n'
        elif body or method in ('PUT', 'POST'):
            head += f'Content-Length: {len(body)}\r\n'
        if expect:
            head += 'Expect: 100-continue\r\n'
        head += ''.join(f'{k.replace("_", "-")}: {v}\r\n' for k, v in headers.items()) + '\r\n'
        wire = body
        if chunked:
            wire, at = b'', 0
            while at < len(body):
                n = random.randint(1, 3000)
                wire += b'%x\r\n%s\r\n' % (len(body[at:at + n]), body[at:at + n])
                at += n
            wire += b'0\r\n\r\n'
        self.open.append((method, target, len(body), chunked, expect))
        if expect:
            self.s.sendall(head.encode())
            line = self.f.readline()
            assert b' 100 ' in line, line
            while self.f.readline().strip():
                pass
            self.s.sendall(wire)
            return
        data = head.encode() + wire
        cut = sorted(random.sample(range(1, len(data)), pieces - 1)) if pieces > 1 else []
        for a, b in zip([0, *cut], [*cut, len(data)]):
            self.s.sendall(data[a:b])
            if pieces > 1:
                time.sleep(.002)

    def take(self):
        """Reads the next reply; remembers its body's size."""
        method, target, sent, chunked, expect = self.open.pop(0)
        status = int(self.f.readline().split()[1])
        h = {}
        while True:
            line = self.f.readline().strip().decode('latin-1')
            if not line:
                break
            k, v = line.split(':', 1)
            h[k.lower()] = v.strip()
        size = 0
        if method == 'HEAD' or status in (204, 304):
            pass
        elif h.get('transfer-encoding') == 'chunked':
            while True:
                n = int(self.f.readline().split(b';')[0], 16)
                size += len(self.f.read(n))
                self.f.readline()
                if not n:
                    break
        elif 'content-length' in h:
            size = len(self.f.read(int(h['content-length'])))
        else:
            size = len(self.f.read())
        Web.bodies[target] = (sent, chunked, expect, size)
        return status, h

    def one(self, *a, **k):
        self.ask(*a, **k)
        return self.take()

    def close(self):
        self.f.close()
        self.s.close()


def make_http():
    noise = random.randbytes(40000)
    for i in range(60):  # keep-alive, a bit of everything
        w = Web(V6 if i % 3 == 0 else V4)
        w.one('GET', '/index.html')
        w.one('HEAD', '/page.html')
        w.one('GET', '/page.html', Accept_Encoding='gzip')
        w.one('GET', '/chunked/sub/page.html')
        w.one('GET', f'/missing/{i}')
        w.one('GET', '/large.txt', Range='bytes=1000-4999')
        w.one('POST', '/post', body=noise[:random.randint(0, 5000)], Content_Type='application/octet-stream')
        w.one('PUT', f'/put/{i}.bin', body=noise[:random.randint(1, 40000)])
        w.one('PUT', f'/put/{i}c.bin', body=noise[:random.randint(1, 20000)], chunked=True)
        w.one('PUT', f'/put/{i}e.bin', body=noise[:random.randint(1, 9000)], expect=True)
        w.one('DELETE', f'/put/{i}.bin')
        w.one('GET', '/moved', Referer='http://www.lab.test/old?a=1')
        w.one('GET', '/none')
        w.one('GET', '/teapot')
        w.one('GET', '/empty.txt')
        _, h = w.one('GET', '/tiny.txt')
        w.one('GET', '/tiny.txt', If_None_Match=h.get('etag', '""'))
        w.one('OPTIONS', '/index.html')
        w.one('GET', '/broken')  # closes
        w.close()
    for i in range(10):  # pipelining
        w = Web()
        for k in range(10):
            w.ask(('GET', 'HEAD')[k % 3 == 2], ('/tiny.txt', '/index.html', '/page.html', '/missing')[k % 4])
        for _ in range(10):
            w.take()
        w.close()
    for i in range(20):  # heads and bodies in small pieces
        w = Web()
        w.one('GET', '/index.html?' + 'q' * random.randint(1, 2000), pieces=8, Cookie='c=' + 'x' * 500)
        w.one('POST', '/post', body=noise[:200], chunked=True, pieces=8)
        w.close()
    for i in range(20):  # HTTP/1.0: the end of the connection is the end of the body
        w = Web()
        w.one('GET', ('/chunked/page.html', '/tiny.txt')[i % 2], version='1.0')
        w.close()
    for i in range(4):
        subprocess.run(['curl', '-s', '-o', '/dev/null', '--parallel', '--compressed', f'http://{V4}/large.txt?n=c{i}', '-o', '/dev/null',
                        f'http://{V4}/page.html?n=d{i}'], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=20)


def check_http(path, logged):
    truth, ours = [], []
    for r in logged:
        sent, chunked, expect, got = Web.bodies.get(r['uri'], (None, False, False, None))
        size = got if r['coding'] == 'chunked' or expect else r['bytes']  # nginx counts chunk framing and the interim reply in
        asked = int(r['request_bytes'] or 0)
        if chunked:  # nginx counts chunks only where it keeps the body
            asked = sent
        elif sent is not None and asked != sent:
            holds('nginx and the client agree on the size of an upload', False, f'{r} {sent}')
        if size is None:  # curl's chunked replies: only weir knows what was on the wire
            size = -1
        truth.append((r['src'], r['port'], r['method'], r['uri'], r['status'], r['host'], r['agent'], r['referer'],
                      r['version'].split('/')[-1], asked, size, r['type'].split(';')[0]))
    unknown = {t[3] for t in truth if t[10] == -1}
    for r in rows(path, 'http'):
        uri = r['uri'] or ''
        ours.append((r['src_ip'], r['src_port'], r['method'], uri, r['status'], r['host'] or '', r['user_agent'] or '', r['referer'] or '',
                     str(r['version']), r['request_body_bytes'] or 0, -1 if uri in unknown else r['response_body_bytes'] or 0,
                     (r['content_type'] or '').split(';')[0]))
    equal('HTTP transactions are the rows of nginx\'s log', ours, truth)


# ---------------------------------------------------------------- DNS

TYPES = {'A': 1, 'NS': 2, 'SOA': 6, 'PTR': 12, 'MX': 15, 'TXT': 16, 'AAAA': 28, 'SRV': 33, 'CAA': 257}


def question(ident, name, kind, edns):
    labels = b''.join(bytes([len(p)]) + p.encode() for p in name.split('.') if p) + b'\0'
    q = struct.pack('>HHHHHH', ident, 0x0100, 1, 0, 0, 1 if edns else 0) + labels + struct.pack('>HH', TYPES[kind], 1)
    return q + (b'\0' + struct.pack('>HHIH', 41, 1232, 0, 0) if edns else b'')


def make_dns():
    asked = []
    names = [('www.lab.test', 'A'), ('www.lab.test', 'AAAA'), ('lab.test', 'MX'), ('lab.test', 'TXT'), ('lab.test', 'SOA'), ('lab.test', 'NS'),
             ('many.lab.test', 'A'), ('text.lab.test', 'TXT'), ('_sip._udp.lab.test', 'SRV'), ('lab.test', 'CAA'),
             ('2.0.9.10.in-addr.arpa', 'PTR'), ('www.lab.test', 'TXT')]

    def pick(i):
        name, kind = names[i % len(names)]
        if i % 5 == 4:
            name, kind = random.choice([(f'h{i}.wild.lab.test', 'A'), (f'no{i}.lab.test', 'AAAA'), (f'x{i}.refused.test', 'A'),
                                        ('.'.join(['label%d' % k for k in range(12)]) + f'.n{i}.wild.lab.test', 'A')])
        return name, kind

    for i in range(1000):
        family, host = ((socket.AF_INET, V4), (socket.AF_INET6, V6))[i % 4 == 3]
        if i % 10 == 0:
            s = socket.socket(family, socket.SOCK_DGRAM)
            s.settimeout(5)
            s.connect((host, 53))
        if i % 10 == 0:
            kept, kept_host = s, host
        name, kind = pick(i)
        ident = random.randrange(65536)
        kept.send(question(ident, name, kind, i % 2))
        kept.recv(4096)
        asked.append((ident, name, kind, 'udp'))
    for i in range(20):  # TCP: ten queries a connection, the first five sent as one piece
        s = socket.create_connection((V6 if i % 2 else V4, 53), timeout=5)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        f, some = s.makefile('rb'), []
        for k in range(10):
            name, kind = pick(i * 10 + k)
            q = question(i * 100 + k, name, kind, k % 2)
            some.append(struct.pack('>H', len(q)) + q)
            asked.append((i * 100 + k, name, kind, 'tcp'))
        s.sendall(b''.join(some[:5]))
        for q in [b''] * 5 + some[5:]:
            s.sendall(q)
            n, = struct.unpack('>H', f.read(2))
            f.read(n)
        f.close()
        s.close()
    return asked


def check_dns(path, log, asked):
    truth = [m.groups() for m in re.finditer(r'reply: (\S+) (\S+) (\S+) IN (\S+) ', log)]
    got = rows(path, 'dns')
    bare = lambda name: (name or '').rstrip('.').lower()
    equal('DNS queries are the rows of unbound\'s log, with the reply\'s code',
          [(r['src_ip'], bare(r['qname']), str(r['qtype']), str(r['rcode'])) for r in got], [(a, bare(n), t, c) for a, n, t, c in truth])
    equal('DNS queries have the id that the client chose', [(r['query_id'], bare(r['qname']), str(r['qtype']), r['proto']) for r in got], asked)
    holds('every DNS reply came after its query', all((r['latency_ns'] or 0) > 0 for r in got), [r for r in got if not r['latency_ns']][:2])
    several = [r for r in got if bare(r['qname']) == 'many.lab.test']
    holds('a name with three addresses has three answers in its row',
          several and all(sum(f'192.0.2.{k}' in json.dumps(r['answers']) for k in (1, 2, 3)) == 3 for r in several), several[:1])


# ---------------------------------------------------------------- TLS

def make_tls():
    kinds = []
    for cipher in ('ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-ECDSA-AES256-GCM-SHA384', 'ECDHE-RSA-CHACHA20-POLY1305', 'ECDHE-RSA-AES128-GCM-SHA256',
                   'AES256-GCM-SHA384', 'DEFAULT'):
        c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        c.minimum_version = c.maximum_version = ssl.TLSVersion.TLSv1_2
        c.set_ciphers(cipher)
        kinds.append(c)
    for alpn in (['http/1.1'], ['h2', 'http/1.1'], None):
        c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        c.minimum_version = ssl.TLSVersion.TLSv1_3
        if alpn:
            c.set_alpn_protocols(alpn)
        kinds.append(c)
    for i, c in enumerate(kinds):
        c.load_verify_locations(f'{LAB}/ca.pem')
        c.check_hostname = False
        if i % 2 == 0 and i < 6:
            c.set_alpn_protocols(['http/1.1'])
    kept = {}
    for i in range(1050):
        c = kinds[i % len(kinds)]
        name = None if i % 11 == 10 else ('www.lab.test', 'api.lab.test', f'h{i}.lab.test')[i % 3]
        session = None
        if i % 5 == 4 and id(c) in kept:  # taken up again under the same name, as browsers do: nginx logs the session's
            session, name = kept[id(c)]
        with socket.create_connection((V6 if i % 4 == 3 else V4, 443), timeout=10) as s:
            with c.wrap_socket(s, server_hostname=name, session=session) as t:
                t.sendall(b'GET /%d HTTP/1.1\r\nHost: www.lab.test\r\nConnection: close\r\n\r\n' % i)
                while t.recv(4096):
                    pass
                kept[id(c)] = t.session, name


def cipher_names():
    """OpenSSL's name of each cipher suite -> IANA's."""
    p = subprocess.run(['openssl', 'ciphers', '-stdname', 'ALL:COMPLEMENTOFALL'], capture_output=True, text=True)
    return {line.split()[2]: line.split()[0] for line in p.stdout.splitlines()}


def check_tls(path, logged):
    iana = cipher_names()
    number = lambda v: re.sub(r'^TLS ?v?', '', str(v))
    got = rows(path, 'tls')
    truth = [(r['src'], r['port'], number(r['version']), iana.get(r['cipher'], r['cipher']), r['sni'], r['reused'] == 'r') for r in logged]
    equal('TLS handshakes are the rows of nginx\'s log', [(r['src_ip'], r['src_port'], number(r['version']), iana.get(r['cipher'], r['cipher']),
                                                           r['sni'] or '', bool(r['resumed'])) for r in got], truth)
    holds('every TLS handshake is told as established', all(r['established'] for r in got), [r for r in got if not r['established']][:2])
    holds('every TLS client has a JA3 and a JA4', all(re.fullmatch('[0-9a-f]{32}', r['ja3'] or '') and re.fullmatch('t1[23][di][0-9a-z_]{32}', r['ja4'] or '')
                                                      for r in got), got[:1])
    clear = [r for r in got if number(r['version']) == '1.2' and not r['resumed']]
    holds('a certificate in clear gives its subject', clear and all('www.lab.test' in (r['subject'] or '') for r in clear), clear[:1])


def main():
    random.seed(5)
    with Ear('http') as http:
        make_http()
    with Ear('dns') as dns:
        asked = make_dns()
    with Ear('tls') as tls:
        make_tls()
    time.sleep(.3)
    read = lambda name: [json.loads(line) for line in open(f'{LAB}/{name}').read().splitlines()]
    for check in (lambda: check_http(http.path, read('access.ndjson')), lambda: check_dns(dns.path, open(f'{LAB}/dns.log').read(), asked),
                  lambda: check_tls(tls.path, read('tls.ndjson'))):
        try:
            check()
        except (OSError, KeyError, ValueError, TypeError, subprocess.TimeoutExpired) as e:
            holds('rows can be compared', False, repr(e))
    done()


main()
