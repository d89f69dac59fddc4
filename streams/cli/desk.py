"""`lotrinh desk`: where officials act, behind sign-in."""

import asyncio
from pathlib import Path
from typing import Any

import click

from streams.cli.options import FILE, of_decision, of_system, say, settings_from


@click.group("desk", invoke_without_command=True)
@of_decision
@of_system
@click.option("--port", "desk_port", type=click.IntRange(0, 65_535), help="default 8101")
@click.option("--accounts", "desk_accounts", type=FILE, help="who may sign in (TOML); or LOTRINH_DESK_ACCOUNTS")
@click.pass_context
def command(ctx: click.Context, /, **given: Any) -> None:
    """Run the desk until SIGTERM: alerts to acknowledge and silence, closings, reports, for who has signed in."""
    from streams.desk.desk import run
    from streams.files.decision_files import read_reading
    from streams.local.state import located
    from streams.monitoring.logs import log_to_stderr

    ctx.obj = given
    if ctx.invoked_subcommand is not None:
        return
    settings = located(settings_from(**given))
    reading = read_reading(settings)
    log_to_stderr(settings)
    asyncio.run(run(settings, reading, _folder(settings), lambda address: say(f"desk at {address}ban-lam-viec")))


@command.command("link")
@of_system
@click.pass_obj
def link(above: dict[str, Any], state_dir: Path | None) -> None:
    """Print a link that signs in once, within 15 minutes, with all rights: for who may write the state directory."""
    from streams.desk.accounts import make_link
    from streams.desk.desk import links_in

    settings = settings_from(**{**above, **({} if state_dir is None else {"state_dir": state_dir})})
    token = make_link(links_in(_folder(settings)))
    click.echo(f"http://{settings.desk_host}:{_port(settings)}/ban-lam-viec/vao?ma={token}")


@command.command("password")
def password() -> None:
    """Ask for a password, and print what stands for it in the accounts file."""
    from streams.desk.accounts import hashed

    said = click.prompt("Mật khẩu", hide_input=True, confirmation_prompt="Nhập lại mật khẩu", err=True)
    click.echo(f'password = "{hashed(said)}"')


def _folder(settings: Any) -> Path:
    """Return where the desk keeps its key and its links."""
    from streams.local.state import default_state_dir

    if settings.desk_dir is not None:
        return Path(settings.desk_dir)
    return Path(settings.state_dir or default_state_dir()) / "desk"


def _port(settings: Any) -> int:
    """Return the desk's port: of the running `lotrinh up` if there is one."""
    from streams.local.state import StateDir, default_state_dir

    found = StateDir(settings.state_dir or default_state_dir()).endpoints() or {}
    _, _, port = str(found.get("desk", "")).rstrip("/").rpartition(":")
    return int(port) if port.isdecimal() else int(settings.desk_port)
