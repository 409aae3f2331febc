"""What a plan may do at most, told before anything runs."""
