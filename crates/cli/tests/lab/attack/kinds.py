"""Sends one of every kind of packet that the filter has to tell apart, by raw socket.

kinds.py SOURCE4 SOURCE6 TO4 TO6 [IPv4 only], behind packets.py. Behind each comes a plain SYN from a port of its
own, so that what is told between two of them is of the kind. Prints a line for each: the kind, the
port of the SYN behind it, the marks by which its packets are known, and what came back: ICMP errors by type
and code, or a reset.
"""
source4, source6, to4, to6, *four_only = sys.argv[1:]
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
wire.bind(('eth0', 0))
wire.settimeout(0.5)
station = wire.getsockname()[4]
IP4, IP6 = b'\x08\0', b'\x86\xdd'


def router():
    ask = bytes.fromhex('0001080006040001') + station + b'\0' * 10 + bytes([169, 254, 1, 1])
    for _ in range(50):
        wire.send(b'\xff' * 6 + station + b'\x08\x06' + ask)
        end = time.monotonic() + 0.5
        while time.monotonic() < end:
            try:
                frame = wire.recv(70000)
            except socket.timeout:
                break
            if frame[12:14] == b'\x08\x06' and frame[28:32] == bytes([169, 254, 1, 1]):
                return frame[22:28]
    sys.exit('no router answers')


def fixed(packet):
    """An IPv4 packet with the checksum that its header should have."""
    size = (packet[0] & 15) * 4
    header = packet[:10] + b'\0\0' + packet[12:size]
    return header[:10] + struct.pack('!H', total(header)) + header[12:] + packet[size:]


def with_total(packet, length):
    return fixed(packet[:2] + struct.pack('!H', length) + packet[4:])


def with_payload(packet, length):
    return packet[:4] + struct.pack('!H', length) + packet[6:]


def udp(dport, payload, sport=20000):
    return struct.pack('!HHHH', sport, dport, 8 + len(payload), 0) + payload


def more4(a, b):
    def syn(name, **more):
        return tcp(name, a, b, **more)

    def whole(name, **more):
        return ip4(syn(name, **more), a, b)
    for name, option in [('lsrr-past', '83070c01020304'), ('ssrr-past', '89070c01020304'),
                         ('lsrr-short', '8303'), ('ssrr', '890704cb007119')]:
        yield name, [ip4(syn(name), a, b, options=bytes.fromhex(option))]
    for length in (0, 19, 20, 34, 39):
        yield f'total-{length}', [with_total(whole(f'total-{length}'), length)]
    yield 'total-past', [with_total(whole('total-past'), 1000)]
    yield 'padded', [whole('padded') + b'\0' * 20]
    packet = whole('checksum-wrong')
    yield 'checksum-wrong', [packet[:10] + bytes([packet[10] ^ 1]) + packet[11:]]
    packet = whole('checksum-0')
    yield 'checksum-0', [packet[:10] + b'\0\0' + packet[12:]]
    yield 'header-of-16', [fixed(b'\x44' + whole('header-of-16')[1:])]
    yield 'tcp-of-8', [ip4(syn('tcp-of-8')[:8], a, b)]
    yield 'tcp-of-13', [ip4(syn('tcp-of-13')[:13], a, b)]
    yield 'tcp-of-19', [ip4(syn('tcp-of-19')[:19], a, b)]
    yield 'offset-past', [whole('offset-past', offset=15)]
    yield 'tcp-checksum-wrong', [ip4(syn('tcp-checksum-wrong')[:-1] + b'x', a, b)]
    for name, to in [('to-multicast', '224.0.0.9'), ('to-broadcast', '255.255.255.255'),
                     ('to-loopback', '127.0.0.1'), ('to-0', '0.0.0.0')]:
        yield name, [ip4(tcp(name, a, to), a, to)]
    for name, own in [('from-multicast', '224.0.0.9'), ('from-broadcast', '255.255.255.255'),
                      ('from-loopback', '127.0.0.1'), ('from-0', '0.0.0.0')]:
        yield name, [ip4(tcp(name, own, b), own, b)]
    yield 'past-65535', [ip4(syn('past-65535'), a, b, fragment=8190)]
    yield 'later-fragment', [ip4(syn('later-fragment')[8:], a, b, fragment=9)]
    yield 'fragment-of-udp', [ip4(udp(25, b' ' * 16), a, b, fragment=MF)]
    yield '6-in-4', [ip4(ip6(tcp('6-in-4', source6, to6), source6, to6), a, b, protocol=41)]
    inner = station + station + IP4 + whole('inside')
    for name, protocol, head in [('ether-ip', 97, b'\x30\0'), ('l2tp', 115, b'\0\0\0\1')]:
        yield name, [ip4(head + inner, a, b, protocol=protocol)]
    for name, dport, head in [('vxlan', 4789, b'\x08\0\0\0\0\0\1\0'), ('geneve', 6081, b'\0\0\x65\x58\0\0\1\0')]:
        yield name, [ip4(udp(dport, head + inner), a, b, protocol=17)]
    yield 'gtp', [ip4(udp(2152, b'\x30\xff' + struct.pack('!HI', 40, 1) + whole('gtp')), a, b, protocol=17)]
    yield 'gre-in-udp', [ip4(udp(4754, b'\0\0\x08\0' + whole('gre-in-udp')), a, b, protocol=17)]
    inside6 = ip6(tcp('teredo', source6, to6), source6, to6)
    yield 'teredo', [ip4(udp(3544, inside6), a, b, protocol=17)]
    for name, protocol in [('esp', 50), ('sctp', 132), ('dccp', 33)]:
        yield name, [ip4(struct.pack('!HH', 20000, 25) + b'\0' * 36, a, b, protocol=protocol)]
    yield 'udp-25', [ip4(udp(25, b'x' * 20), a, b, protocol=17)]
    quoted = b'\3\1\0\0\0\0\0\0' + whole('quoted')[:48]
    yield 'quoted', [ip4(quoted[:2] + struct.pack('!H', total(quoted)) + quoted[4:], a, b, protocol=1)]


