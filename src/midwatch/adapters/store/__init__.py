"""The database behind `ports.store`: SQLite, one file, one writing thread per process."""
