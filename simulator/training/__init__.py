"""A network of our own to try the simulator on; the only room that imports torch at once.

Import its modules where they are used, behind `require_training_libraries`: torch and scikit-learn
are the extra `[train]`.
"""

from importlib import import_module

from simulator.errors import InputError


def require_training_libraries() -> None:
    """Raise InputError, naming the extra to install, if torch or scikit-learn is missing."""
    missing = []
    for module, title in (("torch", "torch"), ("sklearn", "scikit-learn")):
        try:
            import_module(module)
        except ImportError:
            missing.append(title)
    if missing:
        raise InputError(
            f"simulate train needs {' and '.join(missing)}: pip install 'subbit-simulator[train]'"
        )
