"""Train example networks for the simulator; the only package that imports torch at the top level.

Import its modules inside functions, after `require_training_libraries`, because torch and
scikit-learn come with the extra `[train]`.
"""

from simulator.base.extras import require


def require_training_libraries() -> None:
    """Raise InputError, naming the extra to install, if torch or scikit-learn is missing."""
    require("train", "simulate train")
