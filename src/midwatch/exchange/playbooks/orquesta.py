"""StackStorm Orquesta workflows, version 1.0, as runbooks.

Source: StackStorm's documentation, "Orquesta Workflow Definition": tasks are nodes, `next` are the edges; a
task without a way to it begins, beside the others that do.
"""

import re
from typing import Any

from midwatch.exchange.draft import DraftTask, written
from midwatch.exchange.imported import Imported, Wish
from midwatch.exchange.naming import snake
from midwatch.exchange.steps.builder import Steps, by_hand
from midwatch.exchange.steps.ways import Way
from midwatch.exchange.tree import Node

FORMAT = "orquesta"
ENGINE = frozenset({"noop", "fail", "continue", "retry"})
OTHERWISE = "otherwise"
_SUCCEEDED = re.compile(r"<%\s*succeeded\(\)\s*%>|\{\{\s*succeeded\(\)\s*\}\}")
_FAILED = re.compile(r"<%\s*failed\(\)\s*%>|\{\{\s*failed\(\)\s*\}\}")
_COMPLETED = re.compile(r"<%\s*completed\(\)\s*%>|\{\{\s*completed\(\)\s*\}\}|^\s*$")


def is_orquesta(root: Node) -> bool:
    """Return whether a document says that it is one."""
    tasks = root.get("tasks")
    first = next(tasks.entries(), None) if tasks is not None else None
    return root.at("version") in ("1.0", "1") and first is not None and first[1].is_mapping


def read_orquesta(root: Node, wish: Wish) -> Imported:
    """Return the runbook of a workflow.

    Raises:
        ForeignInvalidError: MW172; ForeignTooBigError: MW173.
    """
    return _Reader(root, wish).imported()


