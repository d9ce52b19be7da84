"""Sends a mail by Python's smtplib; what fails is a traceback, as an application's log has it.

    send_smtplib.py HOST PORT RECIPIENT [debug] [starttls] [SECONDS]
"""

import smtplib
import sys
from email.message import EmailMessage

host, port, recipient, *options = sys.argv[1:]
limit = {"timeout": float(option) for option in options if option.isdigit()}
mail = EmailMessage()
mail["From"], mail["To"], mail["Subject"] = "app@vm.example", recipient, "a report"
mail.set_content("Nothing to report.")
smtplib.SMTP.debuglevel = int("debug" in options)
server = smtplib.SMTP(host, int(port), **limit)
with server:
    if "starttls" in options:
        server.starttls()
    server.send_message(mail)
