"""A runbook for people to look at: its graph in Mermaid, and one page of HTML."""
