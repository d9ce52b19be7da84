"""Captures what comes and goes at `eth0`, until its input ends: capture.py FOLDER SIDE writes SIDE-in.pcap and
SIDE-out.pcap. Needs no program and no privileges but those of the node; says so if it missed anything.
"""
import select
import socket
import struct
import sys

SOL_PACKET, AUXDATA, STATISTICS, OUTGOING, VLAN_VALID, TPID_VALID = 263, 8, 6, 4, 0x10, 0x40
folder, side = sys.argv[1:]
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)
wire.setsockopt(SOL_PACKET, AUXDATA, 1)
wire.bind(('eth0', 0))
files = {way: open(f'{folder}/{side}-{way}.pcap', 'wb') for way in ('in', 'out')}
for file in files.values():
    file.write(struct.pack('<IHHiIII', 0xa1b2c3d4, 2, 4, 0, 0, 262144, 1))
print('capturing', flush=True)
ended = False
while True:
    ready = select.select([wire] if ended else [wire, sys.stdin], [], [], 0.3 if ended else None)[0]
    if wire in ready:
        frame, extra, _, address = wire.recvmsg(1 << 18, 100)
        for level, kind, data in extra:
            if level == SOL_PACKET and kind == AUXDATA:
                status, _, _, _, _, tag, tpid = struct.unpack('=IIIHHHH', data[:20])
                if status & VLAN_VALID:
                    # The kernel has taken it out of the frame.
                    tpid = tpid if status & TPID_VALID else 0x8100
                    frame = frame[:12] + struct.pack('!HH', tpid, tag) + frame[12:]
        file = files['out' if address[2] == OUTGOING else 'in']
        file.write(struct.pack('<IIII', 0, 0, len(frame), len(frame)) + frame)
    elif ended:
        break
    ended = ended or sys.stdin in ready
_, missed = struct.unpack('II', wire.getsockopt(SOL_PACKET, STATISTICS, 8))
for file in files.values():
    file.close()
if missed:
    sys.exit(f'{missed} packets were missed')
print(0)
