#!/usr/bin/python3
"""A mail server for the suite: aiosmtpd, which takes mail only after STARTTLS and from one who knows the password.

    smtp.py PORT CERTIFICATE KEY FOLDER    serves on 127.0.0.1:PORT until it is killed; each mail becomes FOLDER/N.eml

The user is `amethyst`, the password `open sesame`.
"""

import os
import ssl
import sys
import time

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult


class Folder:
    def __init__(self, folder):
        self.folder, self.count = folder, 0

    async def handle_DATA(self, server, session, envelope):
        self.count += 1
        beside = os.path.join(self.folder, f"{self.count}.part")
        with open(beside, "wb") as file:
            file.write(("To: " + ",".join(envelope.rcpt_tos) + "\r\n").encode() + envelope.content)
        os.rename(beside, os.path.join(self.folder, f"{self.count}.eml"))
        return "250 OK"


def judge(server, session, envelope, mechanism, data):
    good = data.login == b"amethyst" and data.password == b"open sesame"
    return AuthResult(success=good, handled=good)


port, certificate, key, folder = sys.argv[1:5]
tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain(certificate, key)
controller = Controller(
    Folder(folder), hostname="127.0.0.1", port=int(port), tls_context=tls, require_starttls=True,
    authenticator=judge, auth_required=True,
)
controller.start()
print("ready", flush=True)
while True:
    time.sleep(3600)
