"""The base package: errors, checks of user input, shipped files, tables, texts, progress."""
