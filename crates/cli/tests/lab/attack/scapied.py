"""Evasions of a filter of port 25, as scapy makes them: scapied.py SOURCE4 SOURCE6 TO4 TO6.

Every SYN carries its own name, as those of `sender.py` do, and `control-end` goes to port 587 and has to
arrive.
"""
import logging
import socket
import sys
import time

logging.getLogger('scapy').setLevel(logging.ERROR)
from scapy.config import conf
conf.ipv6_enabled = True
from scapy.contrib.geneve import GENEVE
from scapy.contrib.gtp import GTP_U_Header
from scapy.contrib.mpls import MPLS
from scapy.layers.inet import (ICMP, IP, TCP, UDP, IPOption_LSRR, IPOption_RR, IPOption_Router_Alert, fragment)
from scapy.layers.inet6 import (HAO, HBHOptUnknown, ICMPv6EchoRequest, IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment,
                                IPv6ExtHdrHopByHop, IPv6ExtHdrRouting, Jumbo, PadN, RouterAlert, fragment6)
from scapy.layers.ipsec import AH
from scapy.layers.l2 import GRE, Dot1AD, Dot1Q, Ether
from scapy.layers.vxlan import VXLAN
from scapy.packet import Raw

source4, source6, to4, to6 = sys.argv[1:]
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
wire.bind(('eth0', 0))
station = ':'.join('%02x' % byte for byte in wire.getsockname()[4])
port = 30000


def router():
    for _ in range(100):
        for line in open('/proc/net/arp').read().splitlines()[1:]:
            if line.split()[5] == 'eth0' and line.split()[3] != '00:00:00:00:00:00':
                return line.split()[3]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ask:
            ask.sendto(b'?', (to4, 9))
        time.sleep(0.05)
    sys.exit('no router answers')


def segment(name, dport=25, **more):
    global port
    port += 1
    fields = {'sport': port, 'dport': dport, 'flags': 'S', 'seq': 1000, **more}
    data = (name + ';').encode()
    return TCP(**fields) / Raw(data + b' ' * (-len(data) % 8 + 64))


def four(name, ip=(), **more):
    return IP(src=source4, dst=to4, id=port & 0xffff, **dict(ip)) / segment(name, **more)


def six(name, *between, **more):
    packet = IPv6(src=source6, dst=to6)
    for header in between:
        packet = packet / header
    return packet / segment(name, **more)


def overlapping(name, first, second, turned):
    """Two fragments, the second over the first, of which either means something else."""
    whole = bytes(IP(bytes(four(name)))[TCP])
    innocent = whole[:13] + b'\x10' + whole[14:]
    parts = [innocent, whole] if second else [whole, innocent]
    head = {'src': source4, 'dst': to4, 'id': port & 0xffff, 'proto': 6}
    both = [IP(flags='MF', frag=0, **head) / Raw(parts[0][:first]),
            IP(frag=second, **head) / Raw(parts[1][8 * second:])]
    return both[::-1] if turned else both


