"""The wall around every command: errors in one form, exit codes, and never a raw traceback."""

import contextlib
import json
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import click

from midwatch.base.errors import MidwatchError
from midwatch.cli.errors import (
    EXIT_BROKEN_PIPE,
    EXIT_ERROR,
    EXIT_INTERRUPTED,
    EXIT_OK,
    EXIT_USAGE,
    UnexpectedError,
    UsageError,
)
from midwatch.cli.face import Face
from midwatch.cli.root import root
from midwatch.cli.screen import PipeClosedError, standard, standard_error
from midwatch.cli.told import show_error


def run(args: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; everything it has to say was printed."""
    face = Face()
    try:
        code = root.main(args=args, prog_name="midwatch", standalone_mode=False, obj=face)
    except click.exceptions.Exit as over:
        return over.exit_code
    except click.ClickException as error:
        return _refused(face, error)
    except (KeyboardInterrupt, click.Abort):
        return _interrupted(face)
    except (BrokenPipeError, PipeClosedError):
        _close_pipe()
        return EXIT_BROKEN_PIPE
    except MidwatchError as error:
        return _told(face, error, EXIT_ERROR)
    except Exception as error:  # noqa: BLE001 - the wall: whatever it is, a person reads one line about it
        return _told(face, _unexpected(face, error), EXIT_ERROR)
    return code if isinstance(code, int) else EXIT_OK


def leave(code: int) -> NoReturn:
    """End the process at once: everything is closed, or meant to be taken over by the next.

    Python's own way out waits for threads, also for one whose tool hangs, and a Ctrl-C there would
    print a traceback.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def _told(face: Face, error: MidwatchError, code: int) -> int:
    with contextlib.suppress(PipeClosedError):
        if face.json:
            standard().raw(json.dumps({"error": error.as_problem()}, indent=2))
        else:
            show_error(standard_error(), error)
    return code


def _refused(face: Face, error: click.ClickException) -> int:
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "midwatch"
    sentence = error.format_message()
    return _told(face, UsageError(sentence[:1].lower() + sentence[1:], command=command), EXIT_USAGE)


def _interrupted(face: Face) -> int:
    with contextlib.suppress(PipeClosedError):
        if not face.json:
            words = (
                "Interrupted. What was recorded stays; a run under way goes on at the next `midwatch start`."
            )
            standard_error().line(words)
    return EXIT_INTERRUPTED


def _close_pipe() -> None:
    """Nobody reads any more: give Python a place to flush what is left, so that it says nothing."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _unexpected(face: Face, error: BaseException) -> UnexpectedError:
    text = "".join(traceback.format_exception(error))
    path = _written(face, text)
    name = type(error).__name__
    where = str(path) if path is not None else "the command line that you typed (no trace could be written)"
    return UnexpectedError(f"something unexpected happened ({name})", path=where)


def _written(face: Face, text: str) -> Path | None:
    """Return the file that holds a trace: in the state folder, else in a temporary one."""
    for folder in (face.errors_folder(), Path(tempfile.gettempdir())):
        if folder is None:
            continue
        with contextlib.suppress(OSError):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix="midwatch-trace-", suffix=".txt", dir=folder)
            with os.fdopen(handle, "w") as file:
                file.write(text)
            return Path(name)
    return None
