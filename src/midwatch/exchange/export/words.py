"""What a task's block says, as sentences for people and agents."""

from midwatch.exchange.export.document import Parts
from midwatch.exchange.report import Accounts
from midwatch.runbook.model import Kind, Task


def sentences(parts: Parts, task: Task) -> list[str]:
    """Return what a reader has to know besides the prose, one sentence each."""
    node = parts.of(task)
    said: list[str] = []
    needs = [need.value for need in task.needs]
    if needs:
        how = {"all": "all of", "any": "any of"}.get(task.join, f"at least {task.join} of")
        which = "" if len(needs) == 1 else f"{how} "
        said.append(f"After {which}{', '.join(f'`{name}`' for name in needs)}.")
    if task.when is not None:
        said.append(f"Only if `{task.when.value}`.")
    if task.tool is not None:
        said.append(f"Tool: `{task.tool.value}`" + (f" ({task.effect.value})." if task.effect else "."))
    if node is None:
        return said
    for key, words in (
        ("args", "Arguments"),
        ("bind", "Values"),
        ("foreach", "Once for each of"),
        ("until", "Again until"),
        ("for", "Wait for"),
        ("at", "Wait until"),
        ("event", "Wait for the event"),
        ("call", "Run the runbook"),
        ("message", "Tell them"),
        ("to", "Tell"),
        ("precondition", "Before acting, check"),
        ("verify", "Afterwards, check"),
        ("undo", "To take it back, do"),
        ("on_fail", "If it fails"),
        ("ends", "The run then ends as"),
    ):
        found = node.get(key)
        if found is not None:
            said.append(f"{words}: {inline(found.value)}.")
    if task.kind is Kind.APPROVAL and task.ask is not None:
        said.extend(_asked(task))
    return said


def _asked(task: Task) -> list[str]:
    assert task.ask is not None, "the caller looked"
    who = ", ".join(one.value for one in task.ask.approvers) or "the people of the ladder"
    what = task.ask.question.value if task.ask.question else "whether to go on"
    said = [f"STOP. Ask {who}: {what}", "Go on only after a clear yes; silence and no both mean no."]
    for word, target in (("no", task.ask.on_deny), ("silence", task.ask.on_timeout)):
        if target is not None:
            said.append(f"After {word}: `{target.value}`.")
    return said


def inline(value: object) -> str:
    """Return a value in one line."""
    match value:
        case str():
            return f"`{' '.join(value.split())}`"
        case dict():
            return ", ".join(f"{key} {inline(item)}" for key, item in value.items())
        case list():
            return ", ".join(map(inline, value))
        case _:
            return f"`{value}`"


def mark_task(accounts: Accounts, parts: Parts, task: Task, *, how: str) -> None:
    """Mark title, prose and command as they are, the rest as words."""
    node = parts.of(task)
    accounts.approximately(node, task.kind.value, how)
    for key in ("title", "prose", "command", "table"):
        accounts.exactly(parts.of(task, key), key, "as it is")
