"""A runbook for people's eyes: Mermaid, one page of HTML, and the document written anew."""
