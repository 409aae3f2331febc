"""Say in one line why Midwatch can't be set up here, and the one line that fixes it.

Rule 1: the standard library only, and no syntax or name newer than Python 3.6: this file runs by path,
before anything is installed, to say that Python is too old.
Rule 2: `problem` looks at facts it is given; only `facts` looks at the machine.
"""

import importlib.util
import os
import platform
import sys
import sysconfig
from pathlib import Path
from typing import NamedTuple, Optional, Tuple

OLDEST = (3, 11)
NEWEST = (3, 14)
"""The Pythons for which every dependency has a wheel; the widest gap is cel-expr-python's."""

MACHINES = {
    "Linux": ("x86_64", "aarch64"),
    "Darwin": ("arm64",),
    "Windows": ("AMD64",),
}
"""Systems and processors for which every dependency has a wheel."""

PIP_OLDEST = (22, 3)
"""The first pip that installs into another environment (`--python`)."""


class Facts(NamedTuple):
    """What decides whether the set-up can work."""

    version: Tuple[int, int]
    implementation: str
    system: str
    machine: str
    is_musl: bool
    is_debian: bool
    is_root: bool
    has_ensurepip: bool
    pip: Tuple[int, int]
    """The version of this Python's own pip, (0, 0) without one."""


class Problem(NamedTuple):
    """Why it can't, and what to type."""

    sentence: str
    fix: str


def problem(seen: Facts) -> Optional[Problem]:
    """Return the first thing that has to be mended, or None."""
    for look in (_python, _machine, _venv):
        found = look(seen)
        if found is not None:
            return found
    return None


def facts() -> Facts:
    """Return the facts of this machine and this Python."""
    built_for = "{} {}".format(sysconfig.get_config_var("HOST_GNU_TYPE"), sysconfig.get_config_var("SOABI"))
    return Facts(
        version=(sys.version_info[0], sys.version_info[1]),
        implementation=platform.python_implementation(),
        system=platform.system(),
        machine=platform.machine(),
        is_musl="musl" in built_for,
        is_debian=Path("/etc/debian_version").exists(),
        is_root=hasattr(os, "geteuid") and os.geteuid() == 0,
        has_ensurepip=importlib.util.find_spec("ensurepip") is not None,
        pip=_pip(),
    )


def main() -> int:
    """Print the problem and its fix to standard error; return 1, or 0 if there is none."""
    found = problem(facts())
    if found is None:
        return 0
    sys.stderr.write("midwatch can't be set up: {}\n  fix: {}\n".format(found.sentence, found.fix))
    return 1


def _python(seen: Facts) -> Optional[Problem]:
    here = "{}.{}".format(*seen.version)
    range_ = "{}.{} to {}.{}".format(*(OLDEST + NEWEST))
    if seen.implementation != "CPython":
        return Problem(
            "this is {}, it needs CPython {}.".format(seen.implementation, range_),
            "make start PYTHON=/path/to/python3.12",
        )
    if seen.version < OLDEST:
        if seen.is_debian:
            fix = _apt(seen, "python3.11 python3.11-venv") + "   (Debian 12, Ubuntu 22.04 or newer)"
        elif seen.system == "Darwin":
            fix = "brew install python@3.13"
        else:
            fix = "install Python 3.11 or newer, or name one: make start PYTHON=/path/to/python3.12"
        return Problem("Python {} is too old, it needs {}.".format(here, range_), fix)
    if seen.version > NEWEST:
        return Problem(
            "Python {} is too new, some dependencies have wheels for {} only.".format(here, range_),
            "make start PYTHON=/path/to/python{}.{}".format(*NEWEST),
        )
    return None


def _machine(seen: Facts) -> Optional[Problem]:
    if seen.is_musl:
        return Problem(
            "this Python is built on musl (Alpine), and cel-expr-python and cedarpy have no wheels for it.",
            "use a system with glibc, such as Debian, or the container image python:3.13-slim",
        )
    if seen.machine not in MACHINES.get(seen.system, ()):
        return Problem(
            "some dependencies have no wheels for {} on {}.".format(seen.machine, seen.system),
            "use Linux on x86_64 or aarch64, macOS on arm64, or Windows on AMD64",
        )
    return None


def _venv(seen: Facts) -> Optional[Problem]:
    if seen.has_ensurepip or seen.pip >= PIP_OLDEST:
        return None
    here = "{}.{}".format(*seen.version)
    if seen.is_debian:
        fix = _apt(seen, "python{}-venv".format(here))
    else:
        fix = "install the part of Python {} that has `ensurepip` (often called python3-venv)".format(here)
    return Problem(
        "this Python {} can't make environments, it has neither ensurepip nor pip.".format(here), fix
    )


def _apt(seen: Facts, packages: str) -> str:
    return "{}apt install {}".format("" if seen.is_root else "sudo ", packages)


def _pip() -> Tuple[int, int]:
    try:
        from pip import __version__ as text
    except ImportError:
        return (0, 0)
    parts = text.split(".")
    return (int(parts[0]), int(parts[1])) if len(parts) > 1 else (0, 0)


if __name__ == "__main__":
    sys.exit(main())
