"""The one error that a user can cause."""


class InputError(ValueError):
    """Something handed in is wrong; one line says where, which key, which value, what is allowed.

    The command prints it on stderr and exits with status 2.
    """
