"""What authors do with a document: format, compare, render, begin, and look up the language."""
