"""Plain values and texts as Markdown and YAML that our own parser reads back."""
