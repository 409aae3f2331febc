"""Makes docs/errors.md out of the error classes themselves; run it to write the file anew."""

from pathlib import Path

from midwatch.base.errors import MidwatchError
from midwatch.cli.commands.explain import error_of, meaning, places

PAGE = Path(__file__).parents[3] / "docs/errors.md"
AREAS = {
    "1": "Runbooks and plans",
    "2": "The journal",
    "3": "Policy",
    "4": "Approvals",
    "5": "Tools and models",
    "6": "Runs",
    "7": "The store",
    "9": "Configuration, keys and the command line",
}
HEAD = """\
# Errors

Every error has a code, one sentence, the place where there is one, and what to do next. `midwatch explain
MWnnn` says the same as this page, and with `--json` an error comes as problem details (RFC 9457). Names in
braces are facts that the error fills in. The page is made from the classes:
`PYTHONPATH=tests python tests/unit/errors/catalogue.py`.
"""


def every_error() -> dict[str, type[MidwatchError]]:
    """Return each code with its class, in the order of codes."""
    return {code: error_of(code, module) for code, module in places().items()}


def page() -> str:
    """Return the whole page."""
    lines = [HEAD]
    area = ""
    for code, kind in every_error().items():
        if code[2] != area:
            area = code[2]
            lines.append(f"\n## {AREAS[area]}\n")
        words = " ".join(meaning(kind).split())
        lines.append(f"\n### {code}\n\n{words}\n\n*Do this:* {kind.fix}\n")
    return "".join(lines)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
