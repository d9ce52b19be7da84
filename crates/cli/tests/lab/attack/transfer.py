"""A large transfer both ways over one connection, whole or not: transfer.py serve PORT, or
transfer.py send TO PORT BYTES, which prints `whole` when what either side has got is what the other one sent.
"""
import hashlib
import socket
import sys


def pattern(size):
    """Bytes that are nowhere the same."""
    block = b''.join(hashlib.sha256(b'%d' % number).digest() for number in range(2048))
    for number in range(0, size, len(block)):
        yield (b'%016d' % number + block[16:])[:size - number]


def take(connection, size):
    found = hashlib.sha256()
    while size:
        data = connection.recv(min(size, 1 << 16))
        if not data:
            sys.exit('the connection ended early')
        found.update(data)
        size -= len(data)
    return found.digest()


def give(connection, size):
    sent = hashlib.sha256()
    for block in pattern(size):
        connection.sendall(block)
        sent.update(block)
    return sent.digest()


if sys.argv[1] == 'serve':
    server = socket.create_server(('::', int(sys.argv[2])), family=socket.AF_INET6, dualstack_ipv6=True)
    print('ready', flush=True)
    while True:
        connection, _ = server.accept()
        with connection:
            size = int.from_bytes(connection.recv(8, socket.MSG_WAITALL), 'big')
            connection.sendall(take(connection, size))
            connection.sendall(give(connection, size))
else:
    to, port, size = sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    with socket.create_connection((to, port), 30) as connection:
        connection.settimeout(120)
        connection.sendall(size.to_bytes(8, 'big'))
        sent = give(connection, size)
        if connection.recv(32, socket.MSG_WAITALL) != sent:
            sys.exit('what was sent did not arrive whole')
        came = take(connection, size)
        if connection.recv(32, socket.MSG_WAITALL) != came:
            sys.exit('what came back is not whole')
    print('whole')
