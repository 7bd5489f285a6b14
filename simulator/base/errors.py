"""The only error that a user can cause."""


class InputError(ValueError):
    """An error in user input; one line names the place, the key, the value and the allowed values.

    The command prints it on stderr and exits with status 2. Values and names of files are part of
    the line; characters that cannot be printed appear as escapes.
    """

    def __init__(self, message: str) -> None:
        """Take the message, and bring it onto one line."""
        line = " ".join(message.split())
        super().__init__("".join(c if c.isprintable() else ascii(c)[1:-1] for c in line))
