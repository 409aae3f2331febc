"""Facts of particular kinds of task: loops, waits, hands, calls, notices."""
