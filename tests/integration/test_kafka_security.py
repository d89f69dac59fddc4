"""Every way of being locked out of a real Kafka has its own sentence, and none of them is a timeout or a traceback."""

import asyncio
import os
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
from aiokafka import AIOKafkaProducer
from kafka.admin import (
    KafkaAdminClient,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from streams.broker import topics, unreachable
from streams.broker.connection import client_options
from streams.broker.reading import consumer
from streams.errors import BadInput, NoAnswer
from streams.local.state import free_port
from streams.settings import Settings
from tests.certificates import HOST, PASSWORD, issue
from tests.conftest import broker

pytestmark = pytest.mark.kafka

LISTENERS = ("PLAINTEXT", "TLS", "MUTUAL", "EXPIRED", "FOREIGN", "LOGIN", "OPENLOGIN")


class Secured(NamedTuple):
    """A Kafka with a listener of each kind."""

    ports: Mapping[str, int]
    folder: Path

    def settings(self, listener: str, **options: object) -> Settings:
        """Return settings that fit a listener, save what is given."""
        security = {"LOGIN": "SASL_SSL", "OPENLOGIN": "SASL_PLAINTEXT", "PLAINTEXT": "PLAINTEXT"}.get(listener, "SSL")
        fitting: dict[str, object] = {"kafka": f"{HOST}:{self.ports[listener]}", "kafka_security": security}
        if security.endswith("SSL"):
            fitting["kafka_ca_file"] = self.folder / "ca.pem"
        if security.startswith("SASL"):
            fitting |= {"kafka_username": "officer", "kafka_password": PASSWORD}
        return Settings(_env_file=None, **{**fitting, **options})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    folder = tmp_path_factory.mktemp("secured")
    issue(folder)
    ports = {name: free_port() for name in LISTENERS}
    where = ",".join(f"{name}://{HOST}:{port}" for name, port in ports.items())
    secure = {"LOGIN": "SASL_SSL", "OPENLOGIN": "SASL_PLAINTEXT", "PLAINTEXT": "PLAINTEXT"}
    kinds = ",".join(f"{name}:{secure.get(name, 'SSL')}" for name in LISTENERS)
    jaas = "org.apache.kafka.common.security"
    settings = {
        "listeners": f"{where},CONTROLLER://{HOST}:{free_port()}",
        "advertised.listeners": where,
        "listener.security.protocol.map": f"CONTROLLER:PLAINTEXT,{kinds}",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(folder / "good.pem"),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(folder / "ca.pem"),
        "listener.name.mutual.ssl.client.auth": "required",
        "listener.name.expired.ssl.keystore.location": str(folder / "expired.pem"),
        "listener.name.foreign.ssl.keystore.location": str(folder / "foreign.pem"),
        "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512",
    }
    for listener in ("login", "openlogin"):
        settings[f"listener.name.{listener}.plain.sasl.jaas.config"] = (
            f'{jaas}.plain.PlainLoginModule required user_officer="{PASSWORD}";'
        )
        settings[f"listener.name.{listener}.scram-sha-512.sasl.jaas.config"] = (
            f"{jaas}.scram.ScramLoginModule required;"
        )
    controller = settings["listeners"].rpartition(":")[2]
    settings["controller.quorum.voters"] = f"1@{HOST}:{controller}"
    with broker(folder / "kafka", ports["PLAINTEXT"], settings) as address:
        client = KafkaAdminClient(bootstrap_servers=address)
        client.alter_user_scram_credentials(
            [UserScramCredentialUpsertion("officer", ScramMechanism.SCRAM_SHA_512, PASSWORD)]
        )
        client.close()
        yield Secured(ports, folder)


def refusal(settings: Settings) -> str:
    """Return what is said where no client gets in; clients themselves try for ten seconds first."""
    return unreachable.why_unreachable(settings) or ""


FITTING = [
    ("PLAINTEXT", {}),
    ("TLS", {}),
    ("MUTUAL", {"cert": "client.crt", "key": "client.key"}),
    ("MUTUAL", {"cert": "locked.crt", "key": "locked.key", "key_password": "password"}),
    ("LOGIN", {}),
    ("LOGIN", {"mechanism": "PLAIN"}),
    ("OPENLOGIN", {}),
]


def options(secured: Secured, given: Mapping[str, str]) -> dict[str, object]:
    names = {"mechanism": "kafka_sasl_mechanism", "security": "kafka_security", "user": "kafka_username"}
    files = {name: f"kafka_{name}_file" for name in ("ca", "cert", "key", "key_password")}
    return {
        **{files[name]: secured.folder / value for name, value in given.items() if name in files},
        **{names[name]: value for name, value in given.items() if name in names},
        **{f"kafka_{name}": value for name, value in given.items() if name == "password"},
    }


@pytest.mark.parametrize(("listener", "given"), FITTING)
def test_what_fits_is_let_in_by_every_client(secured: Secured, listener: str, given: dict[str, str]) -> None:
    settings = secured.settings(listener, **options(secured, given))
    topics.administrator(settings).close()
    consumer(settings).close()

    async def produce() -> None:
        producer = AIOKafkaProducer(bootstrap_servers=settings.kafka, **client_options(settings))
        await producer.start()
        await producer.stop()
        await asyncio.sleep(0.1)  # aiokafka does not wait until TLS has said goodbye

    asyncio.run(produce())


REFUSED = [
    ("TLS", {"ca": "other-ca.pem"}, "has a certificate that none of the authorities we trust has signed"),
    ("EXPIRED", {}, "has a certificate that has expired"),
    ("FOREIGN", {}, "has a certificate of another host"),
    ("MUTUAL", {}, "asks for a certificate of ours: set LOTRINH_KAFKA_CERT_FILE"),
    ("MUTUAL", {"cert": "stranger.crt", "key": "stranger.key"}, "our certificate"),
    ("TLS", {"security": "PLAINTEXT"}, "speaks TLS on this port: set LOTRINH_KAFKA_SECURITY to SSL"),
    ("PLAINTEXT", {"security": "SSL"}, "speaks no TLS on this port: ask its TLS port, or set LOTRINH_KAFKA_SECURITY"),
    ("LOGIN", {"password": "another"}, "refuses user 'officer' or the password"),
    ("LOGIN", {"password": "another", "mechanism": "PLAIN"}, "refuses user 'officer' or the password"),
    ("LOGIN", {"user": "nobody"}, "refuses user 'nobody' or the password"),
    ("LOGIN", {"mechanism": "SCRAM-SHA-256"}, "has no mechanism SCRAM-SHA-256, but "),
    ("LOGIN", {"security": "SSL"}, "asks for a log-in: set LOTRINH_KAFKA_SECURITY to SASL_SSL"),
    ("OPENLOGIN", {"security": "PLAINTEXT"}, "asks for a log-in: set LOTRINH_KAFKA_SECURITY to SASL_SSL"),
    ("TLS", {"security": "SASL_SSL", "user": "officer", "password": PASSWORD}, "takes no log-in on this port"),
]


@pytest.mark.parametrize(("listener", "given", "sentence"), REFUSED)
def test_each_way_of_being_locked_out_has_its_own_sentence(
    secured: Secured, listener: str, given: dict[str, str], sentence: str
) -> None:
    told = refusal(secured.settings(listener, **options(secured, given)))
    assert sentence in told
    assert told.startswith(f"Kafka at {HOST}:{secured.ports[listener]} ")
    assert PASSWORD not in told
    assert "Timeout" not in told


BAD_FILES = [
    ({"ca": "nothing.pem"}, "LOTRINH_KAFKA_CA_FILE: {}/nothing.pem cannot be read (No such file or directory)"),
    ({"ca": "garbage.pem"}, "LOTRINH_KAFKA_CA_FILE: {}/garbage.pem holds no certificate in PEM form"),
    ({"cert": "client.crt"}, "certificate and key go together: set LOTRINH_KAFKA_KEY_FILE too"),
    (
        {"cert": "client.crt", "key": "stranger.key"},
        "the key {0}/stranger.key is not that of the certificate {0}/client.crt",
    ),
    ({"cert": "locked.crt", "key": "locked.key"}, "is encrypted: set LOTRINH_KAFKA_KEY_PASSWORD_FILE"),
    ({"cert": "locked.crt", "key": "locked.key", "key_password": "ca.pem"}, "does not open the key {}/locked.key"),
    ({"cert": "garbage.pem", "key": "client.key"}, "is no certificate or key in PEM form"),
]


@pytest.mark.parametrize(("given", "sentence"), BAD_FILES)
def test_a_file_that_is_wrong_is_named(secured: Secured, given: dict[str, str], sentence: str) -> None:
    with pytest.raises(BadInput) as refused:
        client_options(secured.settings("TLS", **options(secured, given)))
    assert sentence.format(secured.folder) in str(refused.value)


def test_commands_and_workers_say_it_in_one_line(secured: Secured) -> None:
    env = os.environ | {
        "LOTRINH_KAFKA": f"{HOST}:{secured.ports['EXPIRED']}",
        "LOTRINH_KAFKA_SECURITY": "SSL",
        "LOTRINH_KAFKA_CA_FILE": str(secured.folder / "ca.pem"),
    }
    with pytest.raises(NoAnswer, match="has a certificate that has expired"):
        consumer(secured.settings("EXPIRED"))
    done = subprocess.run(
        [sys.executable, "-m", "streams.cli", "worker", "tally"], env=env, capture_output=True, text=True, check=False,
        timeout=60,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert "has a certificate that has expired" in done.stderr
    assert "Traceback" not in done.stderr


def test_where_nobody_listens_or_no_kafka_does(secured: Secured) -> None:
    def settings(address: str) -> Settings:
        return Settings(kafka=address, _env_file=None)

    assert "nothing listens on that port" in refusal(settings(f"{HOST}:{free_port()}"))
    assert "no such host name" in refusal(settings("nowhere.invalid:9092"))
    mute = socket.create_server((HOST, 0))
    assert "said nothing for 3 s" in refusal(settings(f"{HOST}:{mute.getsockname()[1]}"))
    mute.close()
    assert ssl.OPENSSL_VERSION_INFO >= (3, 0)
    topics.administrator(settings(f"{HOST}:{free_port()},{HOST}:{secured.ports['PLAINTEXT']}")).close()
