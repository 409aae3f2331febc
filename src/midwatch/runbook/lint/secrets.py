"""Secrets in the text: keys, tokens and passwords that are plain to see."""

import re

from midwatch.runbook.errors import SecretInTextError
from midwatch.runbook.model import Runbook
from midwatch.runbook.source import Finding, Severity

FINDINGS_MAX = 20

PATTERNS = (
    ("a private key", re.compile(r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----")),
    ("an AWS access key", re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b")),
    ("a GitHub token", re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{50,255})\b")),
    ("a GitLab token", re.compile(r"\bglpat-[A-Za-z0-9_-]{20,64}\b")),
    ("a Slack token", re.compile(r"\bxox[abeoprs]-[A-Za-z0-9-]{20,255}\b")),
    ("a Slack webhook", re.compile(r"https://hooks\.slack\.com/services/T\w{8,12}/B\w{8,12}/\w{20,30}")),
    ("a Stripe key", re.compile(r"\b[rs]k_live_[A-Za-z0-9]{20,100}\b")),
    ("a Google API key", re.compile(r"\bAIza[0-9A-Za-z_-]{35}\b")),
    ("an API key", re.compile(r"\bsk-(?:ant-|proj-)?[A-Za-z0-9_-]{32,200}\b")),
    (
        "a JSON web token",
        re.compile(r"\beyJ[A-Za-z0-9_-]{10,2000}\.eyJ[A-Za-z0-9_-]{10,4000}\.[A-Za-z0-9_-]{10,1000}"),
    ),
    (
        "a password in an address",
        re.compile(r"\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@<>{}$]{1,64}:(?![<{$*x])[^\s/:@<>{}$]{3,128}@[\w.-]+"),
    ),
    (
        "a password",
        re.compile(
            r"(?i)\b(?:password|passwd|secret_key|api_key|auth_token)\s*[=:]\s*[\"']?(?![<{$*])(?=[^\s\"']{0,64}\d)(?=[^\s\"']{0,64}[A-Za-z])[^\s\"'<>{}]{12,128}"
        ),
    ),
)


def secret_findings(runbook: Runbook) -> list[Finding]:
    """Return what looks like a secret; in a document without a header it is a warning."""
    severity = Severity.WARNING if runbook.header is None else Severity.ERROR
    found: list[Finding] = []
    for what, pattern in PATTERNS:
        for match in pattern.finditer(runbook.source.text):
            if len(found) < FINDINGS_MAX:
                finding = runbook.source.finding(
                    SecretInTextError, f"the text seems to hold {what}", match.start(), severity
                )
                found.append(finding)
    return found