def more6(a, b):
    def syn(name, **more):
        return tcp(name, a, b, **more)
    pad = bytes([6, 0, 1, 4, 0, 0, 0, 0])
    for kind in (2, 3, 253):
        head = bytes([6, 2, kind, 1]) + b'\0' * 4 + packed(b)
        yield f'routing-{kind}-left', [ip6(head + syn(f'routing-{kind}-left'), a, b, 43)]
    for kind in (148, 200, 254, 255):
        yield f'unknown-{kind}', [ip6(pad + syn(f'unknown-{kind}'), a, b, kind)]
    for name, kind in [('mobility-last', 135), ('host-identity-last', 139)]:
        yield name, [ip6(b'\x3b' + pad[1:] + syn(name), a, b, kind)]
    long = syn('long-behind-options') + b' ' * 80
    yield 'long', [ip6(syn('long') + b' ' * 80, a, b)]
    # The checksum counts what was added; nobody needs to take it.
    yield 'long-behind-options', [ip6(pad + long, a, b, 60)]
    for length in (0, 8, 19):
        name = f'payload-{length}'
        yield name, [with_payload(ip6(syn(name), a, b), length)]
    yield 'payload-past', [with_payload(ip6(syn('payload-past'), a, b), 1000)]
    yield 'payload-0-options', [with_payload(ip6(pad + syn('payload-0-options'), a, b, 0), 0)]
    jumbo = bytes([6, 0, 0xc2, 4]) + struct.pack('!I', 70000)
    yield 'jumbogram', [with_payload(ip6(jumbo + syn('jumbogram'), a, b, 0), 0)]
    yield 'jumbo-option', [ip6(jumbo + syn('jumbo-option'), a, b, 0)]
    yield 'options-past', [ip6(b'\x06\x20' + pad[2:] + syn('options-past'), a, b, 60)]
    yield 'options-then-hop', [ip6(b'\0' + pad[1:] + pad + syn('options-then-hop'), a, b, 60)]
    for name, kind in [('esp6', 50), ('sctp6', 132)]:
        yield name, [ip6(struct.pack('!HH', 20000, 25) + b'\0' * 36, a, b, kind)]
    for name, to in [('to-multicast6', 'ff0e::9'), ('to-loopback6', '::1'), ('to-06', '::'),
                     ('to-mapped', '::ffff:203.0.113.25')]:
        yield name, [ip6(tcp(name, a, to), a, to)]
    for name, own in [('from-multicast6', 'ff0e::9'), ('from-loopback6', '::1'),
                      ('from-mapped', '::ffff:10.1.0.5')]:
        yield name, [ip6(tcp(name, own, b), own, b)]
    yield 'past-65535-6', [ip6(struct.pack('!BBHI', 6, 0, 8190 * 8, 9) + syn('past-65535-6'), a, b, 44)]
    yield 'later-fragment6', [ip6(struct.pack('!BBHI', 6, 0, 72, 9) + syn('later')[8:], a, b, 44)]
    yield '4-in-6', [ip6(ip4(tcp('4-in-6', source4, to4), source4, to4), a, b, 4)]
    yield 'in-gre6', [ip6(b'\0\0\x08\0' + ip4(tcp('in-gre6', source4, to4), source4, to4), a, b, 47)]
    yield 'tcp-of-8-6', [ip6(syn('tcp-of-8-6')[:8], a, b)]
    yield 'offset-past6', [ip6(syn('offset-past6', offset=15), a, b)]


