"""Sends attacks on a filter of port 25 by raw socket; each delivers its own name if it gets through.

sender.py SOURCE4 SOURCE6 TO4 TO6 [BORROWED ...]: a SYN that carries data, to listeners that take it
(RFC 7413 without a cookie), in every disguise; then the same with borrowed addresses. What begins with
`control` goes to port 587 and has to arrive.
"""

source4, source6, to4, to6, *borrowed = sys.argv[1:]
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
wire.bind(('eth0', 0))
station = wire.getsockname()[4]


def router():
    for _ in range(50):
        for line in open('/proc/net/arp').read().splitlines()[1:]:
            mac = line.split()[3]
            if line.split()[5] == 'eth0' and mac != '00:00:00:00:00:00':
                return bytes.fromhex(mac.replace(':', ''))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ask:
            ask.sendto(b'?', (to4, 9))
        time.sleep(0.05)
    sys.exit('no router answers')


station_of_router = router()


def send(packet, before=b'', kind=None):
    kind = kind or (b'\x86\xdd' if packet[0] >> 4 == 6 else b'\x08\0')
    wire.send(station_of_router + station + before + kind + packet)
    time.sleep(0.002)


count = 0
for version, attacks, a, b in [(4, attacks4, source4, to4), (6, attacks6, source6, to6)]:
    for name, packets in attacks(a, b, ''):
        count += 1
        for packet in packets:
            send(packet)
for name, before in [('tagged', '81000007'), ('priority-tag', '81000000'), ('two-tags', '88a8000081000000')]:
    count += 1
    send(ip4(tcp(name, source4, to4), source4, to4), bytes.fromhex(before))
name = 'snap'
packet = ip4(tcp(name, source4, to4), source4, to4)
count += 1
wire.send(station_of_router + station + struct.pack('!H', len(packet) + 8)
          + bytes.fromhex('aaaa030000000800') + packet)
for address in borrowed:
    # Only what a listener would answer from its own.
    attacks, to = (attacks6, to6) if ':' in address else (attacks4, to4)
    for name, packets in attacks(address, to, f'as-{address}-'):
        if name in ('plain', 'plain6', 'fast-open', 'cut-8', 'cut-24', 'cut6-24', 'destination'):
            count += 1
            for packet in packets:
                send(packet)
for name in ('control', 'control-end'):
    send(ip4(tcp(name, source4, to4, dport=587), source4, to4))
    send(ip6(tcp(name + '6', source6, to6, dport=587), source6, to6))
print('sent', count)
