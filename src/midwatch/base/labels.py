"""Labels of values: integrity and confidentiality, and their join."""

from collections.abc import Iterable
from dataclasses import dataclass

from midwatch.base.classes import Confidentiality, Integrity

_INTEGRITY = tuple(Integrity)
_CONFIDENTIALITY = tuple(Confidentiality)


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """How far a value may be trusted, and who may see it.

    Written `integrity/confidentiality` in actions and manifests, e.g. `tool/internal`.
    Source: Denning, "A lattice model of secure information flow", CACM 1976.
    """

    integrity: Integrity
    confidentiality: Confidentiality

    def __str__(self) -> str:
        return f"{self.integrity}/{self.confidentiality}"


TRUSTED = Label(integrity=Integrity.TRUSTED, confidentiality=Confidentiality.PUBLIC)
"""What the runbook itself says: the bottom of the lattice."""

OPERATOR = Label(integrity=Integrity.OPERATOR, confidentiality=Confidentiality.INTERNAL)
"""What an operator gave as input."""

UNTRUSTED = Label(integrity=Integrity.UNTRUSTED, confidentiality=Confidentiality.PERSONAL)
"""What nobody classed: unclassified data counts as personal and untrusted."""


def label_from(text: str) -> Label:
    """Return the label that `integrity/confidentiality` spells.

    Raises:
        ValueError: a part is missing or unknown.
    """
    integrity, _, confidentiality = text.partition("/")
    return Label(integrity=Integrity(integrity), confidentiality=Confidentiality(confidentiality))


def join(labels: Iterable[Label]) -> Label:
    """Return the least label that is as tainted and as confidential as every one given.

    The join of nothing is `TRUSTED`.
    """
    integrity = confidentiality = 0
    for label in labels:
        integrity = max(integrity, _INTEGRITY.index(label.integrity))
        confidentiality = max(confidentiality, _CONFIDENTIALITY.index(label.confidentiality))
    return Label(integrity=_INTEGRITY[integrity], confidentiality=_CONFIDENTIALITY[confidentiality])
