"""What insight hands over: sentences, each with where it stands in the journal and its values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from midwatch.base.units import EpochMs


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """One plain sentence, and the fact that it tells."""

    text: str
    depth: int = 0
    """How far it is from what was asked about: 0 is the thing itself, then what led to it."""
    at_ms: EpochMs | None = None
    """When the fact was recorded; None where the journal holds none (yet)."""
    ref: str = ""
    """`stream#n` of the fact; empty where the journal holds none (yet)."""
    type: str = ""
    """Type of the fact, e.g. `effect.verified`."""
    values: Mapping[str, Any] = field(default_factory=dict)
    """The values in the sentence as they are in the journal, whole, as plain JSON."""

    def as_record(self) -> dict[str, Any]:
        """Return the sentence for machines."""
        return {
            "at_ms": self.at_ms,
            "depth": self.depth,
            "ref": self.ref,
            "text": self.text,
            "type": self.type,
            "values": dict(self.values),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why something is as it is: from the effect back to the evidence."""

    subject: str
    kind: str
    """`run`, `effect`, `task`, `approval` or `reading`; empty where the journal says nothing of it."""
    sentences: tuple[Sentence, ...]
    """The newest and nearest first."""

    @property
    def is_known(self) -> bool:
        """Whether the journal says anything of the subject."""
        return bool(self.kind)

    def as_record(self) -> dict[str, Any]:
        """Return the explanation for machines."""
        return {
            "kind": self.kind,
            "sentences": [sentence.as_record() for sentence in self.sentences],
            "subject": self.subject,
        }
