"""What every command is given: settings, screens, and how to open the house."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from midwatch.base.errors import MidwatchError
from midwatch.cli.errors import NothingYetError
from midwatch.cli.screen import Screen, Styled, standard, standard_error

if TYPE_CHECKING:
    from midwatch.wiring.opening import Opened
    from midwatch.wiring.settings import Config

INTERRUPT_WITHIN_S = 5.0
"""How long Ctrl-C waits for effects under way to be recorded; a second one does not wait."""

F = TypeVar("F", bound=Callable[..., Any])


class Face:
    """One call of the command line."""

    def __init__(self) -> None:
        """Read nothing yet."""
        self.config_path: Path | None = None
        self.json = False
        self._config: Config | None = None
        self._screen: Screen | None = None

    @property
    def screen(self) -> Screen:
        """Standard output."""
        if self._screen is None:
            self._screen = standard()
        return self._screen

    @property
    def config(self) -> "Config":
        """The settings; read once, and what is odd about them is said on standard error."""
        if self._config is None:
            from midwatch.wiring.settings import settings

            self._config = settings(self.config_path)
            for warning in self._config.warnings:
                standard_error().line(Styled("warning: ", "yellow"), warning)
        return self._config

    def errors_folder(self) -> Path | None:
        """Return where traces of unexpected errors go; None where there is no state folder yet."""
        with suppress(MidwatchError, OSError):
            return self.config.state / "errors" if self.config.state.is_dir() else None
        return None

    @contextmanager
    def looking(self) -> Iterator["Opened"]:
        """Open the house to look only.

        Raises:
            NothingYetError: MW943, when there is none.
        """
        from midwatch.wiring.opening import exists, opened_house

        if not exists(self.config):
            raise NothingYetError(f"there is nothing in {self.config.state} yet")
        with opened_house(self.config, need_engine=False) as opened:
            yield opened

    @contextmanager
    def driving(self, *, only_existing: bool = True) -> Iterator["Opened"]:
        """Open the house with its engine, the worker not started yet.

        Raises:
            NothingYetError: MW943, when there is none and `only_existing`.
        """
        from midwatch.wiring.opening import exists, open_house

        if only_existing and not exists(self.config):
            raise NothingYetError(f"there is nothing in {self.config.state} yet")
        opened = open_house(self.config, need_engine=True)
        try:
            yield opened
        except KeyboardInterrupt:
            if not self.json:
                standard_error().line()
                standard_error().line("Interrupted: waiting a moment for what is under way.")
            opened.interrupt(within_s=INTERRUPT_WITHIN_S)
            raise
        except BaseException:
            opened.close()
            raise
        opened.close()

    def out(self, record: object, words: Callable[[Screen], None]) -> None:
        """Write the record where `--json` was given, else say it in words."""
        if self.json:
            self.screen.raw(json.dumps(record, indent=2, ensure_ascii=False))
        else:
            words(self.screen)


pass_face = click.make_pass_decorator(Face)


def json_option(command: F) -> F:
    """Give a command the option `--json`."""

    def callback(context: click.Context, _: click.Parameter, value: bool) -> None:  # noqa: FBT001 - click's signature
        context.ensure_object(Face).json |= value

    return click.option(
        "--json", is_flag=True, expose_value=False, callback=callback, help="Write JSON instead of words."
    )(command)
