"""The one error that a user can cause."""


class InputError(ValueError):
    """Something handed in is wrong; the message is one line: where, which key, which value, what is allowed.

    The command prints it on stderr and exits with status 2.
    """
