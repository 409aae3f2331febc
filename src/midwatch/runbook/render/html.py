"""A runbook as one page: read on a phone, printed, kept. No script, nothing loaded from elsewhere."""

import re
from collections.abc import Iterator
from functools import cache
from html import escape

from markdown_it import MarkdownIt

from midwatch.runbook.model import Header, Runbook, Section, Task
from midwatch.runbook.render.edges import routes
from midwatch.runbook.render.svg import drawing

PAGE_CSS = """\
:root{color-scheme:light dark;--ink:#1b1f24;--soft:#57606a;--line:#d0d7de;--paper:#fff;--tint:#f3f5f7;
--link:#0550ae;--acts:#fde2dd;--asks:#fff3c4;--reads:#e3efff;--box:#1b1f24}
@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9da7b3;--line:#3d444d;--paper:#0d1117;
--tint:#161b22;--link:#79b8ff}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:50rem;padding:1rem;font:1rem/1.5 system-ui,sans-serif;color:var(--ink);
background:var(--paper);overflow-wrap:break-word}
a{color:var(--link)}h1,h2,h3{line-height:1.25}
h2{margin-top:2.5rem;border-top:1px solid var(--line);padding-top:1rem}
pre,.wide{overflow-x:auto;background:var(--tint);border:1px solid var(--line);border-radius:6px;
padding:.75rem}
code,pre{font:.875rem/1.45 ui-monospace,monospace}table{border-collapse:collapse}
th,td{border:1px solid var(--line);padding:.3rem .6rem;text-align:left;vertical-align:top}
th{background:var(--tint)}.facts{color:var(--soft)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1rem}dd{margin:0}
.graph{background:#fff;padding:0}svg{display:block}svg path{fill:none;stroke:#57606a;stroke-width:1.3}
svg marker path{fill:#57606a;stroke:none}svg .route,svg .undo{stroke-dasharray:5 4}rect{stroke:#57606a}
.acts{fill:var(--acts)}.asks{fill:var(--asks)}.reads{fill:var(--reads)}
svg text{font:600 13px system-ui,sans-serif;text-anchor:middle;fill:var(--box)}
svg .kind{font-weight:400;fill:#424a53}
@media print{body{max-width:none;color:#000;background:#fff}nav{display:none}pre{white-space:pre-wrap}
h2{break-after:avoid}pre,table,svg{break-inside:avoid}}
"""
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
HEADING_LEVEL_MIN = 3


def page(runbook: Runbook) -> str:
    """Return the page; everything of the document is escaped, HTML in its prose too."""
    title = escape(runbook.title or runbook.source.name)
    parts = list(_parts(runbook))
    contents = "".join(
        f'<li><a href="#{anchor}">{escape(text)}</a></li>' for anchor, text, _ in parts if text
    )
    body = "\n".join(html for _, _, html in parts)
    graph = drawing(runbook)
    if graph:
        wide = f'<div class="wide graph" tabindex="0">{graph}</div>'
        graph = f'<section><h2 id="graph">Graph</h2>\n{wide}</section>\n'
        contents += '<li><a href="#graph">Graph</a></li>'
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}">\n'
        f"<title>{title}</title>\n<style>\n{PAGE_CSS}</style>\n</head>\n<body>\n"
        f"<header><h1>{title}</h1>\n{_header(runbook.header)}</header>\n"
        f'<nav aria-label="Contents"><ul>{contents}</ul></nav>\n'
        f"<main>\n{body}\n{graph}</main>\n"
        f'<footer><p class="facts">Document <code>{escape(runbook.source.digest)}</code></p></footer>\n'
        "</body>\n</html>\n"
    )


