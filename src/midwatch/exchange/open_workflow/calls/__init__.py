"""Calls of servers: requests by jq, tools by manifest."""
