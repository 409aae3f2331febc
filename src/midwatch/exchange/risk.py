"""What a command line may change, read from its words: a mark for a reviewer, never a permission.

The words find what people usually write. What they don't find may still act: no mark is no promise.
"""

import re
from dataclasses import dataclass
from enum import IntEnum


class Reach(IntEnum):
    """How much a command may touch, as far as its words tell."""

    NOTHING = 0
    """It seems to look only."""
    ONE = 1
    """One thing, or one machine."""
    MANY = 2
    """Several things, or a whole service."""
    ALL = 3
    """A cluster, a database, everything that matches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Risk:
    """One reason to look twice."""

    word: str
    """What in the command says so."""
    why: str
    is_reversible: bool
    reach: Reach


def _rule(
    pattern: str, why: str, *, back: bool, reach: Reach = Reach.ONE
) -> tuple[re.Pattern[str], str, bool, Reach]:
    return re.compile(pattern, re.IGNORECASE), why, back, reach


_START = r"(?:^|[|;&(]\s*|\bsudo\s+|\bxargs\s+(?:-\S+\s+)*)"
_RULES = (
    _rule(
        r"\b(?:kubectl|oc)\b.*?\bdelete\b",
        "deletes objects of a cluster",
        back=False,
    ),
    _rule(
        r"\b(?:kubectl|oc)\b.*?\b(?:drain|cordon|uncordon|taint)\b",
        "moves work off a node",
        back=True,
        reach=Reach.MANY,
    ),
    _rule(
        (
            r"\b(?:kubectl|oc)\b.*?\b(?:apply|create|patch|replace|edit|annotate|label|set|scale|"
            r"autoscale|expose|run|cp)\b"
        ),
        "changes objects of a cluster",
        back=True,
    ),
    _rule(
        r"\b(?:kubectl|oc)\b.*?\brollout\s+(?:restart|undo|pause|resume)\b",
        "restarts or rolls back a deployment",
        back=True,
        reach=Reach.MANY,
    ),
    _rule(
        r"\b(?:kubectl|oc)\b.*?\bexec\b",
        "runs something inside of a container",
        back=False,
    ),
    _rule(
        r"\bhelm\s+(?:install|upgrade|rollback)\b",
        "changes a release",
        back=True,
        reach=Reach.MANY,
    ),
    _rule(
        r"\bhelm\s+(?:uninstall|delete)\b",
        "removes a release",
        back=False,
        reach=Reach.MANY,
    ),
    _rule(
        (
            r"\b(?:systemctl|service)\b.*?\b(?:restart|stop|start|reload|try-restart|kill|mask|"
            r"unmask|enable|disable|isolate)\b"
        ),
        "changes a service",
        back=True,
        reach=Reach.MANY,
    ),
    _rule(
        _START + r"(?:rm|rmdir|unlink|shred)\b",
        "deletes files",
        back=False,
    ),
    _rule(
        _START + r"(?:mv|cp|ln|install|rsync|scp|touch|mkdir|tee)\b",
        "writes files",
        back=True,
    ),
    _rule(
        _START + r"(?:chmod|chown|chgrp|setfacl|chattr)\b",
        "changes who may do what with files",
        back=True,
    ),
    _rule(
        _START + r"(?:mkfs\S*|dd|wipefs|fdisk|parted|lvremove|pvremove|vgremove)\b",
        "overwrites a disk",
        back=False,
        reach=Reach.ALL,
    ),
    _rule(
        _START + r"(?:kill|pkill|killall)\b",
        "ends processes",
        back=False,
    ),
    _rule(
        _START + r"(?:reboot|shutdown|poweroff|halt|init\s+[06])\b",
        "stops a machine",
        back=False,
        reach=Reach.MANY,
    ),
    _rule(
        _START + r"truncate\b",
        "empties files",
        back=False,
    ),
    _rule(
        r"\bsed\s+(?:-\S*\s+)*-i",
        "edits files in place",
        back=True,
    ),
    _rule(
        r"(?<![0-9<>=-])>{1,2}\s*(?!/dev/null|&)[\w./$~{\"'-]",
        "writes into a file",
        back=True,
    ),
    _rule(
        r"\b(?:docker|podman|crictl|nerdctl)\b.*?\b(?:rm|rmi|prune|kill)\b",
        "removes containers or images",
        back=False,
    ),
    _rule(
        (
            r"\b(?:docker|podman|crictl|nerdctl)\b.*?\b(?:run|stop|start|restart|exec|cp|"
            r"compose)\b"
        ),
        "changes containers",
        back=True,
    ),
    _rule(
        r"\b(?:terraform|tofu|pulumi)\b.*?\b(?:apply|up|import|taint)\b",
        "changes infrastructure",
        back=True,
        reach=Reach.ALL,
    ),
    _rule(
        r"\b(?:terraform|tofu|pulumi)\b.*?\bdestroy\b",
        "destroys infrastructure",
        back=False,
        reach=Reach.ALL,
    ),
    _rule(
        r"\bansible(?:-playbook)?\b",
        "changes machines",
        back=False,
        reach=Reach.ALL,
    ),
    _rule(
        r"\b(?:drop|truncate)\s+(?:table|database|schema|index|view|user|role)\b",
        "drops part of a database",
        back=False,
        reach=Reach.ALL,
    ),
    _rule(
        r"\bdelete\s+from\b",
        "deletes rows",
        back=False,
        reach=Reach.MANY,
    ),
    _rule(
        (
            r"\b(?:update\s+\S+\s+set|insert\s+into|alter\s+(?:table|system|role|user|database)|"
            r"vacuum\s+full|reindex)\b"
        ),
        "changes a database",
        back=True,
        reach=Reach.MANY,
    ),
    _rule(
        r"\bpg_(?:terminate_backend|cancel_backend)\b",
        "ends sessions of a database",
        back=False,
    ),
    _rule(
        (
            r"\b(?:aws|gcloud|az|doctl|openstack)\b.*?\b(?:\S*-)?(?:delete|terminate|destroy|"
            r"purge|deregister)\b"
        ),
        "deletes in a cloud",
        back=False,
        reach=Reach.MANY,
    ),
    _rule(
        (
            r"\b(?:aws|gcloud|az|doctl|openstack)\b.*?\b(?:\S*-)?(?:create|update|modify|put|stop|"
            r"start|reboot|restart|set|attach|detach|resize|scale)\b"
        ),
        "changes a cloud",
        back=True,
        reach=Reach.MANY,
    ),
    _rule(
        r"\b(?:curl|wget|http)\b.*?(?:-X\s*|--request[ =])(?:POST|PUT|PATCH)\b",
        "sends something to a server",
        back=False,
    ),
    _rule(
        r"\b(?:curl|wget|http)\b.*?(?:-X\s*|--request[ =])DELETE\b",
        "deletes something on a server",
        back=False,
    ),
    _rule(
        r"\bcurl\b.*?\s(?:-d|--data\S*|-F|--form|-T|--upload-file)\b",
        "sends something to a server",
        back=False,
    ),
    _rule(
        r"\b(?:iptables|ip6tables|nft|ufw|firewall-cmd)\b(?!.*\b(?:-L|-S|list|status)\b)",
        "changes the firewall",
        back=True,
        reach=Reach.MANY,
    ),
    _rule(
        r"\bip\s+(?:link|addr|route)\s+(?:set|add|del|replace|flush)\b",
        "changes the network",
        back=True,
        reach=Reach.MANY,
    ),
    _rule(
        r"\bsysctl\s+(?:-\S*\s+)*(?:-w|\S+=)",
        "changes the kernel",
        back=True,
        reach=Reach.MANY,
    ),
    _rule(
        (
            r"\b(?:apt|apt-get|yum|dnf|zypper|apk|pip|pip3|npm|gem|snap)\b.*?\b(?:install|remove|"
            r"purge|upgrade|update|erase|autoremove)\b"
        ),
        "changes what is installed",
        back=True,
        reach=Reach.MANY,
    ),
    _rule(
        (
            r"\betcdctl\b.*?\b(?:del|put|compact|defrag|snapshot\s+restore|member\s+(?:add|remove|"
            r"update))\b"
        ),
        "changes etcd",
        back=False,
        reach=Reach.ALL,
    ),
    _rule(
        (
            r"\b(?:redis-cli|valkey-cli)\b.*?\b(?:flushall|flushdb|del|set|config\s+set|shutdown|"
            r"failover)\b"
        ),
        "changes Redis",
        back=False,
        reach=Reach.MANY,
    ),
    _rule(
        r"\bgit\s+(?:push|reset\s+--hard|clean)\b",
        "changes a repository",
        back=False,
    ),
    _rule(
        r"\b(?:Remove|Clear|Uninstall)-[A-Z]\w+",
        "removes something",
        back=False,
    ),
    _rule(
        (
            r"\b(?:Set|New|Start|Stop|Restart|Enable|Disable|Add|Update|Invoke|Suspend|Resume|"
            r"Move|Rename)-[A-Z]\w+"
        ),
        "changes something",
        back=True,
    ),
    _rule(
        r"\bcrontab\s+-[re]\b",
        "changes what runs by the clock",
        back=False,
    ),
    _rule(
        r"\b(?:umount|mount|swapoff|swapon|modprobe|rmmod|insmod)\b",
        "changes what is mounted or loaded",
        back=True,
    ),
)
_WIDE = re.compile(
    r"--all\b|(?<!\S)-A\b|--all-namespaces|(?<!\S)-[a-z]*rf[a-z]*\b|(?<!\S)-l\s|--selector|\*|\bxargs\b|\bfor\b.*\bin\b",
    re.IGNORECASE,
)
COMMAND_CHARACTERS_MAX = 1_000
"""What is longer is only read that far: patterns take time."""


def risks_of(command: str) -> tuple[Risk, ...]:
    """Return what a command may change, in the order of the rules; nothing where it seems to look only."""
    text = " ".join(command[:COMMAND_CHARACTERS_MAX].split())
    is_wide = _WIDE.search(text) is not None
    found: list[Risk] = []
    for pattern, why, is_reversible, reach in _RULES:
        match = pattern.search(text)
        if match is not None:
            wide = Reach(min(reach + 1, Reach.ALL)) if is_wide else reach
            word = match[0].strip(" |;&(")[:60]
            found.append(Risk(word=word, why=why, is_reversible=is_reversible, reach=wide))
    return tuple(found)
