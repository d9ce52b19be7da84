"""Sends SYNs by raw socket when a line comes: burst.py SOURCE TO, behind packets.py; ten to port 587,
then 30,000 to port 25, or counts those that come: burst.py count, a line for each line."""
import select

if sys.argv[1] == 'count':
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    wire.bind(('eth0', 0))
    # None is to be lost here (SO_RCVBUFFORCE).
    wire.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)
    wire.setblocking(False)
    came = {25: 0, 587: 0}
    print('counting', flush=True)
    while True:
        ready = select.select([wire, sys.stdin], [], [])[0]
        while wire in ready:
            try:
                frame = wire.recv(70000)
            except BlockingIOError:
                break
            tcp_at = 14 + (frame[14] & 15) * 4
            port = int.from_bytes(frame[tcp_at + 2:tcp_at + 4], 'big')
            if frame[12:14] == b'\x08\0' and frame[23] == 6 and frame[tcp_at + 13] & 0x12 == 2:
                came[port] = came.get(port, 0) + 1
        if sys.stdin in ready and wire not in ready:
            if not sys.stdin.readline():
                break
            print(came[25], came[587], flush=True)
else:
    source, to = sys.argv[1:]
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    for dport in (587, 25):
        raw.sendto(ip4(tcp('first', source, to, dport=dport), source, to), (to, 0))
    packets = [ip4(tcp('burst', source, to, dport=dport, sport=2000), source, to) for dport in (587, 25)]
    print('sending', flush=True)
    sys.stdin.readline()
    for packet, count in zip(packets, (10, 30000)):
        for number in range(count):
            try:
                raw.sendto(packet, (to, 0))
            except OSError:
                pass
            if number % 50 == 0:
                # As fast as the links' own queues take them.
                time.sleep(0.001)
    print('sent', flush=True)
