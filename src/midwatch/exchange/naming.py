"""Names of tasks, inputs and documents out of whatever the other format calls them."""

import re
import unicodedata

NAME_CHARACTERS_MAX = 48
_WORDS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z0-9]+|[A-Z]+|[0-9]+")


def words_in(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


TAKEN = words_in(
    # Roots that expressions know, words that `on_fail:` and its kin know, and words of CEL.
    "inputs args probe event item index previous undo escalate continue fail stop leave secret "
    "true false null in as break const else for function if import let loop package namespace return "
    "var void while has all exists exists_one map filter size int uint double string bytes list dyn type "
    "bool matches duration timestamp"
)


def snake(text: str, default: str) -> str:
    """Return a text as lower-case words joined by `_`, beginning with a letter."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    name = "_".join(word.lower() for word in _WORDS.findall(plain))[:NAME_CHARACTERS_MAX].strip("_")
    if not name:
        return default
    return name if name[0].isalpha() else f"{default}_{name}"


class Names:
    """Hands out names that are free."""

    def __init__(self, default: str = "step") -> None:
        """Begin with the words that no task may have."""
        self._default = default
        self._taken = set(TAKEN)

    def fresh(self, text: str) -> str:
        """Return a free name that reads like `text`; it is taken from now on."""
        name = snake(text, self._default)
        found, number = name, 2
        while found in self._taken:
            found = f"{name}_{number}"
            number += 1
        self._taken.add(found)
        return found


def document_id(text: str) -> str:
    """Return an id for a runbook: lower-case words joined by `-`."""
    return snake(text, "imported").replace("_", "-")
