"""E-mails that Consign sends, as a mail server gets them: encrypted in either way, with a login, and where it is down."""

import asyncio
import email
import email.policy
import json
import os
import shutil
import ssl
import subprocess
import tempfile
import threading
import unittest

import trustme
from aiosmtpd.smtp import SMTP, AuthResult

PASSWORD = "correct horse"

WORKSPACE = """
workspace:
  notifications:
    - id: ops
      on: [{on}]
      email:
        host: localhost
        port: {port}
        {options}
        from: Consign <consign@example.com>
        to: [ops@example.com, "Grace <grace@example.com>"]
sources:
  - id: files
    connection: {{ files: {{ url: data }} }}
    tables: [{{ name: Merged_Customers }}]
segments:
  - {{ id: all, name: All, customers: {{ sql: SELECT customer_id FROM Merged_Customers }} }}
destinations:
  - {{ id: folder, name: Folder, kind: local_files, settings: {{ folder: out }} }}
campaigns:
  - id: letter
    name: Letter
    include: [all]
    remaining: [{{ name: Everybody, percent: 100, destinations: [folder] }}]
    destinations:
      folder: {{ attributes: [{{ attribute: id, column: Merged_Customers.customer_id }}] }}
"""


class Kept:
    """What a mail server does: it keeps each message."""

    def __init__(self):
        self.messages = []

    async def handle_DATA(self, server, session, envelope):
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        encrypted = server.transport.get_extra_info("sslcontext") is not None
        self.messages.append((envelope.rcpt_tos, encrypted, message))
        return "250 kept"


class Server:
    """A mail server on a thread of its own."""

    def __init__(self, handler, context=None, **options):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        began = self.loop.create_server(lambda: SMTP(handler, loop=self.loop, **options), "127.0.0.1", 0, ssl=context)
        self.server = asyncio.run_coroutine_threadsafe(began, self.loop).result()
        self.port = self.server.sockets[0].getsockname()[1]

    def stop(self):
        self.loop.call_soon_threadsafe(self.server.close)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


