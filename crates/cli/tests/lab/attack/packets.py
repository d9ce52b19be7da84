"""Packets that a filter of port 25 has to tell apart; `sender.py` and `kinds.py` go on from here."""
import socket
import struct
import sys
import time


def total(data):
    data += b'\0' * (len(data) % 2)
    s = sum(struct.unpack('!%dH' % (len(data) // 2), data))
    while s >> 16:
        s = (s & 0xffff) + (s >> 16)
    return ~s & 0xffff


def packed(address):
    return socket.inet_pton(socket.AF_INET6 if ':' in address else socket.AF_INET, address)


port = 20000
number = 0


def tcp(name, source, to, flags=2, options=b'', dport=25, offset=None, sport=None):
    global port
    if sport is None:
        port += 1
        sport = port
    data = (name + ';').encode()
    data += b' ' * (-len(data) % 8)
    length = 20 + len(options)
    word = ((offset or length // 4) << 12) | flags
    header = struct.pack('!HHIIHHHH', sport, dport, 1000, 0, word, 1024, 0, 0) + options
    s, d = packed(source), packed(to)
    size = len(header) + len(data)
    pseudo = s + d + (struct.pack('!IHBB', size, 0, 0, 6) if len(s) == 16
                      else struct.pack('!BBH', 0, 6, size))
    check = struct.pack('!H', total(pseudo + header + data))
    return header[:16] + check + header[18:] + data


def ip4(payload, source, to, protocol=6, fragment=0, options=b'', ident=None):
    global number
    number += 1
    options += b'\0' * (-len(options) % 4)
    header = struct.pack('!BBHHHBBH', 0x45 + len(options) // 4, 0, 20 + len(options) + len(payload),
                         number if ident is None else ident, fragment, 64, protocol, 0)
    header += packed(source) + packed(to) + options
    return header[:10] + struct.pack('!H', total(header)) + header[12:] + payload


def ip6(payload, source, to, following=6):
    return (struct.pack('!IHBB', 6 << 28, len(payload), following, 64) + packed(source) + packed(to)
            + payload)


MF = 0x2000


def cut4(segment, source, to, *cuts, order=None):
    """The segment in fragments that begin at some bytes."""
    global number
    number += 1
    ident, edges, out = number, [0, *cuts, len(segment)], []
    for begin, end in zip(edges, edges[1:]):
        more = MF if end < len(segment) else 0
        out.append(ip4(segment[begin:end], source, to, fragment=more | begin // 8, ident=ident))
    return [out[i] for i in order] if order else out


def cut6(segment, source, to, *cuts, order=None, before=b'', first=44):
    global number
    number += 1
    edges, out = [0, *cuts, len(segment)], []
    for begin, end in zip(edges, edges[1:]):
        more = 1 if end < len(segment) else 0
        head = before + struct.pack('!BBHI', 6, 0, begin | more, number)
        out.append(ip6(head + segment[begin:end], source, to, first))
    return [out[i] for i in order] if order else out


def attacks4(a, b, mark):
    def syn(name, **more):
        return tcp(mark + name, a, b, **more)

    def plain(name, **more):
        return name, [ip4(syn(name, **more), a, b)]
    yield plain('plain')
    yield plain('ecn', flags=0xc2)
    yield plain('syn-fin', flags=3)
    yield plain('syn-urg-psh', flags=0x2a)
    yield plain('reserved-bits', flags=0xe02)
    yield plain('syn-rst', flags=6)
    yield plain('fast-open', options=bytes.fromhex('22020101'))
    yield plain('fast-open-cookie', options=bytes.fromhex('220a0102030405060708') + b'\1\1')
    yield plain('multipath', options=bytes.fromhex('1e0c0081') + b'\1' * 8)
    yield plain('option-of-length-0', options=bytes.fromhex('05000101'))
    yield plain('forty-bytes-of-options', options=b'\1' * 40)
    yield plain('offset-4', offset=4)
    for name, options in [('nop', '01010101'), ('router-alert', '94040000'), ('end', '00000000'),
                          ('lsrr-done', '83070801020304'), ('ssrr-done', '89070801020304'),
                          ('forty', '01' * 40), ('timestamp', '44080500' + '00' * 4)]:
        yield 'ip-' + name, [ip4(syn('ip-' + name), a, b, options=bytes.fromhex(options))]
    hop = bytes([0x83, 7, 4]) + packed(b)
    yield 'lsrr', [ip4(syn('lsrr'), a, b, options=hop)]
    yield 'dont-fragment', [ip4(syn('dont-fragment'), a, b, fragment=0x4000)]
    yield 'evil', [ip4(syn('evil'), a, b, fragment=0x8000)]
    for at in (8, 16, 24):
        yield f'cut-{at}', cut4(syn(f'cut-{at}'), a, b, at)
        yield f'cut-{at}-backwards', cut4(syn(f'cut-{at}-backwards'), a, b, at, order=(1, 0))
    yield 'cut-8-16', cut4(syn('cut-8-16'), a, b, 8, 16)
    yield 'cut-8-16-24', cut4(syn('cut-8-16-24'), a, b, 8, 16, 24)
    yield 'cut-8-16-last-first', cut4(syn('cut-8-16-last-first'), a, b, 8, 16, order=(2, 1, 0))
    yield 'cut-8-twice', cut4(syn('cut-8-twice'), a, b, 8, order=(0, 0, 1))
    # RFC 3128: a first fragment that means something else, and one that lies over it.
    for name, begin in [('other-flags', 8), ('other-port', 0)]:
        whole = syn('over-' + name)
        innocent = (whole[:13] + b'\x10' + whole[14:] if begin else whole[:2] + b'\x02\x4b' + whole[4:])
        for turn in (False, True):
            called = 'over-' + name + ('-turned' if turn else '')
            number4 = 40000 + 2 * begin + turn
            packets = [ip4(innocent[:24], a, b, fragment=MF, ident=number4),
                       ip4(whole[begin:], a, b, fragment=begin // 8, ident=number4)]
            yield called, packets[::-1] if turn else packets
    yield 'over-8', [ip4(syn('over-8')[:8], a, b, fragment=MF, ident=41000),
                     ip4(tcp(mark + 'over-8', a, b, sport=port)[8:], a, b, fragment=1, ident=41000)]
    inner = ip4(syn('in-ip'), a, b)
    yield 'in-ip', [ip4(inner, a, b, protocol=4)]
    yield 'in-gre', [ip4(b'\0\0\x08\0' + ip4(syn('in-gre'), a, b), a, b, protocol=47)]
    yield 'authenticated', [ip4(bytes([6, 4, 0, 0]) + b'\1' * 20 + syn('authenticated'), a, b,
                                protocol=51)]


def attacks6(a, b, mark):
    def syn(name, **more):
        return tcp(mark + name, a, b, **more)
    yield 'plain6', [ip6(syn('plain6'), a, b)]
    pad = bytes([6, 0, 1, 4, 0, 0, 0, 0])
    for name, kind in [('hop-by-hop', 0), ('destination', 60)]:
        yield name, [ip6(pad + syn(name), a, b, kind)]
    for kind in (0, 2, 3, 4):
        yield f'routing-{kind}', [ip6(bytes([6, 0, kind, 0]) + b'\0' * 4 + syn(f'routing-{kind}'),
                                      a, b, 43)]
    for kind in (0, 4):
        name = f'routing-{kind}-left'
        head = bytes([6, 2, kind, 1]) + b'\0' * 4 + packed(b)
        yield name, [ip6(head + syn(name), a, b, 43)]
    chain = bytes([60, 0, 1, 4, 0, 0, 0, 0])
    for length in (3, 8, 9, 12):
        name = f'chain-{length}'
        yield name, [ip6(chain * (length - 1) + pad + syn(name), a, b, 60)]
    for name, kind in [('shim', 140), ('mobility', 135), ('host-identity', 139), ('ah', 51),
                       ('unknown-header', 253), ('no-next', 59)]:
        head = bytes([6, 4, 0, 0]) + b'\1' * 20 if kind == 51 else pad
        yield name, [ip6(head + syn(name), a, b, kind)]
    yield 'atomic', cut6(syn('atomic'), a, b)
    yield 'atomic-behind-options', cut6(syn('atomic-behind-options'), a, b,
                                        before=bytes([44, 0, 1, 4, 0, 0, 0, 0]), first=60)
    for at in (8, 16, 24):
        yield f'cut6-{at}', cut6(syn(f'cut6-{at}'), a, b, at)
        yield f'cut6-{at}-backwards', cut6(syn(f'cut6-{at}-backwards'), a, b, at, order=(1, 0))
    yield 'cut6-8-16-24', cut6(syn('cut6-8-16-24'), a, b, 8, 16, 24)
    yield 'cut6-behind-options', cut6(syn('cut6-behind-options'), a, b, 8,
                                      before=bytes([44, 0, 1, 4, 0, 0, 0, 0]), first=60)
    whole = syn('over6-flags')
    innocent = whole[:13] + b'\x10' + whole[14:]
    head = [struct.pack('!BBHI', 6, 0, 1, 77), struct.pack('!BBHI', 6, 0, 8, 77)]
    yield 'over6-flags', [ip6(head[0] + innocent[:24], a, b, 44), ip6(head[1] + whole[8:], a, b, 44)]
    yield 'in-ip6', [ip6(ip6(syn('in-ip6'), a, b), a, b, 41)]
