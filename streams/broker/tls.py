"""TLS of our clients: contexts from files, and what a failed handshake means, in words that name the setting."""

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal, NamedTuple

from streams.errors import BadInput
from streams.files.tables import read_text
from streams.settings import Settings


class Files(NamedTuple):
    """Whom we trust, and who we are; None: the system's authorities, and nobody."""

    ca: Path | None
    cert: Path | None
    key: Path | None
    key_password: Path | None
    prefix: str
    """of the settings that name them, `LOTRINH_KAFKA`"""


def kafka_files(settings: Settings) -> Files:
    """Return the files of the connection to Kafka."""
    return Files(
        settings.kafka_ca_file,
        settings.kafka_cert_file,
        settings.kafka_key_file,
        settings.kafka_key_password_file,
        "LOTRINH_KAFKA",
    )


def redis_files(settings: Settings) -> Files:
    """Return the files of the connection to Redis."""
    return Files(
        settings.redis_ca_file,
        settings.redis_cert_file,
        settings.redis_key_file,
        settings.redis_key_password_file,
        "LOTRINH_REDIS",
    )


def context_of(files: Files) -> ssl.SSLContext:
    """Return a context that checks certificate and host name. Raises BadInput where a file is not what it has to be."""
    if files.ca is not None:
        _text_of(files.ca, f"{files.prefix}_CA_FILE")
    try:
        context = ssl.create_default_context(cafile=None if files.ca is None else str(files.ca))
    except ssl.SSLError as exc:
        raise BadInput(f"{files.prefix}_CA_FILE: {files.ca} holds no certificate in PEM form") from exc
    if files.cert is None and files.key is None:
        return context
    if files.cert is None or files.key is None:
        lacking = "CERT" if files.cert is None else "KEY"
        raise BadInput(f"certificate and key go together: set {files.prefix}_{lacking}_FILE too")
    _text_of(files.cert, f"{files.prefix}_CERT_FILE")
    key = _text_of(files.key, f"{files.prefix}_KEY_FILE")
    password = None if files.key_password is None else read_text(files.key_password).strip()
    if password is None and "ENCRYPTED" in key:
        raise BadInput(f"the key {files.key} is encrypted: set {files.prefix}_KEY_PASSWORD_FILE")
    try:
        context.load_cert_chain(files.cert, files.key, password or "")
    except ssl.SSLError as exc:
        raise BadInput(_of_our_certificate(exc, files)) from exc
    return context


def _text_of(path: Path, setting: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as exc:
        raise BadInput(f"{setting}: {path} is no text: PEM is wanted, not DER") from exc
    except OSError as exc:
        raise BadInput(f"{setting}: {path} cannot be read ({exc.strerror})") from exc


def _of_our_certificate(exc: ssl.SSLError, files: Files) -> str:
    if exc.reason == "KEY_VALUES_MISMATCH":
        return f"the key {files.key} is not that of the certificate {files.cert}"
    if exc.reason in ("BAD_DECRYPT", "BAD_PASSWORD_READ", "MAYBE_WRONG_PASSWORD") or files.key_password is not None:
        return f"the password in {files.key_password} does not open the key {files.key}"
    return f"{files.cert} or {files.key} is no certificate or key in PEM form ({exc.reason or 'unreadable'})"


NO_TLS: Final = "speaks no TLS on this port"
CertificateFault = Literal["expired", "not-yet", "other-host", "self-signed", "unknown-authority"]
_FAULTS: Final[Mapping[int, CertificateFault]] = {
    2: "unknown-authority",
    9: "not-yet",
    10: "expired",
    18: "self-signed",
    19: "unknown-authority",
    20: "unknown-authority",
    21: "unknown-authority",
    62: "other-host",
    64: "other-host",
}
"""OpenSSL's verification code → what is wrong with a certificate"""
_UNTRUSTED: Final = "has a certificate that none of the authorities we trust has signed: see {prefix}_CA_FILE"
_THEIRS: Final[Mapping[CertificateFault, str]] = {
    "expired": "has a certificate that has expired: renew it there",
    "not-yet": "has a certificate that is not valid yet: look at the clocks",
    "other-host": "has a certificate of another host: ask for it by the name in its certificate",
    "self-signed": _UNTRUSTED,
    "unknown-authority": _UNTRUSTED,
}
_ALERTS: Final[Mapping[str, str]] = {
    "CERTIFICATE_REQUIRED": "asks for a certificate of ours: set {prefix}_CERT_FILE and {prefix}_KEY_FILE",
    "HANDSHAKE_FAILURE": "refused the handshake; it may ask for a certificate of ours ({prefix}_CERT_FILE)",
    "UNKNOWN_CA": "does not trust the authority that signed our certificate ({prefix}_CERT_FILE)",
    "BAD_CERTIFICATE": "refused our certificate ({prefix}_CERT_FILE)",
    "CERTIFICATE_UNKNOWN": "refused our certificate ({prefix}_CERT_FILE)",
    "UNSUPPORTED_CERTIFICATE": "refused our certificate as one of another kind ({prefix}_CERT_FILE)",
    "CERTIFICATE_EXPIRED": "refused our certificate, which has expired ({prefix}_CERT_FILE)",
    "CERTIFICATE_REVOKED": "refused our certificate, which is revoked ({prefix}_CERT_FILE)",
    "PROTOCOL_VERSION": "speaks no version of TLS that we accept (1.2 and later)",
}
"""by what the other side's alert is about"""


def meaning(exc: BaseException, prefix: str) -> str | None:
    """Return what a failed handshake means, as a clause whose subject is the server; None where it is no matter of TLS.

    Exceptions that wrap the one of `ssl` are looked into. `prefix` is that of the settings, `LOTRINH_KAFKA`.
    """
    seen: set[int] = set()
    cause: BaseException | None = exc
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        if isinstance(cause, ssl.SSLCertVerificationError):
            return _of_their_certificate(cause, prefix)
        if isinstance(cause, ssl.SSLError):
            return _of_the_handshake(cause, prefix)
        cause = cause.__cause__ or cause.__context__
    return None


def fault_of(exc: ssl.SSLCertVerificationError) -> CertificateFault | None:
    """Return what is wrong with a certificate that was refused; None where it is something rarer."""
    return _FAULTS.get(exc.verify_code)


def _of_their_certificate(exc: ssl.SSLCertVerificationError, prefix: str) -> str:
    fault = fault_of(exc)
    if fault is None:
        return f"has a certificate that is refused: {exc.verify_message}"
    return _THEIRS[fault].format(prefix=prefix)


def _of_the_handshake(exc: ssl.SSLError, prefix: str) -> str:
    reason = exc.reason or ""
    if reason in ("WRONG_VERSION_NUMBER", "PACKET_LENGTH_TOO_LONG", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"):
        return NO_TLS
    for alert, text in _ALERTS.items():
        if reason.endswith(f"ALERT_{alert}"):
            return text.format(prefix=prefix)
    return f"broke off the handshake ({reason or type(exc).__name__})"
