"""What keeps a document of another format from being imported, or a runbook from being exported."""

from midwatch.base.errors import MidwatchError


class ForeignSyntaxError(MidwatchError):
    """A document that is to be imported can't be read as YAML or JSON, within the limits."""

    code = "MW170"
    fix = "Correct the place above, then import it again; anchors, tags and duplicate keys are refused."


class FormatUnknownError(MidwatchError):
    """Nothing in a document says which format it has."""

    code = "MW171"
    fix = "Say it: `midwatch import {name} --from FORMAT`, with one of: {known}."


class ForeignInvalidError(MidwatchError):
    """A document is not valid in its own format, so nothing of it is imported."""

    code = "MW172"
    fix = "Correct it in the system that it comes from, then import it again."


class ForeignTooBigError(MidwatchError):
    """A document holds more steps than a runbook may have tasks."""

    code = "MW173"
    fix = "Split the document, and import its parts one by one; the limit is {limit}."


class NotExportableError(MidwatchError):
    """A runbook has nothing that the other format could hold."""

    code = "MW174"
    fix = (
        "Give it a header and tasks (`midwatch lint {name}` says what is missing), or export it as markdown."
    )