class Mail(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="consign-mail.")
        self.addCleanup(shutil.rmtree, self.folder)
        self.kept = Kept()
        authority = trustme.CA()
        authority.cert_pem.write_to_path(os.path.join(self.folder, "authority.pem"))
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(self.context)
        os.makedirs(os.path.join(self.folder, "definitions", "data"))
        os.makedirs(os.path.join(self.folder, "definitions", "out"))
        with open(os.path.join(self.folder, "definitions", "data", "Merged_Customers.csv"), "w", encoding="utf-8") as file:
            file.write("customer_id,email\n00001,ada@example.com\n00002,eve@example.com\n")

    def serve(self, context=None, **options):
        """A mail server, encrypted from the first byte on with a context; the port that it is at."""
        server = Server(self.kept, context, **options)
        self.addCleanup(server.stop)
        return server.port

    def apply(self, port, options, on="succeeded, failed"):
        text = WORKSPACE.format(port=port, options=options, on=on)
        with open(os.path.join(self.folder, "definitions", "workspace.yaml"), "w", encoding="utf-8") as file:
            file.write(text)
        return self.consign("apply", os.path.join(self.folder, "definitions"))

    def consign(self, *words):
        """What a command ended with, and what it said."""
        environment = {"SMTP": PASSWORD, "SSL_CERT_FILE": os.path.join(self.folder, "authority.pem"), "USER": "ada"}
        command = [os.environ["CONSIGN"], *words, "--data", os.path.join(self.folder, "data")]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        return done.returncode, done.stdout, done.stderr

    def test_a_run_is_told_of_once_encrypted_by_starttls_and_to_all(self):
        port = self.serve(tls_context=self.context, require_starttls=True)
        self.assertEqual(self.apply(port, "tls: starttls")[0], 0)
        code, out, error = self.consign("run", "letter", "--json")
        self.assertEqual((code, error), (0, ""))
        run = json.loads(out)["run"]
        [(to, encrypted, message)] = self.kept.messages
        self.assertEqual((to, encrypted), (["ops@example.com", "grace@example.com"], True))
        self.assertEqual(message["from"], "Consign <consign@example.com>")
        self.assertEqual(message["subject"], "Consign: campaign `letter` succeeded")
        text = message.get_content()
        for said in [f"What to do: nothing: `consign status {run}` shows the run", "Customers: 2", "delivered, 2 rows"]:
            self.assertIn(said, text)
        self.assertNotIn("ada@", message.as_string())
        self.assertEqual(self.consign("status")[0], 0)
        self.assertEqual(len(self.kept.messages), 1)

    def test_a_server_that_does_not_encrypt_is_told_nothing(self):
        self.apply(self.serve(), "tls: starttls")
        code, out, error = self.consign("notifications", "test")
        self.assertEqual(code, 1)
        self.assertIn("does not offer what the definitions ask for: check `tls`", out)
        self.assertEqual(self.kept.messages, [])

    def test_a_certificate_of_somebody_else_is_not_trusted(self):
        stranger = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        trustme.CA().issue_cert("localhost").configure_cert(stranger)
        self.apply(self.serve(stranger), "tls: implicit")
        code, out, error = self.consign("notifications", "test")
        self.assertEqual((code, self.kept.messages), (1, []))
        self.assertIn("has no certificate that can be trusted", out)

    def test_a_login_is_made_encrypted_and_a_wrong_password_is_said(self):
        def authenticate(server, session, envelope, mechanism, login):
            known = (login.login, login.password) == (b"consign", PASSWORD.encode())
            return AuthResult(success=known, handled=False)

        # It does not see that a connection is encrypted from its first byte on.
        port = self.serve(self.context, authenticator=authenticate, auth_required=True, auth_require_tls=False)
        self.apply(port, "tls: implicit\n        login: { user: consign, password: 'env:SMTP' }")
        code, out, error = self.consign("notifications", "test")
        self.assertEqual((code, out), (0, "  ok    ops\n"), error)
        [(_, encrypted, message)] = self.kept.messages
        self.assertEqual((encrypted, message["subject"]), (True, "Consign: a test of Consign's notifications"))
        self.apply(port, "tls: implicit\n        login: { user: ada, password: 'env:SMTP' }")
        code, out, error = self.consign("notifications", "test")
        self.assertEqual(code, 1)
        self.assertIn("answered with 535: check `user` and `password`", out)
        self.assertNotIn(PASSWORD, out + error)

    def test_a_server_that_stops_to_answer_is_not_waited_for(self):
        async def say_nothing(server, session, envelope, address, options):
            await asyncio.sleep(600)

        self.kept.handle_MAIL = say_nothing
        self.apply(self.serve(), "tls: none")
        code, out, error = self.consign("notifications", "test")
        self.assertEqual(code, 1)
        self.assertIn("does not answer", out)

    def test_a_run_ends_as_it_did_where_the_mail_server_is_down(self):
        server = Server(self.kept)
        server.stop()
        self.assertEqual(self.apply(server.port, "tls: none")[0], 0)
        code, out, error = self.consign("run", "letter")
        self.assertEqual(code, 0, error)
        self.assertIn(f"`ops` could not be notified: the mail server `localhost:{server.port}` cannot be reached", error)

    def test_nothing_goes_unencrypted_to_another_machine(self):
        self.apply(25, "tls: none")
        path = os.path.join(self.folder, "definitions", "workspace.yaml")
        with open(path, encoding="utf-8") as file:
            text = file.read().replace("host: localhost", "host: mail.example.com")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        code, out, error = self.consign("apply", os.path.join(self.folder, "definitions"))
        self.assertEqual(code, 3)
        self.assertIn("nothing goes unencrypted", out + error)


if __name__ == "__main__":
    unittest.main()
