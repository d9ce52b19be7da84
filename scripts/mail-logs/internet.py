"""The Internet of the mail logs: a name server and, where a kind has them, mail servers.

    internet.py READY [HOW:ADDRESS:PORT...]

HOW is what becomes of a session: `takes` (mail is taken), `rejects` (the recipient is refused),
`loses` (the connection ends after the greeting), `garbles` (STARTTLS is offered, and fails).
The file READY is written when all of it listens.
"""

import contextlib
import socket
import struct
import sys
import threading
from pathlib import Path

A, MX, AAAA = 1, 15, 28
NO_ERROR, SERVER_FAILURE, NO_SUCH_NAME = 0, 2, 3
ADDRESSES = {
    "mx.one.example": (A, "203.0.113.25"),
    "mx.two.example": (A, "198.51.100.25"),
    "mx.three.example": (A, "203.0.113.26"),
    "mx.six.example": (AAAA, "2001:db8::25"),
    "mx.sixteen.example": (AAAA, "2001:db8:1::25"),
    "relay.example": (A, "192.0.2.187"),
}
UNSURE = "unsure.example"


def encoded(name):
    labels = (bytes([len(label)]) + label.encode() for label in name.split("."))
    return b"".join(labels) + b"\0"


def answer(question):
    """One question, one answer; a name of `unsure.example` fails, one that is not there is denied."""
    at, labels = 12, []
    while question[at]:
        labels.append(question[at + 1 : at + 1 + question[at]].decode().lower())
        at += 1 + question[at]
    asked = struct.unpack("!H", question[at + 1 : at + 3])[0]
    name, records = ".".join(labels), b""
    known = name in ADDRESSES or f"mx.{name}" in ADDRESSES
    if asked == MX and f"mx.{name}" in ADDRESSES:
        data = struct.pack("!H", 10) + encoded(f"mx.{name}")
        records = b"\xc0\x0c" + struct.pack("!HHIH", MX, 1, 60, len(data)) + data
    elif name in ADDRESSES and ADDRESSES[name][0] == asked:
        family = socket.AF_INET if asked == A else socket.AF_INET6
        data = socket.inet_pton(family, ADDRESSES[name][1])
        records = b"\xc0\x0c" + struct.pack("!HHIH", asked, 1, 60, len(data)) + data
    unsure = name == UNSURE or name.endswith(f".{UNSURE}")
    code = SERVER_FAILURE if unsure else NO_ERROR if known else NO_SUCH_NAME
    head = question[:2] + struct.pack("!HHHHH", 0x8580 | code, 1, 1 if records else 0, 0, 0)
    return head + question[12 : at + 5] + records


def names(server):
    while True:
        question, sender = server.recvfrom(512)
        server.sendto(answer(question), sender)


def session(connection, how):
    with connection, connection.makefile("rb") as lines:
        def say(text):
            connection.sendall(text.encode() + b"\r\n")

        say("220 mx.example ESMTP")
        if how == "loses":
            return
        body = False
        for line in lines:
            verb = line.strip().upper()
            if body:
                if verb == b".":
                    body = False
                    say("250 2.0.0 taken")
            elif verb.startswith(b"EHLO"):
                say("250-mx.example\r\n250 STARTTLS" if how == "garbles" else "250 mx.example")
            elif verb == b"STARTTLS":
                say("220 2.0.0 go ahead")
                say("this is no handshake")
                # Who sees it ends the connection.
                with contextlib.suppress(ConnectionError):
                    while connection.recv(65536):
                        pass
                return
            elif verb.startswith(b"RCPT") and how == "rejects":
                say("550 5.7.1 not from your address")
            elif verb == b"DATA":
                body = True
                say("354 go on")
            elif verb == b"QUIT":
                say("221 2.0.0 bye")
                return
            else:
                say("250 2.0.0 fine")


def serve(server, how):
    while True:
        connection, _ = server.accept()
        threading.Thread(target=session, args=(connection, how), daemon=True).start()


def main():
    resolver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    resolver.bind(("192.0.2.53", 53))
    for listener in sys.argv[2:]:
        how, address, port = listener.split(":")
        server = socket.create_server((address, int(port)))
        threading.Thread(target=serve, args=(server, how), daemon=True).start()
    Path(sys.argv[1]).touch()
    names(resolver)


main()
