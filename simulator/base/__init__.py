"""The ground: errors, the guard for what users hand in, shipped files, writing, progress."""
