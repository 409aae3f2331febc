"""What makes a CACAO 2.0 playbook invalid, in the order in which it is looked for."""

import re

from midwatch.exchange.naming import words_in
from midwatch.exchange.tree import Node

VERSION = "cacao-2.0"
TYPES = frozenset(
    {
        "start",
        "end",
        "action",
        "playbook-action",
        "parallel",
        "if-condition",
        "while-condition",
        "switch-condition",
    }
)
AGENTS = words_in(
    "group individual location organization sector http-api linux net-address security-category ssh"
)
FORWARD = ("on_completion", "on_success", "on_failure", "on_true", "on_false")
_EMAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,190}\.[A-Za-z]{2,24}|__[A-Za-z][\w-]*__:value")


def check_cacao(root: Node) -> None:
    """Refuse a playbook that is not valid.

    Raises:
        ForeignInvalidError: MW172, with the first thing that is wrong.
    """
    if root.at("spec_version") != VERSION:
        raise root.refused(f"this reads {VERSION}, not `{root.at('spec_version')}`")
    for key in ("id", "name", "created_by", "created", "modified", "workflow_start", "workflow"):
        if root.get(key) is None:
            raise root.refused(f"a playbook needs `{key}`")
    workflow, first = root.get("workflow"), root.get("workflow_start")
    assert workflow is not None, "it was just looked for"
    assert first is not None, "it was just looked for"
    if not workflow.is_mapping:
        raise workflow.refused("`workflow` is a mapping of ids to steps")
    steps = dict(workflow.entries())
    if first.text not in steps:
        raise first.refused(f"`workflow_start` names `{first.text}`, which is no step")
    for name, step in steps.items():
        _check_step(name, step, steps)
    _check_agents(root, steps)
    _check_circles(first.text, steps)


def _check_step(name: str, step: Node, steps: dict[str, Node]) -> None:
    kind = step.get("type")
    if kind is None or kind.text not in TYPES:
        raise step.refused(f"the step `{name}` has no type that CACAO knows")
    needed = {
        "action": ("commands", "agent"),
        "playbook-action": ("playbook_id",),
        "parallel": ("next_steps",),
        "if-condition": ("condition", "on_true"),
        "while-condition": ("condition", "on_true"),
        "switch-condition": ("switch", "cases"),
    }.get(kind.text, ())
    for key in needed:
        if step.get(key) is None:
            raise step.refused(f"the step `{name}` needs `{key}`")
    for target in targets_of(step):
        if target.text not in steps:
            raise target.refused(f"there is no step `{target.text}`")


def _check_agents(root: Node, steps: dict[str, Node]) -> None:
    known: set[str] = set()
    for section in ("agent_definitions", "target_definitions"):
        defined = root.get(section)
        for name, agent in defined.entries() if defined is not None else ():
            known.add(name)
            prefix, kind = name.partition("--")[0], agent.at("type")
            if not kind:
                raise agent.refused(f"`{name}` has no type")
            if prefix in AGENTS and kind != prefix:
                raise agent.refused(f"the id `{name}` says `{prefix}`, but its type is `{kind}`")
            email = agent.get("contact", "email")
            for _, address in email.entries() if email is not None else ():
                if not _EMAIL.fullmatch(address.text):
                    raise address.refused(f"`{address.text[:60]}` is no e-mail address")
    for step in steps.values():
        targets = step.get("targets")
        used = [step.get("agent"), *(targets.items() if targets is not None else ())]
        for one in used:
            if one is not None and step.at("type") == "action" and one.text not in known:
                raise one.refused(f"nothing defines the agent or target `{one.text}`")


def _check_circles(first: str, steps: dict[str, Node]) -> None:
    done: set[str] = set()
    path: list[str] = []
    stack: list[tuple[str, bool]] = [(first, False)]
    while stack:
        name, is_left = stack.pop()
        if is_left:
            done.add(path.pop())
            continue
        if name in path:
            raise steps[name].refused(f"the step `{name}` leads back to itself")
        if name in done:
            continue
        path.append(name)
        stack.append((name, True))
        stack.extend((target.text, False) for target in targets_of(steps[name]))


def targets_of(step: Node) -> list[Node]:
    """Return every place of a step that names another."""
    found = [node for node in map(step.get, FORWARD) if node is not None]
    branches, cases = step.get("next_steps"), step.get("cases")
    found.extend(branches.items() if branches is not None else ())
    found.extend(value for _, value in cases.entries()) if cases is not None else None
    return [one for node in found for one in (list(node.items()) if node.is_list else [node])]
