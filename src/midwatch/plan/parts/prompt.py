"""What an agent's prompt says, however an editor has wrapped and marked it.

The same words in the same structure are the same prompt: line ends inside of a paragraph, `*` or `_` for
emphasis, `-` or `*` for lists, escapes and the marks of a fence are the editor's. Code stays as it is.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.token import Token

_WRAPPER = re.compile(r"(?:\s*</?(?:div|span)(?:\s[^<>]*)?>\s*)+")
"""Marks without words that converters put around code and headings."""


def canonical_prompt(prose: str) -> str:
    """Return a text that two prompts share exactly where they say the same."""
    return "\n".join(_blocks(_parser().parse(prose)))


def _blocks(tokens: Iterable[Token]) -> Iterator[str]:
    for token in tokens:
        match token.type:
            case "fence" | "code_block":
                yield f"code {token.content.rstrip()!r}"
            case "html_block":
                if not _WRAPPER.fullmatch(token.content):
                    yield f"html {token.content.strip()!r}"
            case "inline":
                yield "".join(_words(token.children or ())).strip()
            case "paragraph_open" | "paragraph_close":
                continue
            case _:
                yield f"<{token.tag} {token.type.rpartition('_')[2]}>"


def _words(tokens: Iterable[Token]) -> Iterator[str]:
    for token in tokens:
        match token.type:
            case "text":
                yield re.sub(r"[ \t]+", " ", token.content)
            case "softbreak":
                yield " "
            case "hardbreak":
                yield "\n"
            case "code_inline":
                yield f"<code {token.content!r}>"
            case "html_inline" if _WRAPPER.fullmatch(token.content):
                continue
            case "image":
                yield f"<img {token.attrs.get('src')!r} {token.content!r}>"
            case _:
                target = token.attrs.get("href")
                yield f"<{token.tag or token.content} {target or token.nesting}>"


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark").enable("table")
