"""What the connections of `diagnose --probe` need, and what is seen of them.

    serve          greets on the ports 25, 465, 587 and 443 of both families
    watch SECONDS  prints what this machine sends to these ports: `SYN 25 40001`, `bytes 25 3`
"""
import socket
import sys
import threading
import time

PORTS = (25, 465, 587, 443)


def greet(server):
    while True:
        connection, _ = server.accept()
        try:
            connection.sendall(b'220 mx.example ESMTP\r\n')
            # It ends with the other side.
            while connection.recv(4096):
                pass
        except OSError:
            pass
        connection.close()


def serve():
    for port in PORTS:
        server = socket.create_server(('', port), family=socket.AF_INET6, dualstack_ipv6=True)
        threading.Thread(target=greet, args=(server,), daemon=True).start()
    print('ready', flush=True)
    time.sleep(3600)


def segment(frame):
    """Source port, destination port, flags and length of what a TCP segment carries."""
    if frame[12:14] == b'\x08\0' and frame[23] == 6:
        at = 14 + (frame[14] & 15) * 4
        end = 14 + int.from_bytes(frame[16:18], 'big')
    elif frame[12:14] == b'\x86\xdd' and frame[20] == 6:
        at = 54
        end = 54 + int.from_bytes(frame[18:20], 'big')
    else:
        return None
    ports = int.from_bytes(frame[at:at + 2], 'big'), int.from_bytes(frame[at + 2:at + 4], 'big')
    return *ports, frame[at + 13], end - at - (frame[at + 12] >> 4) * 4


def watch(seconds):
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    wire.settimeout(0.2)
    print('ready', flush=True)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            frame, (_, _, kind, *_) = wire.recvfrom(70000)
        except TimeoutError:
            continue
        found = segment(frame) if kind == socket.PACKET_OUTGOING else None
        if found and found[1] in PORTS:
            source, to, flags, length = found
            if flags & 0x12 == 2:
                print('SYN', to, source, flush=True)
            if length:
                print('bytes', to, length, flush=True)


if sys.argv[1] == 'serve':
    serve()
watch(float(sys.argv[2]))
