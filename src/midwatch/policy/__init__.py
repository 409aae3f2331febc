"""Whether an action may happen: facts, Cedar rules, and a decision with its reasons."""
