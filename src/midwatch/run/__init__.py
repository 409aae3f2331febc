"""One run as pure functions: state from events, commands from state."""
