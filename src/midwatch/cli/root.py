"""The command `midwatch`: its subcommands are imported when they are called."""

from importlib import import_module
from keyword import iskeyword
from pathlib import Path

import click

from midwatch.cli.errors import EXIT_CODES
from midwatch.cli.face import Face

COMMANDS: dict[str, tuple[str, str]] = {
    "start": ("start", "Stand one watch on this machine."),
    "approve": ("answer", "Say yes to a question, and have it done."),
    "deny": ("answer", "Say no to a question, and why."),
    "show": ("look", "Show a run, or a question as it was put."),
    "why": ("look", "Walk from what happened back to the evidence."),
    "runs": ("look", "List the runs, the newest first."),
    "status": ("status", "Say what runs, what waits, and for whom."),
    "done": ("answer", "Hand in what you did by hand."),
    "signal": ("answer", "Signal something to a run that waits for it."),
    "undo": ("mend", "Put back what a run did, and verify that."),
    "purge": ("purge", "Delete for good what lies in quarantine."),
    "cancel": ("mend", "Stop a run: it takes back what it did."),
    "settle": ("mend", "Say whether an effect in doubt took place."),
    "audit": ("audit", "Verify, export or witness the journal."),
    "doctor": ("doctor", "Check what can go wrong, and how to mend it."),
    "lint": ("lint", "Check runbooks."),
    "plan": ("lint", "Say what a runbook may do at most."),
    "new": ("authoring.new", "Begin a runbook from a template."),
    "fmt": ("authoring.fmt", "Format the blocks and tables of runbooks in place."),
    "diff": ("authoring.compare", "Tell two versions of a runbook apart, what it may do more of first."),
    "render": ("authoring.render", "Render a runbook for reading."),
    "schema": ("authoring.schema", "Print the JSON Schema of a block, for editors and other programs."),
    "test": ("testing.command", "Play the scenarios of runbooks."),
    "import": ("exchange.carry", "Make a runbook of a document from elsewhere."),
    "export": ("exchange.carry", "Write a runbook in another format."),
    "rank": ("exchange.ranking", "Say which runbooks to automate first, and why."),
    "explain": ("explain", "Say what an error code means."),
    "init": ("begin", "Write a configuration to begin with."),
    "server": ("server", "Watch timers and drive runs until stopped."),
    "completion": ("begin", "Print the completion script of a shell."),
}
"""Name to module and short help, so that `--help` imports none of them."""


class LazyGroup(click.Group):
    """Imports a subcommand when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names, in the order of a first day."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a subcommand, imported now."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"midwatch.cli.commands.{COMMANDS[cmd_name][0]}")
        found = getattr(module, f"{cmd_name}_" if iskeyword(cmd_name) else cmd_name)
        assert isinstance(found, click.Command)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of subcommands without importing them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the exit codes."""
        del ctx
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(code), text) for code, text in EXIT_CODES.items()])


def _version(context: click.Context, _: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click's signature
    if value:
        import midwatch

        click.echo(f"midwatch {midwatch.__version__}")
        context.exit()


@click.group(
    cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Settings; else MIDWATCH_CONFIG, ./midwatch.toml, ~/.config/midwatch/midwatch.toml.",
)
@click.option(
    "--version", is_flag=True, expose_value=False, is_eager=True, callback=_version, help="Print the version."
)
@click.pass_context
def root(context: click.Context, config: Path | None) -> None:
    """Stand the night watch: agents work through a runbook, and people are asked before anything is touched.

    Begin with `midwatch start`.
    """
    context.ensure_object(Face).config_path = config
