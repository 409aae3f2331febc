"""The reference page says what the commands say of themselves."""

import click

from midwatch.cli.root import COMMANDS, root
from unit.cli.reference import PAGE, page


def test_the_page_is_made_from_the_help() -> None:
    assert PAGE.read_text() == page(), "run: python tests/unit/cli/reference.py"


def test_the_list_of_commands_says_what_each_says_of_itself() -> None:
    context = click.Context(root)
    for name, (_, text) in COMMANDS.items():
        command = root.get_command(context, name)
        assert command is not None
        assert command.name == name
        assert (command.help or "").splitlines()[0] == text


def test_every_command_that_shows_something_takes_json() -> None:
    context = click.Context(root)
    quiet = {"completion", "server", "audit", "test", "render", "schema"}  # they print documents
    for name in COMMANDS.keys() - quiet:
        command = root.get_command(context, name)
        assert command is not None
        assert "--json" in {option for each in command.params for option in each.opts}, name