def framed():
    """What is told apart by what is in front of the IP header: name, bytes, packet."""
    def packet(name):
        return ip4(tcp(name, source4, to4), source4, to4)
    for name, before in [('tagged', '81000007'), ('priority-tag', '81000000'),
                         ('two-tags', '88a8000081000000'), ('three-tags', '88a800008100000081000000'),
                         ('four-tags', '88a80000810000008100000081000000'), ('mpls', '8847000101ff')]:
        kind = b'' if name == 'mpls' else IP4
        yield name, bytes.fromhex(before) + kind, packet(name)
    for name, tag in [('fabric-tag', '8909'), ('tag-8903', '8903'), ('tag-8926', '8926'),
                      ('tag-8988', '8988'), ('provider-backbone', '88e7')]:
        yield name, bytes.fromhex(tag) + b'\0\0\0\1' + IP4, packet(name)
    inside = packet('pppoe')
    yield 'pppoe', b'\x88\x64\x11\0\0\1' + struct.pack('!H', len(inside) + 2) + b'\0\x21', inside
    inside = packet('snap')
    yield 'snap', struct.pack('!H', len(inside) + 8) + bytes.fromhex('aaaa030000000800'), inside
    inside = packet('llc')
    yield 'llc', struct.pack('!H', len(inside) + 3) + bytes.fromhex('060603'), inside
    yield '4-as-6', IP6, packet('4-as-6')
    yield '6-as-4', IP4, ip6(tcp('6-as-4', source6, to6), source6, to6)


def kinds():
    sets = [(IP4, attacks4(source4, to4, '')), (IP4, more4(source4, to4)),
            (IP6, attacks6(source6, to6, '')), (IP6, more6(source6, to6))]
    for version, more in sets[:2] if four_only else sets:
        for name, packets in more:
            yield name, [(version, packet) for packet in packets]
    for name, before, packet in framed():
        yield name, [(before, packet)]


def answers():
    """The ICMP errors that have come, with what they quote, and the ports of TCP resets."""
    wire.settimeout(0.02)
    while True:
        try:
            frame = wire.recv(70000)
        except socket.timeout:
            return
        if frame[:6] != station:
            continue
        if frame[12:14] == IP4 and frame[23] == 1 and frame[34] in (3, 4, 5, 11, 12):
            yield f'icmp-{frame[34]}-{frame[35]}', mark(frame[42:])
        if frame[12:14] == IP6 and frame[20] == 58 and frame[54] in (1, 2, 3, 4):
            yield f'icmpv6-{frame[54]}-{frame[55]}', mark(frame[62:])
        for version, protocol, begin in ((IP4, 23, 34), (IP6, 20, 54)):
            if frame[12:14] == version and frame[protocol] == 6 and frame[begin + 13] & 4:
                yield 'reset', frame[begin + 2] << 8 | frame[begin + 3]


def mark(packet):
    """How a packet is known: IPv4's identification, and as much of IPv6's flow label."""
    if packet[0] >> 4 == 6:
        return f'6:{packet[2] << 8 | packet[3]}'
    return f'4:{packet[4] << 8 | packet[5]}'


station_of_router = router()
fence = 40000
ports = port + 1
for name, packets in kinds():
    marks = []
    for before, packet in packets:
        if packet[0] >> 4 == 6:
            number += 1
            packet = packet[:2] + struct.pack('!H', number) + packet[4:]
        marks.append(mark(packet))
        wire.send(station_of_router + station + before + packet)
    mine = [*marks, *range(ports, port + 1)]
    ports = port + 1
    fence += 1
    behind = ip4(tcp('behind', source4, to4, sport=fence), source4, to4)
    wire.send(station_of_router + station + IP4 + behind)
    came = {answer for answer, of in answers() if of in mine}
    print(name, fence, ','.join(marks), ','.join(sorted(came)) or '-', flush=True)
