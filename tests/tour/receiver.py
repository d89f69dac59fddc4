"""A receiver of its own process, to be killed: webhooks (signatures checked by a library that is not ours) and mails.

Every message is on disk before it is acknowledged, as a receiver's should be: `python -m tests.tour.receiver FOLDER`.
"""

import email
import email.policy
import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from aiosmtpd.controller import Controller
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

SECRET: Final = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - of the tour


def append(file: Path, row: dict[str, Any]) -> None:
    """Add one line, and return when it is on disk."""
    with file.open("ab") as out:
        out.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
        out.flush()
        os.fsync(out.fileno())


class Mails:
    """Takes mails and keeps them."""

    def __init__(self, file: Path) -> None:
        """Keep them in this file."""
        self.file = file

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        """Take one mail."""
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        body = mail.get_body(("plain",))
        text = "" if body is None else body.get_content()
        append(self.file, {"to": envelope.rcpt_tos, "subject": str(mail["Subject"]), "text": text})
        return "250 OK"


def handler_of(file: Path) -> type[BaseHTTPRequestHandler]:
    """Return what answers webhooks: 401 where the signature is wrong, else 204 once the message is kept."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            try:
                Webhook(SECRET).verify(body, {k.lower(): v for k, v in self.headers.items()})
            except WebhookVerificationError:
                self.send_response(401)
            else:
                append(file, {"id": self.headers["webhook-id"], "data": json.loads(body)["data"]})
                self.send_response(204)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Say nothing."""

    return Handler


def main(folder: Path, http: int, smtp: int) -> None:
    """Receive until killed."""
    Controller(Mails(folder / "mails.jsonl"), hostname="127.0.0.1", port=smtp).start()
    ThreadingHTTPServer(("127.0.0.1", http), handler_of(folder / "messages.jsonl")).serve_forever()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
