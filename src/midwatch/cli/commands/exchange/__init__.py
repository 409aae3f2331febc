"""Commands that carry documents in and out."""
