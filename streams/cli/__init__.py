"""The command line. Commands are loaded when they are called, so that `--help` is quick.

Exit code 0 on success, 2 on bad usage or bad input with one clear sentence on stderr, 4 where complete figures
were asked for and are not to be had, with one sentence per cause; under `--json`, JSON alone on stdout.
"""

import importlib
import sys
from typing import Final

import click

from streams.cli import vietnamese

COMMANDS: Final = {
    "up": ("streams.cli.up", "Run everything on this machine."),
    "worker": ("streams.cli.worker", "Run one worker: tally or watch."),
    "wallboard": ("streams.cli.wallboard", "Run the wallboard."),
    "desk": ("streams.cli.desk", "Run the desk, where officials act."),
    "notify": ("streams.cli.notify", "Tell receivers of alerts."),
    "topics": ("streams.cli.topics", "Create or check the Kafka topics."),
    "import": ("streams.cli.importing", "Publish events from a file."),
    "portal": ("streams.cli.portal", "Say what will go wrong with what portals send."),
    "simulate": ("streams.cli.simulate", "Make a reproducible year of a province."),
    "evaluate": ("streams.cli.evaluate", "Evaluate a file of events without Kafka."),
    "standings": ("streams.cli.standings", "Show where every unit stands now."),
    "breakdown": ("streams.cli.breakdown", "Say which part of a unit's dossiers lowers its ratios."),
    "quality": ("streams.cli.quality", "Say what is wrong with the data, and what to do."),
    "close": ("streams.cli.close", "Freeze the figures of a period that has ended."),
    "report": ("streams.cli.report", "Write the table that goes to the Chairman's office."),
    "alerts": ("streams.cli.alerts", "Show the alerts of the running system, and act on them."),
    "backup": ("streams.cli.backup", "Write what cannot be derived to one file."),
    "restore": ("streams.cli.restore", "Restore a backup into an empty cluster."),
    "doctor": ("streams.cli.doctor", "Check a deployment: what is wrong, what follows, what to do."),
    "rules": ("streams.cli.rules", "Try alert rules on cases and over recorded years."),
    "decisions": ("streams.cli.decisions", "List, show and check decisions."),
    "trajectories": ("streams.cli.trajectories", "The form for trajectories by month or quarter, and its check."),
    "dead-letters": ("streams.cli.dead_letters", "List refused records, and read them again."),
}


class Lazy(click.Group):
    """A group whose commands are modules with a `command` in them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the commands in the order of a day's work."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Load a command."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(COMMANDS[cmd_name][0]).command
        return vietnamese.with_vietnamese_help(command) if vietnamese.is_wanted() else command

    def get_help(self, ctx: click.Context) -> str:
        """Return the help, in Vietnamese where that is wanted."""
        if vietnamese.is_wanted():
            ctx.formatter_class = vietnamese.Formatter
        return super().get_help(ctx)

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write what lotrinh is for."""
        text = self.help or ""
        with formatter.indentation():
            formatter.write_paragraph()
            formatter.write_text(vietnamese.in_vietnamese(text) if vietnamese.is_wanted() else text)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands without loading them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="lotrinh", prog_name="lotrinh")
def lotrinh() -> None:
    """Follow every dossier along the trajectory that a decision assigned to its unit."""


def main() -> None:
    """Run a command; turn what is wrong with its input into one sentence."""
    from pydantic import ValidationError

    from models.decisions.file import BadDecision
    from models.wording import first_error
    from streams.cli.terminal import make_visible
    from streams.errors import BadInput, Incomplete

    make_visible()
    try:
        lotrinh(prog_name="lotrinh")
    except Incomplete as exc:
        fail("\nlotrinh: ".join(exc.sentences), code=4)
    except (BadInput, BadDecision) as exc:
        fail(str(exc))
    except ValidationError as exc:
        name, what = first_error(exc)
        fail(f"setting LOTRINH_{name.upper()}: {what}")
    except BrokenPipeError:
        sys.exit(0)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as exc:
        if type(exc).__module__.partition(".")[0] not in {"kafka", "aiokafka"}:
            raise  # a bug: its traceback is what is wanted
        from streams.broker.codecs import sentence

        # What may pass by itself is a broker that is away; all else it has answered, and the answer is what is wrong.
        away = getattr(exc, "retriable", False)
        fail(sentence(exc) or f"Kafka {'went away' if away else 'refused'}: {exc or type(exc).__name__}")


def fail(message: str, code: int = 2) -> None:
    """Say what is wrong on stderr and end with an exit code."""
    from models.wording import visible
    from streams.cli.terminal import LINES

    click.echo(f"lotrinh: {visible(message, keep=LINES)}", err=True)
    sys.exit(code)
