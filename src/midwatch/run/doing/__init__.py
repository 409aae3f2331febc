"""Choices about one task, by its kind and where it stands. Part of `decide`: pure, no clock."""
