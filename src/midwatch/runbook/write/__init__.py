"""From plain values to the text of a document; `document` says how."""

from midwatch.runbook.write.document import (
    Document,
    HeaderForm,
    Part,
    SectionText,
    TableText,
    TaskText,
    TestsText,
    document_text,
    header_text,
    part_pieces,
)

__all__ = [
    "Document",
    "HeaderForm",
    "Part",
    "SectionText",
    "TableText",
    "TaskText",
    "TestsText",
    "document_text",
    "header_text",
    "part_pieces",
]
