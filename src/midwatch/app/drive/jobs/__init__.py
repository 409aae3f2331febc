"""What a drive does besides calling tools: work for people, messages, looks at what is waited for."""
