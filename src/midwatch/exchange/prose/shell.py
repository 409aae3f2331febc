"""What in a code block is typed, and what is the answer: prompts, continuations, here-documents, outputs."""

import re
from dataclasses import dataclass

SHELLS = frozenset(
    [
        "sh",
        "bash",
        "shell",
        "zsh",
        "ksh",
        "fish",
        "console",
        "shell-session",
        "shellsession",
        "terminal",
        "sh-session",
        "cmd",
        "bat",
        "batch",
        "powershell",
        "ps1",
        "pwsh",
        "ps",
    ]
)
SESSIONS = frozenset(["console", "shell-session", "shellsession", "terminal", "sh-session"])
_PLAIN = frozenset(("", "text", "txt", "plain", "plaintext", "none", "output"))
_PROMPT = re.compile(
    r"^\s*(?:\$|%|\u276f|\u279c|PS(?: [^>\n]{0,80})?>|C:[\\\w]*>|\[[^\]\n]{1,80}\][$#]|"
    r"[\w.-]{1,40}@[\w.-]{1,60}(?:[:\s][^\s$#]{0,60})?[$#]|"
    r"(?:ba)?sh-\d[\d.]*[$#]|mysql>|\w{1,30}=[#>]) ?(?=\S)"
)
_ROOT = re.compile(r"^\s*# (?=\S)")
_HEREDOC = re.compile(r"<<-?\s*[\"']?(\w+)[\"']?")
_WORD = re.compile(r"(?:sudo\s+(?:-\S+\s+)*)?(?:[A-Z_][A-Z0-9_]*=\S*\s+)*([\w./~-]+)")
KNOWN = frozenset(
    [
        "kubectl",
        "oc",
        "helm",
        "systemctl",
        "journalctl",
        "service",
        "docker",
        "podman",
        "crictl",
        "curl",
        "wget",
        "ssh",
        "scp",
        "rsync",
        "grep",
        "egrep",
        "awk",
        "sed",
        "cat",
        "less",
        "tail",
        "head",
        "ls",
        "cd",
        "df",
        "du",
        "free",
        "top",
        "htop",
        "ps",
        "kill",
        "pkill",
        "killall",
        "uptime",
        "uname",
        "who",
        "w",
        "id",
        "dmesg",
        "mount",
        "umount",
        "lsblk",
        "lsof",
        "netstat",
        "ss",
        "ip",
        "ping",
        "traceroute",
        "mtr",
        "dig",
        "nslookup",
        "host",
        "telnet",
        "nc",
        "openssl",
        "psql",
        "mysql",
        "mysqladmin",
        "redis-cli",
        "mongo",
        "mongosh",
        "etcdctl",
        "calicoctl",
        "istioctl",
        "argocd",
        "flux",
        "kustomize",
        "terraform",
        "ansible",
        "ansible-playbook",
        "aws",
        "gcloud",
        "az",
        "gsutil",
        "eksctl",
        "git",
        "make",
        "python",
        "python3",
        "pip",
        "npm",
        "node",
        "java",
        "jstack",
        "jmap",
        "jcmd",
        "amtool",
        "promtool",
        "logcli",
        "vault",
        "consul",
        "nomad",
        "rm",
        "mv",
        "cp",
        "ln",
        "mkdir",
        "rmdir",
        "touch",
        "chmod",
        "chown",
        "find",
        "xargs",
        "tee",
        "sort",
        "uniq",
        "wc",
        "cut",
        "tr",
        "jq",
        "yq",
        "date",
        "sleep",
        "echo",
        "printf",
        "export",
        "source",
        "apt",
        "apt-get",
        "yum",
        "dnf",
        "apk",
        "zypper",
        "rpm",
        "dpkg",
        "iptables",
        "nft",
        "sysctl",
        "vmstat",
        "iostat",
        "sar",
        "mpstat",
        "pidstat",
        "strace",
        "perf",
        "tcpdump",
        "rabbitmqctl",
        "kafka-topics.sh",
        "kafka-consumer-groups.sh",
        "nodetool",
        "cqlsh",
        "pg_ctl",
        "pg_dump",
        "pg_restore",
        "pg_isready",
        "reboot",
        "shutdown",
        "sudo",
        "su",
        "time",
        "watch",
        "for",
        "while",
        "if",
        "test",
        "base64",
        "gzip",
        "tar",
        "zip",
        "unzip",
        "md5sum",
        "sha256sum",
        "stat",
        "file",
        "fuser",
        "crontab",
        "Get-Service",
        "Restart-Service",
        "Stop-Service",
        "Start-Service",
        "Get-Process",
        "Stop-Process",
        "Get-EventLog",
        "Get-WinEvent",
        "Test-NetConnection",
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """A code block, taken apart."""

    is_shell: bool
    commands: tuple[str, ...] = ()
    """Without prompts; lines that continue are one command, joined by line feeds as they were."""
    output: tuple[str, ...] = ()
    """Lines that are the answer."""


def typed_in(text: str, word: str) -> Typed:
    """Return what is typed in a block.

    Args:
        text: the block's content.
        word: the first word after the fence's marks, in lower case.
    """
    lines = text.split("\n")
    while lines and not lines[-1].strip():
        lines.pop()
    has_prompt = any(_PROMPT.match(line) for line in lines)
    is_root = not has_prompt and _has_root_prompt(lines, word)
    if word not in SHELLS and (word not in _PLAIN or not (has_prompt or is_root or _looks_typed(lines))):
        return Typed(is_shell=False)
    if has_prompt or is_root:
        return _session(lines, _PROMPT if has_prompt else _ROOT)
    return Typed(is_shell=True, commands=tuple(_commands(lines)))


def _session(lines: list[str], prompt: re.Pattern[str]) -> Typed:
    commands: list[str] = []
    output: list[str] = []
    at = 0
    while at < len(lines):
        found = prompt.match(lines[at]) or _root_prompt(lines[at])
        if found is None:
            output.append(lines[at])
            at += 1
            continue
        size = _extent(lines, at)
        body = [lines[at][found.end() :], *(_unprompted(line) for line in lines[at + 1 : at + size])]
        commands.append("\n".join(body))
        at += size
    return Typed(
        is_shell=True, commands=tuple(commands), output=tuple(line for line in output if line.strip())
    )


def _commands(lines: list[str]) -> list[str]:
    commands: list[str] = []
    at = 0
    while at < len(lines):
        stripped = lines[at].strip()
        if not stripped or stripped.startswith(("#", "//", "::", "REM ")):
            at += 1
            continue
        size = _extent(lines, at)
        commands.append("\n".join(line.strip() if size == 1 else line for line in lines[at : at + size]))
        at += size
    return commands


def _extent(lines: list[str], at: int) -> int:
    """Return over how many lines a command goes."""
    size = 1
    heredoc = _HEREDOC.search(lines[at])
    if heredoc is not None:
        end = next((n for n in range(at + 1, len(lines)) if lines[n].strip() == heredoc[1]), None)
        return size if end is None else end - at + 1
    while at + size < len(lines) and lines[at + size - 1].rstrip().endswith(("\\", "`")):
        size += 1
    return size


def _unprompted(line: str) -> str:
    return re.sub(r"^\s*> ", "", line, count=1)


def _root_prompt(line: str) -> re.Match[str] | None:
    """Return the prompt of a line that begins with `# ` and a program, among lines with other prompts."""
    found = _ROOT.match(line)
    return found if found is not None and _is_known(line[found.end() :]) else None


def _has_root_prompt(lines: list[str], word: str) -> bool:
    """Return whether `# ` is a prompt here, and not the beginning of a comment."""
    if word not in SESSIONS and word not in _PLAIN:
        return False
    marked = [line for line in lines if _ROOT.match(line)]
    first = next((line for line in lines if line.strip()), "")
    return (
        bool(marked)
        and _ROOT.match(first) is not None
        and all(_is_known(_ROOT.sub("", line)) for line in marked)
    )


def _looks_typed(lines: list[str]) -> bool:
    commands = _commands(lines)
    return bool(commands) and all(map(_is_known, commands))


def _is_known(command: str) -> bool:
    found = _WORD.match(command.strip())
    if found is None:
        return False
    name = found[1]
    return name in KNOWN or name.startswith(("./", "~/", "/usr/", "/opt/", "/bin/", "/sbin/"))
