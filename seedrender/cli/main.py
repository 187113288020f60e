"""The command line: runs a command, and turns every error into words and an exit code."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

import click

from seedrender import __version__
from seedrender.cli.console import State, say_error
from seedrender.errors import SeedrenderError
from seedrender.run.progress import heard_or_not

COMMANDS = {  # name → what it does; each is a module of this package, loaded when it is called
    "init": "Write a small, commented, working project.",
    "check": "Parse, validate and expand a manifest.",
    "expand": "Print the resolved jobs, exactly as they would be sent.",
    "plan": "Say what a run would do, why, and what it would cost.",
    "run": "Render what is missing. The same command again resumes.",
    "status": "Show the state of every job, from the lockfile alone.",
    "explain": "Say what has changed since a job was rendered.",
    "ctl": "Pause, resume or resize a run that is going on.",
    "reconcile": "Settle unknown outcomes, by asking the provider.",
    "cancel": "Ask the provider to drop what is still queued.",
    "verify": "Compare the clips on disk with the lockfile.",
    "adopt": "Take over a task or a clip that exists already.",
    "pin": "Keep clips as they are, whatever the manifest says.",
    "unpin": "Let the manifest decide about clips again.",
    "lock": "Look after the lockfile: show, merge, repair, mv, prune, upgrade.",
    "report": "Write one HTML page with every clip.",
    "schema": "Print the JSON Schema of manifests, for editors.",
    "doctor": "Look over the machine, the folder and the account.",
    "providers": "Show what each route supports: models, limits, prices.",
    "sim": "Serve the simulator, for trying things out without paying.",
}


class Commands(click.Group):
    """Commands that are imported when they are called: `--version` loads none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order in which a newcomer needs them."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        command = import_module(f"seedrender.cli.{cmd_name}").command
        assert isinstance(command, click.Command), "a command's module calls it `command`"
        return command

    def invoke(self, ctx: click.Context) -> object:
        """Run a command; click would end with 1 where the reader of a pipe has gone."""
        with heard_or_not(sys.stdout):
            return super().invoke(ctx)
        return 0

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="seedrender %(version)s")
def cli() -> None:
    """Render AI video from manifests: nothing is bought twice, nothing bought is lost.

    \b
    Exit codes: 0 done, 2 the manifest or command is wrong (nothing was sent),
    3 the lockfile cannot be used, 4 some jobs failed, 5 unfinished: run again,
    6 a person must decide, 7 over budget, 8 work is pending (plan --check).
    """  # noqa: D301 - \b is click's


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line and exit."""
    state = State()
    try:
        code = cli.main(args=args, prog_name="seedrender", standalone_mode=False, obj=state)
        with heard_or_not(sys.stdout):
            sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except click.Abort:
        code = 130
    except SeedrenderError as error:
        say_error(error, state)
        code = error.exit_code
    sys.exit(code if isinstance(code, int) else 0)
