"""A network of our own to try the simulator on; the only room that imports torch at once.

Import it where it is used, behind `require_training_libraries`: torch and scikit-learn are the
extra `[train]`.
"""

from importlib.util import find_spec

from simulator.errors import InputError


def require_training_libraries() -> None:
    """Raise InputError, naming the extra to install, if torch or scikit-learn is missing."""
    needed = {"torch": "torch", "sklearn": "scikit-learn"}
    missing = [title for module, title in needed.items() if find_spec(module) is None]
    if missing:
        raise InputError(
            f"simulate train needs {' and '.join(missing)}: pip install 'subbit-simulator[train]'"
        )
