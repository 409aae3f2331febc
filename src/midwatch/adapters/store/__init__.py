"""The database behind `ports.store`: SQLite, one file, one writing connection per process."""
