"""Sends what a router behind the edge cannot hand on: router_errors.py TO4 TO6 PORT. Prints for each address family the
error for one hop too few, and how large a packet may be after a large transfer to a server that is behind a
narrower link.
"""
import select
import socket
import struct
import sys

IP_RECVERR, IP_MTU, IPV6_RECVERR, IPV6_MTU, IPV6_UNICAST_HOPS = 11, 14, 25, 24, 16
to4, to6, port = sys.argv[1:]
families = [(socket.AF_INET, socket.IPPROTO_IP, socket.IP_TTL, IP_RECVERR, IP_MTU, to4),
            (socket.AF_INET6, socket.IPPROTO_IPV6, IPV6_UNICAST_HOPS, IPV6_RECVERR, IPV6_MTU, to6)]
for family, level, hops, errors, mtu, to in families:
    with socket.socket(family, socket.SOCK_DGRAM) as asks:
        # The network's router, its edge, and the Internet.
        asks.setsockopt(level, hops, 3)
        asks.setsockopt(level, errors, 1)
        asks.sendto(b'?', (to, 33434))
        waits = select.poll()
        waits.register(asks, select.POLLERR)
        said = 'no error'
        if waits.poll(10000):
            _, extra, _, _ = asks.recvmsg(100, 500, socket.MSG_ERRQUEUE)
            _, _, kind, code = struct.unpack('IBBB', extra[0][2][:7])
            said = f'{kind}-{code}'
    with socket.create_connection((to, int(port)), 10) as connection:
        connection.settimeout(20)
        try:
            connection.sendall(b'x' * 200000)
            connection.shutdown(socket.SHUT_WR)
            connection.recv(1)
            size = connection.getsockopt(level, mtu)
        except OSError as error:
            size = error
    print(said, size)
