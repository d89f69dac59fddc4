"""Certificates of every wrong kind, by an authority of the test's own."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

HOST = "127.0.0.1"
PASSWORD = "s3cret-of-a-test"  # noqa: S105


def pem(leaf: trustme.LeafCert, path: Path, password: str | None = None) -> None:
    """Write a certificate with its chain (.crt), its key (.key, PKCS #8 as Kafka wants it), and both (.pem)."""
    chain = b"".join(blob.bytes() for blob in leaf.cert_chain_pems)
    hidden = NoEncryption() if password is None else BestAvailableEncryption(password.encode())
    key = load_pem_private_key(leaf.private_key_pem.bytes(), None)
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, hidden)
    path.with_suffix(".crt").write_bytes(chain)
    path.with_suffix(".key").write_bytes(secret)
    path.with_suffix(".pem").write_bytes(secret + chain)


def issue(folder: Path) -> None:
    """Write an authority, another one, and what they have signed for servers and for clients.

    Servers are `good`, `foreign` (of another host) and `expired`; clients are `client`, `locked` (its key has a
    password, which stands in `password`) and `stranger` (of the other authority).
    """
    ca, other = trustme.CA(), trustme.CA()
    ca.cert_pem.write_to_path(str(folder / "ca.pem"))
    other.cert_pem.write_to_path(str(folder / "other-ca.pem"))
    (folder / "garbage.pem").write_text("no certificate\n")
    (folder / "password").write_text(PASSWORD)
    past = datetime.now(UTC) - timedelta(days=1)
    pem(ca.issue_cert(HOST), folder / "good")
    pem(ca.issue_cert("kafka.example.vn"), folder / "foreign")
    pem(ca.issue_cert(HOST, not_before=past - timedelta(days=9), not_after=past), folder / "expired")
    pem(ca.issue_cert("client@example.vn"), folder / "client")
    pem(ca.issue_cert("client@example.vn"), folder / "locked", PASSWORD)
    pem(other.issue_cert("client@example.vn"), folder / "stranger")