def _parts(runbook: Runbook) -> Iterator[tuple[str, str, str]]:
    """Yield anchor, heading and HTML of sections and tasks, in the order of the document."""
    placed: list[tuple[int, Section | Task]] = [
        *((section.line, section) for section in runbook.sections),
        *((runbook.source.line_column(task.span.start)[0], task) for task in runbook.tasks),
    ]
    used: set[str] = set()
    for _, part in sorted(placed, key=lambda each: each[0]):
        match part:
            case Section():
                is_title = part.title == runbook.title or not part.title
                if is_title and not part.prose:
                    continue
                anchor = _anchor(part.title, used)
                heading = "" if is_title else f'<h2 id="{anchor}">{escape(part.title)}</h2>\n'
                yield (
                    anchor,
                    "" if is_title else part.title,
                    f"<section>{heading}{prose_html(part.prose)}</section>",
                )
            case Task():
                yield f"task-{part.name.value}", part.title, _task(runbook, part)


def _anchor(title: str, used: set[str]) -> str:
    base = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "section"
    anchor, number = f"s-{base}", 1
    while anchor in used:
        number += 1
        anchor = f"s-{base}-{number}"
    used.add(anchor)
    return anchor


def _header(header: Header | None) -> str:
    if header is None:
        return ""
    facts = {
        "Id": header.id.value,
        "Version": header.version,
        "Owner": header.owner,
        "Mode": header.mode.value,
        "Tools": ", ".join(tool.value for tool in header.tools),
        "Asked": ", then ".join(rung.ask.value for rung in header.ladder),
    }
    rows = "".join(f"<dt>{name}</dt><dd>{escape(value)}</dd>" for name, value in facts.items() if value)
    return f"<dl>{rows}</dl>\n"


def _task(runbook: Runbook, task: Task) -> str:
    name = task.name.value
    facts = [f"<code>{escape(name)}</code>", escape(task.kind.value)]
    if task.tool is not None:
        facts.append(f"calls <code>{escape(task.tool.value)}</code>")
    if task.effect is not None:
        facts.append(f"<strong>{escape(task.effect.value)}</strong>")
    known = {each.name.value for each in runbook.tasks}
    links = [("after", need.value) for need in task.needs] + list(routes(task))
    facts += [f"{escape(word)} {_link(target, known)}" for word, target in links]
    if task.undo is not None:
        facts.append(f"undone by {_link(task.undo.value, known)}")
    pieces = [
        f'<section><h2 id="task-{escape(name)}">{escape(task.title or name)}</h2>',
        f'<p class="facts">{" · ".join(facts)}</p>',
        prose_html(task.prose),
        _code(task.text.value) if task.text else "",
        _table(task),
        _code(runbook.source.text[task.span.start : task.span.end].rstrip()),
        "</section>",
    ]
    return "\n".join(piece for piece in pieces if piece)


def _link(target: str, known: set[str]) -> str:
    text = f"<code>{escape(target)}</code>"
    return f'<a href="#task-{escape(target)}">{text}</a>' if target in known else text


def _code(text: str) -> str:
    return f'<pre tabindex="0"><code>{escape(text)}</code></pre>'


def _table(task: Task) -> str:
    if task.table is None:
        return ""
    head = "".join(f'<th scope="col"><code>{escape(cell.text)}</code></th>' for cell in task.table.header)
    rows = "".join(
        "<tr>" + "".join(f"<td><code>{escape(cell.text)}</code></td>" for cell in row) + "</tr>"
        for row in task.table.rows
    )
    body = f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody>"
    return f'<div class="wide" tabindex="0"><table>{body}</table></div>'


def prose_html(prose: str) -> str:
    """Return Markdown as HTML: HTML in it is shown as text, pictures become links, headings sink."""
    parser = _parser()
    tokens = parser.parse(prose)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{max(HEADING_LEVEL_MIN, int(token.tag[1:]))}"
        if token.type in ("fence", "code_block"):
            token.attrSet("tabindex", "0")
    rendered: str = parser.renderer.render(tokens, parser.options, {})
    return rendered.replace("<pre>", '<pre tabindex="0">')


@cache
def _parser() -> MarkdownIt:
    return (
        MarkdownIt("commonmark", {"html": False})
        .enable("table")
        .disable(["image", "html_inline", "html_block"])
    )
