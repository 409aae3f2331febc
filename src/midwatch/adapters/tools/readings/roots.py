"""Where a reading looks: the home folder of this user and the roots given, or the roots alone."""

import os
import pwd
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from midwatch.adapters.tools.walk import is_text


def home() -> str:
    """Return the physical home folder of the user who runs this; empty where there is none."""
    try:
        folder = pwd.getpwuid(os.geteuid()).pw_dir
    except KeyError:
        return ""
    return physical(folder)


def physical(folder: str) -> str:
    """Return the path without links, or nothing when it is no folder or its name is no text."""
    path = os.path.realpath(folder)
    return path if Path(path).is_dir() and is_text(path) and path != "/" else ""


def given(args: Mapping[str, Any]) -> list[str]:
    """Return the physical roots that the caller gave, those that exist."""
    return [path for path in map(physical, args.get("roots", ())) if path]


def homes(args: Mapping[str, Any]) -> list[str]:
    """Return the folders that are to be read like a home, each once and none within another."""
    found = given(args) if args.get("only_roots", False) else [*given(args), home()]
    outermost: list[str] = []
    for path in sorted({path for path in found if path}, key=len):
        if not any(path.startswith(above + "/") for above in outermost):
            outermost.append(path)
    return outermost


def looks_everywhere(args: Mapping[str, Any]) -> bool:
    """Return whether the places of the system belong to the reading too."""
    return not args.get("only_roots", False)