def packets():
    cookie = ('Experiment', b'')
    yield [four('scapy-plain')]
    yield [four('scapy-fast-open', options=[(34, b'')])]
    yield [four('scapy-fast-open-cookie', options=[(34, b'12345678'), ('NOP', None), ('NOP', None)])]
    yield [four('scapy-experiment', options=[(254, b'\xf9\x89')])]
    yield [four('scapy-many-options', options=[('MSS', 1460), ('SAckOK', b''), ('Timestamp', (1, 0)), ('WScale', 7)])]
    yield [four('scapy-md5', options=[(19, b'0' * 16)])]
    for flags in ('SF', 'SU', 'SP', 'SEC', 'SN', 'SFPUEC', 'SR', 'SRF'):
        yield [four('scapy-flags-' + flags, flags=flags)]
    yield [four('scapy-reserved', reserved=7)]
    yield [four('scapy-from-25', sport=25)]
    for ttl in (255, 3, 1, 0):
        yield [four(f'scapy-ttl-{ttl}', {'ttl': ttl})]
    yield [four('scapy-tos', {'tos': 0xff})]
    yield [four('scapy-router-alert', {'options': [IPOption_Router_Alert()]})]
    yield [four('scapy-loose', {'options': [IPOption_LSRR(routers=[to4], pointer=4)]})]
    yield [four('scapy-loose-done', {'options': [IPOption_LSRR(routers=[to4], pointer=8)]})]
    yield [four('scapy-record', {'options': [IPOption_RR(routers=['0.0.0.0'] * 3)]})]
    yield [four('scapy-bad-checksum', {'chksum': 0x1234})]
    yield [four('scapy-bad-tcp-checksum', chksum=0x1234)]
    yield [four('scapy-offset-4', dataofs=4)]
    yield [four('scapy-offset-15', dataofs=15)]
    yield [four('scapy-evil', {'flags': 'evil'})]
    yield [four('scapy-df-mf', {'flags': 'DF'})]
    for size in (8, 16, 24, 40):
        parts = fragment(four(f'scapy-cut-{size}'), size)
        yield parts
        yield fragment(four(f'scapy-cut-{size}-turned'), size)[::-1]
        parts = fragment(four(f'scapy-cut-{size}-twice'), size)
        yield [parts[0], *parts]
    for first, second in ((24, 0), (24, 1), (24, 2), (32, 1), (8, 0)):
        for turned in (False, True):
            name = f'scapy-over-{first}-{second}' + ('-turned' if turned else '')
            yield overlapping(name, first, second, turned)
    inner = four('scapy-inside')
    for name, outer in [('ip', IP(src=source4, dst=to4)), ('gre', IP(src=source4, dst=to4) / GRE()),
                        ('vxlan', IP(src=source4, dst=to4) / UDP(sport=999, dport=4789) / VXLAN(vni=1) / Ether()),
                        ('geneve', IP(src=source4, dst=to4) / UDP(sport=999, dport=6081) / GENEVE(vni=1) / Ether()),
                        ('gtp', IP(src=source4, dst=to4) / UDP(sport=999, dport=2152) / GTP_U_Header(teid=1))]:
        yield [outer / inner]
    yield [IP(src=source4, dst=to4) / six('scapy-6-in-4')]
    yield [IP(src=source4, dst=to4) / UDP(sport=999, dport=3544) / six('scapy-teredo')]
    yield [IP(src=source4, dst=to4, proto=51) / AH(nh=6, payloadlen=4, spi=1, seq=1, icv=b'0' * 12) / segment('scapy-ah')]
    for borrowed in ('10.1.0.5', '10.1.0.9', '10.1.0.200', '203.0.113.99'):
        yield [IP(src=borrowed, dst=to4, id=port & 0xffff) / segment('scapy-as-' + borrowed)]
    # Both sides at once (RFC 9293 3.5), as far as one side can.
    for _ in range(3):
        yield [four('scapy-simultaneous', sport=25)]
    yield [six('scapy-plain6')]
    yield [six('scapy-fast-open6', options=[(34, b'')])]
    yield [six('scapy-hop-by-hop', IPv6ExtHdrHopByHop(options=[PadN(optdata=b'\0' * 4)]))]
    yield [six('scapy-router-alert6', IPv6ExtHdrHopByHop(options=[RouterAlert(), PadN(optdata=b'')]))]
    yield [six('scapy-unknown-option', IPv6ExtHdrHopByHop(options=[HBHOptUnknown(otype=0x1e, optdata=b'1234')]))]
    yield [six('scapy-destination', IPv6ExtHdrDestOpt(options=[PadN(optdata=b'\0' * 4)]))]
    yield [six('scapy-home', IPv6ExtHdrDestOpt(options=[HAO(hoa='fd00:1::5')]))]
    yield [six('scapy-two', IPv6ExtHdrHopByHop(options=[PadN(optdata=b'\0' * 4)]),
               IPv6ExtHdrDestOpt(options=[PadN(optdata=b'\0' * 4)]))]
    yield [six('scapy-five', *[IPv6ExtHdrDestOpt(options=[PadN(optdata=b'\0' * 4)])] * 5)]
    yield [six('scapy-thirty', *[IPv6ExtHdrDestOpt(options=[PadN(optdata=b'\0' * 4)])] * 30)]
    for kind in (0, 2, 3, 4):
        yield [six(f'scapy-routing-{kind}', IPv6ExtHdrRouting(type=kind, addresses=[to6], segleft=0))]
        yield [six(f'scapy-routing-{kind}-left', IPv6ExtHdrRouting(type=kind, addresses=[to6], segleft=1))]
    yield [six('scapy-atomic', IPv6ExtHdrFragment(offset=0, m=0, id=port))]
    yield [six('scapy-jumbo', IPv6ExtHdrHopByHop(options=[Jumbo(jumboplen=70000)]))]
    yield [six('scapy-ah6', AH(nh=6, payloadlen=4, spi=1, seq=1, icv=b'0' * 12))]
    for size in (8, 16, 24, 40):
        whole = bytes(IPv6(bytes(six(f'scapy-cut6-{size}')))[TCP])
        parts = []
        for at in range(0, len(whole), size):
            more = int(at + size < len(whole))
            parts.append(IPv6(src=source6, dst=to6) / IPv6ExtHdrFragment(offset=at // 8, m=more, id=port, nh=6)
                         / Raw(whole[at:at + size]))
        yield parts
        yield parts[::-1]
    yield [IPv6(src=source6, dst=to6) / six('scapy-6-in-6')]
    yield [IPv6(src=source6, dst=to6) / four('scapy-4-in-6')]
    yield [IPv6(src=source6, dst=to6) / GRE() / four('scapy-gre6')]
    yield [IPv6(src='fd00:1::5', dst=to6) / segment('scapy-as-6')]
    # What is no SYN to port 25 passes.
    for flags in ('A', 'SA', 'F', 'R', 'FPU', ''):
        yield [four('scapy-other', flags=flags)]
        yield [six('scapy-other', flags=flags)]
    for dport in (24, 26, 465, 587, 2525):
        yield [four('scapy-port', dport=dport)]
        yield [six('scapy-port', dport=dport)]
    yield [IP(src=source4, dst=to4) / UDP(sport=999, dport=25) / Raw(b'x' * 40)]
    yield [IP(src=source4, dst=to4) / ICMP() / Raw(b'x' * 40)]
    yield [IPv6(src=source6, dst=to6) / UDP(sport=999, dport=25) / Raw(b'x' * 40)]
    yield [IPv6(src=source6, dst=to6) / ICMPv6EchoRequest(data=b'x' * 40)]


head = Ether(src=station, dst=router())
count = 0
for more in packets():
    for packet in more:
        wire.send(bytes(head / packet))
        count += 1
        time.sleep(0.001)
for tags in (Dot1Q(vlan=7), Dot1Q(vlan=0), Dot1AD(vlan=0) / Dot1Q(vlan=0), MPLS(label=16, s=1)):
    wire.send(bytes(head / tags / four('scapy-tagged')))
    count += 1
for _ in range(5):
    for packet in (four('control-end', dport=587), six('control-end6', dport=587)):
        wire.send(bytes(head / packet))
    time.sleep(0.05)
print('sent', count)
