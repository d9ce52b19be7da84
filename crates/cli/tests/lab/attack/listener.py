"""Takes connections on ports 25 and 587, with data in the SYN, and prints what they deliver."""
import socket
import sys
import threading

# Data in a SYN is taken without a cookie, by every listener (ip-sysctl: tcp_fastopen).
open('/proc/sys/net/ipv4/tcp_fastopen', 'w').write('1539')


def take(connection, port):
    connection.settimeout(1)
    try:
        data = connection.recv(2000).decode(errors='replace')
    except OSError:
        return
    for name in data.split(';'):
        if name.strip(' \0'):
            # Lines of two threads must not mix: one that does hides what was delivered.
            with saying:
                print(port, name.strip(' \0'), flush=True)


def serve(port):
    server = socket.create_server(('::', port), family=socket.AF_INET6, dualstack_ipv6=True,
                                  backlog=2000)
    ready.append(port)
    if len(ready) == 2:
        print('ready', flush=True)
    while True:
        connection, _ = server.accept()
        threading.Thread(target=take, args=(connection, port), daemon=True).start()


ready = []
saying = threading.Lock()
for port in (25, 587):
    threading.Thread(target=serve, args=(port,), daemon=True).start()
sys.stdin.read()
