"""Standing by a run: following it, saying what it read, found, asks and did."""
