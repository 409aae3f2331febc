"""Makes docs/reference/cli.md out of the commands' own help; run it to write the file anew."""

from collections.abc import Iterator
from pathlib import Path

import click

from midwatch.cli.errors import EXIT_CODES
from midwatch.cli.root import root

PAGE = Path(__file__).parents[3] / "docs/reference/cli.md"
WIDTH = 90
HEAD = """\
# The command line

`midwatch` and `mw` are one command. This page is made from `--help`: `python tests/unit/cli/reference.py`
writes it anew, and a test compares.

Ids may be cut short where their beginning is unique. Commands with `--json` write one JSON document to
standard output, an error as `{"error": …}` too. `NO_COLOR` turns colours off.

## Exit codes

| code | means |
|------|-------|
"""


def page() -> str:
    """Return the whole page."""
    codes = "".join(f"| {code} | {text} |\n" for code, text in EXIT_CODES.items())
    return (
        HEAD
        + codes
        + "".join(f"\n## {path}\n\n```text\n{text}\n```\n" for path, text in _helps(root, "midwatch", None))
    )


def _helps(command: click.Command, path: str, above: click.Context | None) -> Iterator[tuple[str, str]]:
    context = click.Context(
        command,
        info_name=path.rpartition(" ")[2],
        parent=above,
        terminal_width=WIDTH,
        max_content_width=WIDTH,
        help_option_names=root.context_settings["help_option_names"],
    )
    yield path, "\n".join(line.rstrip() for line in command.get_help(context).splitlines())
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from _helps(below, f"{path} {name}", context)


if __name__ == "__main__":
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page())
