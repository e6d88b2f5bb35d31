"""What the mail server of the tests says to a recipient: later, never, or yes."""
from aiosmtpd.handlers import Mailbox


class Handler(Mailbox):
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("later"):
            return "451 4.2.0 try again later"
        if address.startswith("never"):
            return "550 5.1.1 no such person"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 ok"
