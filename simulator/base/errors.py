"""The only error that a user can cause."""


class InputError(ValueError):
    """An error in user input; one line names the place, the key, the value and the allowed values.

    The command prints it on stderr and exits with status 2.
    """