class _Reader:
    def __init__(self, root: Node, wish: Wish) -> None:
        tasks = root.get("tasks")
        if tasks is None or not tasks.is_mapping or not tasks.value:
            raise root.refused("a workflow needs `tasks`, a mapping")
        self._root = root
        self._steps = Steps(root=root, wish=wish)
        self._accounts = self._steps.accounts
        self._tasks = dict(tasks.entries())
        self._ours = {name: self._steps.names.fresh(name) for name in self._tasks}
        self._arriving: dict[str, list[Way]] = {}
        self._failing: dict[str, str] = {}

    def imported(self) -> Imported:
        edges = {name: [one for _, one, _ in self._edges(task)] for name, task in self._tasks.items()}
        order, backward = _ordered(edges)
        reached = {target for targets in edges.values() for target in targets}
        for name in order:
            task = self._tasks[name]
            ways = self._arriving.get(name, [])
            if name in reached and not ways and name not in self._failing.values():
                self._accounts.not_carried(task, name, "no way that is carried leads to this task")
                continue
            self._task(name, task, ways, backward)
        return self._whole()

    # ------------------------------------------------------------------------------------------- edges

    def _edges(self, task: Node) -> list[tuple[Node, str, Node]]:
        """Return each way of a task: its entry under `next`, the target, and where it stands."""
        found: list[tuple[Node, str, Node]] = []
        following = task.get("next")
        for entry in following.items() if following is not None else ():
            to = entry.get("do")
            if to is None:
                continue
            for name in self._named(to):
                if name not in self._tasks and name not in ENGINE:
                    raise to.refused(f"`do` names `{name}`, which is no task")
                if name in self._tasks:
                    found.append((entry, name, to))
        return found

    @staticmethod
    def _named(to: Node) -> list[str]:
        if to.is_list:
            return [item.text for item in to.items()]
        return [word.strip() for word in to.text.split(",") if word.strip()]

    # ------------------------------------------------------------------------------------------- tasks

    def _task(self, name: str, task: Node, ways: list[Way], backward: set[tuple[str, str]]) -> None:
        own = self._ours[name]
        keys: dict[str, Any] = {}
        join = task.get("join")
        if join is not None and len({way.task for way in ways}) > 1:
            keys["join"] = join.text if join.text == "all" else str(join.value)
        self._accounts.exactly(join, "join", "`join:`")
        words = self._words(task)
        failing = [target for entry, target, _ in self._edges(task) if _FAILED.search(entry.at("when"))]
        if failing:
            keys["on_fail"] = self._ours[failing[0]]
            self._failing[name] = failing[0]
        self._mark(name, task, is_met_twice=join is None and len({way.task for way in ways}) > 1)
        asked = f"\n\nThen say which way it goes on: {', '.join(words)}." if len(words) > 1 else ""
        what = f"Do what this task does.{asked}\n\n`midwatch done` hands in what came out of it."
        draft = DraftTask(name=own, title=name, kind="manual", keys=keys, prose=by_hand(what, task.value))
        if len(words) > 1:
            chosen = self._steps.choice(draft, ways, words)
        else:
            chosen = {words[0]: self._steps.add(draft, ways)}
        self._leave(name, task, chosen, backward)

    def _words(self, task: Node) -> list[str]:
        """Return a word for each condition that only a person can judge, and one for none of them."""
        judged = [entry for entry in self._entries(task) if not _is_plain(entry.at("when"))]
        return [f"way_{number}" for number in range(1, len(judged) + 1)] + [OTHERWISE]

    def _entries(self, task: Node) -> list[Node]:
        following = task.get("next")
        return [entry for entry in following.items() if entry.get("do")] if following is not None else []

    def _leave(self, name: str, task: Node, chosen: dict[str, Way], backward: set[tuple[str, str]]) -> None:
        judged = 0
        for entry in self._entries(task):
            when, to = entry.at("when"), entry.get("do")
            assert to is not None, "entries have one"
            ways = list(chosen.values())
            if _FAILED.search(when):
                self._failed(entry, to)
                continue
            if not _is_plain(when):
                judged += 1
                ways = [chosen[f"way_{judged}"]]
                self._accounts.approximately(
                    entry.get("when"), "when", f"a person judges it (task `{self._ours[name]}`)"
                )
            elif len(chosen) > 1:
                ways = _undecided(chosen)
            for target in self._named(to):
                if target in ENGINE:
                    self._accounts.approximately(to, f"do: {target}", "the runbook goes no further there")
                elif (name, target) in backward:
                    self._accounts.not_carried(to, "do", f"a way back to `{target}` would be a circle")
                    self._back(target, ways)
                else:
                    self._arriving.setdefault(target, []).extend(ways)

    def _failed(self, entry: Node, to: Node) -> None:
        named = [target for target in self._named(to) if target in self._tasks]
        if not named:
            self._accounts.exactly(entry, "when: failed", "the run ends as failed")
            return
        how = f"`on_fail: {self._ours[named[0]]}`"
        if len(named) > 1:
            how += f"; only the first of {len(named)}"
            self._accounts.approximately(entry, "when: failed", how)
        else:
            self._accounts.exactly(entry.get("when"), "when: failed", how)

    def _back(self, target: str, ways: list[Way]) -> None:
        prose = f"The original goes back here, to `{target}`. Decide whether to start this runbook anew."
        name = self._steps.names.fresh(f"back to {target}")
        keys = {"ends": "escalated"}
        self._steps.add(
            DraftTask(name=name, title=f"Go back to {target}?", kind="manual", keys=keys, prose=prose), ways
        )

    def _mark(self, name: str, task: Node, *, is_met_twice: bool) -> None:
        accounts, own = self._accounts, self._ours[name]
        following = task.get("next")
        for entry in following.items() if following is not None else ():
            for key in ("when", "do"):
                accounts.exactly(
                    entry.get(key), key, "needs, `when:` and `on_fail:` of the tasks that follow"
                )
            accounts.approximately(entry.get("publish"), "publish", f"in the prose of task `{own}`")
        once = "; once, although the original runs it for each way that leads here" if is_met_twice else ""
        for key in ("action", "input"):
            accounts.approximately(task.get(key), key, f"a person does it (task `{own}`){once}")
        accounts.approximately(task.get("delay"), "delay", "in the prose of the task")
        accounts.approximately(task.get("with"), "with", "in the prose: a person does it for each item")
        accounts.not_carried(task.get("retry"), "retry", "a person tries again; give a tool `retry:`")

    # ------------------------------------------------------------------------------------------- whole

    def _whole(self) -> Imported:
        root, accounts = self._root, self._accounts
        inputs: dict[str, Any] = {}
        given = root.get("input")
        for item in given.items() if given is not None else ():
            named = list(item.entries())
            if named:
                name, value = named[0]
                inputs[snake(name, "input")] = {"default": value.value}
            else:
                name = item.text
                inputs[snake(name, "input")] = {"description": "as the workflow takes it"}
            accounts.exactly(item, "input", f"`inputs.{snake(name, 'input')}`")
        accounts.exactly(root.get("version"), "version", "said under Origin")
        accounts.exactly(root.get("description"), "description", "prose under the title")
        accounts.approximately(root.get("vars"), "vars", "said under Origin, for people")
        accounts.approximately(root.get("output"), "output", "said under Origin, for people")
        title = root.source.name.rpartition("/")[2].partition(".")[0]
        header: dict[str, Any] = {"inputs": inputs} if inputs else {}
        said = [
            "Imported from StackStorm Orquesta 1.0. A person does each task until somebody gives it a tool."
        ]
        for key in ("vars", "output"):
            node = root.get(key)
            if node is not None:
                said.append(f"{key}: {node.value}")
        draft = self._steps.draft(
            title=title, header=header, prose=root.at("description"), origin="\n\n".join(said)
        )
        return Imported(id=draft.id, text=written(draft), report=accounts.report(source_format=FORMAT))


def _is_plain(when: str) -> bool:
    return bool(
        _SUCCEEDED.fullmatch(when.strip()) or _COMPLETED.fullmatch(when.strip()) or _FAILED.search(when)
    )


def _undecided(chosen: dict[str, Way]) -> list[Way]:
    """Return the one way of a choice that is gone whatever was chosen."""
    first = next(iter(chosen.values()))
    return [Way(task=first.task, ran=first.ran)]


def _ordered(edges: dict[str, list[str]]) -> tuple[list[str], set[tuple[str, str]]]:
    """Return the tasks so that each stands after all that lead to it, and the edges that close a circle."""
    backward: set[tuple[str, str]] = set()
    done: list[str] = []
    for root in edges:
        stack: list[tuple[str, int]] = [(root, 0)] if root not in done else []
        path = [root] if stack else []
        while stack:
            name, at = stack.pop()
            if at == len(edges[name]):
                done.append(name)
                path.remove(name)
                continue
            stack.append((name, at + 1))
            target = edges[name][at]
            if target in path:
                backward.add((name, target))
            elif target not in done:
                path.append(target)
                stack.append((target, 0))
    return list(reversed(done)), backward
