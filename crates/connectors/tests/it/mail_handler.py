"""What the mail server of the tests says: to a recipient later, never, or yes; and who it takes mail from.

With MAIL_PASSWORD in the environment only `duty` with that password may send, and only over TLS.
"""
import asyncio.sslproto
import base64
import os

from aiosmtpd.handlers import Mailbox
from aiosmtpd.smtp import AuthResult

PASSWORD = os.environ.get("MAIL_PASSWORD")


class Ready(asyncio.sslproto.SSLProtocol):
    """Has its transport from the first, as aiosmtpd before 1.4.4 expects of every version of Python."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if getattr(self, "_app_transport", None) is None and hasattr(self, "_get_app_transport"):
            self._get_app_transport()


asyncio.sslproto.SSLProtocol = Ready


class Handler(Mailbox):
    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        session.host_name = hostname
        # With TLS from the first byte aiosmtpd does not know of it, and would offer no AUTH.
        if PASSWORD and server.transport.get_extra_info("sslcontext") and server._auth_require_tls:
            server._auth_require_tls = False
            if not any("AUTH" in line for line in responses):
                responses.insert(1, "250-AUTH PLAIN")
        return responses

    async def auth_PLAIN(self, server, args):
        said = base64.b64decode(args[1]) if len(args) == 2 else b""
        return AuthResult(success=PASSWORD is not None and said == f"\0duty\0{PASSWORD}".encode(), handled=False)

    async def handle_MAIL(self, server, session, envelope, address, options):
        if PASSWORD and not (session.authenticated and server.transport.get_extra_info("sslcontext")):
            return "530 5.7.0 Authentication required"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 ok"

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("later"):
            return "451 4.2.0 try again later"
        if address.startswith("never"):
            return "550 5.1.1 no such person"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 ok"
