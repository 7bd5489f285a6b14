"""A network of our own to try the simulator on; the only room that imports torch at once.

Import its modules where they are used, behind `require_training_libraries`: torch and scikit-learn
are the extra `[train]`.
"""

from simulator.base.extras import require


def require_training_libraries() -> None:
    """Raise InputError, naming the extra to install, if torch or scikit-learn is missing."""
    require("train", "simulate train")
