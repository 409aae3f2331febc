"""Runbooks of the wild: what is typed, what is filled in, what may change something, and what stays prose."""

import pytest

from midwatch.exchange.imported import Imported, Wish
from midwatch.exchange.prose.convert import read_markdown
from midwatch.exchange.prose.placeholders import placeholders_in
from midwatch.exchange.prose.shell import typed_in
from midwatch.exchange.report import Fate
from midwatch.exchange.risk import Reach, risks_of
from midwatch.plan.model import PlanTask
from midwatch.plan.review import lint_text
from midwatch.runbook.model import Level

WILD = """\
---
title: Etcd quota
weight: 20
---

# etcdDatabaseQuotaLowSpace

## Diagnosis

Open a shell in the container:

```console
$ oc rsh -c etcdctl -n openshift-etcd $ETCD_POD
# etcdctl endpoint status -w table
+------+
| leader |
```

The answer looks like this:

```yaml
tests: 1
```

1. Find the pods:

   ```shell
   kubectl get pods -n <namespace> | grep {{ $labels.pod }}
   ```

   and note one.

2. Restart it

   ```
   kubectl delete pod <pod>
   ```
"""


def wild(text: str = WILD, **wish: bool) -> Imported:
    return read_markdown(text.encode(), name="etcd.md", wish=Wish(**wish))  # type: ignore[arg-type]


def tasks_of(found: Imported) -> list[PlanTask]:
    report = lint_text(found.text.encode(), name="x", manifests={})
    assert [one.sentence for one in report.errors] == []
    assert report.level is Level.L2
    assert report.plan is not None
    return list(report.plan.tasks)


def test_each_shell_block_is_a_step_for_a_person_in_the_order_of_the_document() -> None:
    tasks = tasks_of(wild())

    assert [task.kind for task in tasks] == ["manual"] * 3
    assert [task.title for task in tasks] == ["Open a shell in the container", "Find the pods", "Restart it"]
    assert tasks[1].needs == (tasks[0].name,)
    assert "$ oc rsh -c etcdctl" in tasks[0].prose
    assert "| leader |" in tasks[0].prose


def test_commands_are_told_from_what_they_answer() -> None:
    found = wild().text

    assert (
        "x-commands: [oc rsh -c etcdctl -n openshift-etcd $ETCD_POD, etcdctl endpoint status -w table]"
        in found
    )


def test_what_is_filled_in_becomes_an_input() -> None:
    report = lint_text(wild().text.encode(), name="x", manifests={})
    assert report.plan is not None

    assert set(report.plan.inputs["properties"]) == {"etcd_pod", "namespace_value", "pod"}


def test_what_may_change_something_is_marked_for_review() -> None:
    marks = [item.how for item in wild().report.items if item.what == "review"]

    assert marks == ["look twice: `kubectl delete` deletes objects of a cluster"]
    assert 'x-review: ["kubectl delete: deletes objects of a cluster"]' in wild().text


def test_a_block_of_yaml_that_looks_like_ours_stays_text() -> None:
    assert ">     tests: 1" in wild().text


def test_front_matter_is_kept_and_said() -> None:
    item = next(item for item in wild().report.items if item.what == "front matter")

    assert item.fate is Fate.APPROXIMATELY
    assert 'x-front-matter: ["title: Etcd quota", "weight: 20"]' in wild().text


def test_with_commands_a_plain_command_becomes_a_candidate() -> None:
    text = "# A\n\nLook:\n\n```sh\ndf -h /var\n```\n\nThen:\n\n```sh\nsystemctl restart app\n```\n"
    found = wild(text, with_commands=True).text

    assert "tool: command.read" in found
    assert "tool: command.write" in found
    assert "kind: manual" not in found
    assert "kind: command" not in wild(text).text


@pytest.mark.parametrize(
    ("text", "word", "commands", "output"),
    [
        ("$ ls -l\ntotal 0\n", "", ["ls -l"], ["total 0"]),
        ("root@db1:~# df -h\nFilesystem\n", "text", ["df -h"], ["Filesystem"]),
        ("PS C:\\> Restart-Service app\n", "powershell", ["Restart-Service app"], []),
        ("# systemctl restart x\nok\n", "", ["systemctl restart x"], ["ok"]),
        ("# a comment\nls\n", "sh", ["ls"], []),
        ("$ cat <<EOF > x\na\nEOF\n$ ls\n", "console", ["cat <<EOF > x\na\nEOF", "ls"], []),
        ("kubectl get pods \\\n  -n a\n", "bash", ["kubectl get pods \\\n  -n a"], []),
        ("kubectl get pods\noc whoami\n", "", ["kubectl get pods", "oc whoami"], []),
    ],
)
def test_prompts_outputs_and_continued_lines(
    text: str, word: str, commands: list[str], output: list[str]
) -> None:
    typed = typed_in(text, word)

    assert typed.is_shell
    assert list(typed.commands) == commands
    assert list(typed.output) == output


@pytest.mark.parametrize(("text", "word"), [("select 1\n", "sql"), ("a: 1\n", "yaml"), ("Some words.\n", "")])
def test_what_is_not_typed_into_a_shell(text: str, word: str) -> None:
    assert not typed_in(text, word).is_shell


def test_placeholders_of_every_way_of_writing() -> None:
    found = placeholders_in(
        ["x <pod-name> $NAMESPACE ${REGION} {{ .Labels.instance }} %s YOUR_TOKEN", "A=1 echo $A $HOME"]
    )

    assert [(one.name, one.written) for one in found] == [
        ("pod_name", "<pod-name>"),
        ("namespace_value", "$NAMESPACE"),
        ("region", "${REGION}"),
        ("instance", "{{ .Labels.instance }}"),
        ("value", "%s"),
        ("your_token", "YOUR_TOKEN"),
    ]


@pytest.mark.parametrize(
    ("command", "reversible", "reach"),
    [
        ("kubectl delete pod x", False, Reach.ONE),
        ("kubectl delete pods --all", False, Reach.MANY),
        ("kubectl scale deploy/x --replicas 3", True, Reach.ONE),
        ("sudo systemctl restart nginx", True, Reach.MANY),
        ("find /tmp -name x | xargs rm -f", False, Reach.MANY),
        ("psql -c 'drop table users'", False, Reach.ALL),
        ("terraform destroy", False, Reach.ALL),
        ("curl -X POST http://x/restart", False, Reach.ONE),
        ("echo 1 > /proc/sys/vm/drop_caches", True, Reach.ONE),
    ],
)
def test_words_that_change_something(command: str, reversible: bool, reach: Reach) -> None:  # noqa: FBT001 - a table
    found = risks_of(command)

    assert found
    assert all(risk.is_reversible for risk in found) is reversible
    assert max(risk.reach for risk in found) is reach


@pytest.mark.parametrize(
    "command",
    [
        "kubectl get pods",
        "systemctl status nginx",
        "df -h",
        "curl -s http://x",
        "journalctl -u x 2>&1",
        "cat x >/dev/null",
    ],
)
def test_words_that_only_look(command: str) -> None:
    assert risks_of(command) == ()
