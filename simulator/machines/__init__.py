"""Machine families: all that belongs to one kind of machine is in one folder."""
