"""Prints the mark of every IP packet that comes to a host: `4:` and its identification, or `6:` and
its flow label."""
import socket

wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
wire.bind(('eth0', 0))
wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
station = wire.getsockname()[4]
print('ready', flush=True)
while True:
    frame = wire.recv(70000)
    if frame[6:12] == station:
        continue
    if frame[12:14] == b'\x08\0':
        print(f'4:{frame[18] << 8 | frame[19]}', flush=True)
    elif frame[12:14] == b'\x86\xdd':
        print(f'6:{frame[16] << 8 | frame[17]}', flush=True)
