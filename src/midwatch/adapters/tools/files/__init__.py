"""Tools that move files aside, put them back, change their modes; each safe under kill -9."""
