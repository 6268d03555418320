# SPDX-License-Identifier: Apache-2.0
"""sentences - what the system tests share: a sentence that holds or not, running weir, and small captures.

A test prints 'ok: SENTENCE' or 'FAILED: SENTENCE' for each thing it checks; tests/system/run counts those lines.
"""
import os, re, struct, subprocess, sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
WEIR = os.environ.get('WEIR') or os.path.join(ROOT, 'build/weir')
failures = 0


def holds(sentence, truth, detail=''):
    global failures
    print(('ok: ' if truth else 'FAILED: ') + sentence, flush=True)
    if not truth:
        failures += 1
        for line in str(detail).splitlines()[:12]:
            print('    ' + line[:400], flush=True)
    return bool(truth)


def done():
    sys.exit(1 if failures else 0)


class Run:
    """A finished run of weir: code, out and err as bytes."""

    def __init__(self, *args, stdin=b'', timeout=60, stdout=subprocess.PIPE, env=None):
        p = subprocess.run([WEIR, *args], input=stdin, stdout=stdout, stderr=subprocess.PIPE, timeout=timeout,
                           env={**os.environ, **(env or {})})
        self.args, self.code, self.out, self.err = args, p.returncode, p.stdout or b'', p.stderr

    def __str__(self):
        return f'weir {" ".join(self.args)}\nexit {self.code}\nstdout {self.out[:600]!r}\nstderr {self.err[:600]!r}'

    def one_line(self, *words):
        """stderr is one line that starts with 'weir: ' or 'weir COMMAND: ' and has all the words."""
        text = self.err.decode('utf-8', 'replace')
        return re.match(r'weir( \w+)?: ', text) is not None and text.count('\n') == 1 and all(w.lower() in text.lower() for w in words)


def checksum(data):
    if len(data) & 1:
        data += b'\0'
    s = sum(struct.unpack('>%dH' % (len(data) // 2), data))
    while s >> 16:
        s = (s & 0xffff) + (s >> 16)
    return ~s & 0xffff


def ip4(text):
    return bytes(int(b) for b in text.split('.'))


def ethernet(payload, kind=0x0800):
    return b'\2\0\0\0\0\2\2\0\0\0\0\1' + struct.pack('>H', kind) + payload


def ipv4(src, dst, proto, payload, ident=1, flags=0x4000):
    head = struct.pack('>BBHHHBBH4s4s', 0x45, 0, 20 + len(payload), ident, flags, 64, proto, 0, ip4(src), ip4(dst))
    return head[:10] + struct.pack('>H', checksum(head)) + head[12:] + payload


def udp(src, sport, dst, dport, data):
    body = struct.pack('>HHHH', sport, dport, 8 + len(data), 0) + data
    pseudo = ip4(src) + ip4(dst) + struct.pack('>BBH', 0, 17, len(body))
    return ethernet(ipv4(src, dst, 17, body[:6] + struct.pack('>H', checksum(pseudo + body) or 0xffff) + body[8:]))


def tcp(src, sport, dst, dport, seq, ack, flags, data=b''):
    body = struct.pack('>HHIIBBHHH', sport, dport, seq & 0xffffffff, ack & 0xffffffff, 0x50, flags, 64000, 0, 0) + data
    pseudo = ip4(src) + ip4(dst) + struct.pack('>BBH', 0, 6, len(body))
    return ethernet(ipv4(src, dst, 6, body[:16] + struct.pack('>H', checksum(pseudo + body)) + body[18:]))


def pcap(frames, link=1, magic=0xa1b2c3d4, order='<', start=1767225600, step=1000, snaplen=262144):
    """Frames (bytes, or (bytes, caplen, wire length)) as a capture file, a step of microseconds apart."""
    scale = 1000 if magic == 0xa1b23c4d else 1
    out = [struct.pack(order + 'IHHiIII', magic, 2, 4, 0, 0, snaplen, link)]
    for i, frame in enumerate(frames):
        data, caplen, wire = frame if isinstance(frame, tuple) else (frame, len(frame), len(frame))
        us = i * step
        out.append(struct.pack(order + 'IIII', start + us // 1000000, us % 1000000 * scale, caplen, wire) + data)
    return b''.join(out)


def http_exchange(client='192.0.2.1', port=40000, server='198.51.100.2', n=1):
    """The frames of one connection with n transactions."""
    a, b = 1000, 9000
    up = lambda flags, data=b'': tcp(client, port, server, 80, a, b, flags, data)
    down = lambda flags, data=b'': tcp(server, 80, client, port, b, a, flags, data)
    frames = [tcp(client, port, server, 80, a, 0, 2)]
    a += 1
    frames.append(tcp(server, 80, client, port, b, a, 18))
    b += 1
    frames.append(up(16))
    for i in range(n):
        ask = b'GET /item/%d HTTP/1.1\r\nHost: www.example.test\r\nUser-Agent: tests\r\n\r\n' % i
        reply = b'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello'
        frames.append(up(24, ask))
        a += len(ask)
        frames.append(down(24, reply))
        b += len(reply)
    frames.append(up(17))
    a += 1
    frames.append(down(17))
    b += 1
    frames.append(up(16))
    return frames


def dns_exchange(client='192.0.2.1', port=50000, ident=7, name='www.example.test'):
    labels = b''.join(bytes([len(p)]) + p.encode() for p in name.split('.')) + b'\0'
    ask = struct.pack('>HHHHHH', ident, 0x0100, 1, 0, 0, 0) + labels + struct.pack('>HH', 1, 1)
    reply = struct.pack('>HHHHHH', ident, 0x8180, 1, 1, 0, 0) + labels + struct.pack('>HH', 1, 1) + \
        b'\xc0\x0c' + struct.pack('>HHIH', 1, 1, 60, 4) + b'\xc0\0\2\x63'
    return [udp(client, port, '198.51.100.53', 53, ask), udp('198.51.100.53', 53, client, port, reply)]
