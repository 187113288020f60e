"""The command line: runs a command, and turns every error into words and an exit code."""

from __future__ import annotations

import errno
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

import click

from seedrender import __version__
from seedrender.cli.console import State, say_error
from seedrender.cli.output.streams import SafeStream, safe_streams
from seedrender.errors import SeedrenderError

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


_NOT_WRITTEN = 4  # the output of a command, on a full disk or a dead terminal
_WORKS = ("run",)  # what it does counts, and not whether its words could be printed


class _UnforeseenError(Exception):
    """Carries an exception past click, which would read something else into it."""


class Commands(click.Group):
    """Commands that are imported when they are called: `--version` loads none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order in which a newcomer needs them."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        if cmd_name not in COMMANDS:
            return None
        if isinstance(ctx.obj, State):
            ctx.obj.command = cmd_name
        command = import_module(f"seedrender.cli.{cmd_name}").command
        assert isinstance(command, click.Command), "a command's module calls it `command`"
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command, and suggest the closest one where there is none of that name."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from seedrender.source.names import closest  # only where a command is misspelt

            close = closest(args[0], COMMANDS)
            if close is None:
                raise
            words = f"{error.message} Did you mean {close!r}?"
            raise click.UsageError(words, ctx) from None

    def invoke(self, ctx: click.Context) -> object:
        """Run a command; click takes some errors for a Ctrl-C, or for a reader that has gone."""
        try:
            return super().invoke(ctx)
        except EOFError as error:
            raise _UnforeseenError from error
        except OSError as error:
            if error.errno != errno.EPIPE:
                raise
            raise _UnforeseenError from error

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
    Exit codes: 0 done, 1 a bug, 2 the manifest or command is wrong (nothing was sent),
    3 the lockfile cannot be used, 4 some jobs failed, 5 unfinished: run again,
    6 a person must decide, 7 over budget, 8 work is pending (plan --check);
    130 after Ctrl-C, 129 after SIGHUP, 143 after SIGTERM.
    """  # noqa: D301 - \b is click's


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit."""
    state = State()
    with safe_streams() as (out, err):
        try:
            code = _code(args, state)
        except KeyboardInterrupt:  # a second one, while the first was dealt with
            code = 130
        code = _with_output(code, state, out, err)
    sys.exit(code)


def _code(args: Sequence[str] | None, state: State) -> int:
    """Run a command, and return what it ends with; every exception becomes words."""
    try:
        code = cli.main(args=args, prog_name="seedrender", standalone_mode=False, obj=state)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        return 130
    except SeedrenderError as error:
        say_error(error, state)
        return error.exit_code
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - the last resort of every command
        return _bug(error, state)
    return code if isinstance(code, int) else 0


def _bug(error: BaseException, state: State) -> int:
    from seedrender.run.bugs import bug

    cause = error.__cause__ if isinstance(error, _UnforeseenError) else None
    found = bug(cause or error, state.folder)
    say_error(found, state)
    return found.exit_code


def _with_output(code: int, state: State, out: SafeStream, err: SafeStream) -> int:
    """Say where the output could not be written; it fails a command whose product it is."""
    if not out.trouble:
        return code
    err.write(f"standard output: {out.trouble}; what the command has to say is not complete\n")
    return code if state.command in _WORKS or code else _NOT_WRITTEN
