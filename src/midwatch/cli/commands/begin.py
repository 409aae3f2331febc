"""`midwatch init` and `midwatch completion`: what is done once."""

from pathlib import Path

import click
from click.shell_completion import get_completion_class

from midwatch.cli.errors import EXIT_OK
from midwatch.cli.face import Face, json_option, pass_face


@click.command()
@click.argument("folder", default=".", type=click.Path(path_type=Path, file_okay=False))
@json_option
@pass_face
def init(face: Face, folder: Path) -> int:
    """Write a configuration to begin with.

    Settings, people, policy, a runbook, and a place for tools. Nothing that is there is written over.
    FOLDER is the current one unless told.
    """
    from midwatch.wiring.places import write_init

    done = write_init(folder)
    record = {"written": [str(path) for path in done.written], "kept": [str(path) for path in done.kept]}

    def words(screen: object) -> None:
        del screen
        for path in record["written"]:
            face.screen.line(f"wrote  {path}")
        for path in record["kept"]:
            face.screen.line(f"kept   {path}")
        face.screen.line(f"Try it: cd {folder} && midwatch lint runbooks/*.md && midwatch start disk-space")

    face.out(record, words)
    return EXIT_OK


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@pass_face
def completion(face: Face, shell: str) -> int:
    """Print the completion script of a shell.

    For bash: `midwatch completion bash > ~/.local/share/bash-completion/completions/midwatch`.
    """
    from midwatch.cli.root import root

    kind = get_completion_class(shell)
    assert kind is not None, "click knows the three"
    script = kind(root, {}, "midwatch", "_MIDWATCH_COMPLETE")
    face.screen.raw(script.source_template % script.source_vars())
    return EXIT_OK
