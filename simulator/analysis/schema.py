"""The format of summary.json: its number, and the fingerprint of its contents."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from simulator.base.errors import InputError

SCHEMA = 2
"""The schema number. It rises if a key of summary.json comes, goes, or changes type or meaning."""
FINGERPRINT = "summary_sha256"
"""The key of the fingerprint of all other keys; the last key in the file."""
_CAUSES = (
    "schema", "version", "engine", "settings", "links", "check", "model_file", "configuration",
    "config_sha256",
)  # fmt: skip
"""The inputs of a rerun. Only the fingerprint reveals a changed input."""
_DIGITS = b"0123456789"


def require_schema(data: Mapping[str, Any], source: str) -> None:
    """Raise an error if a summary has another schema number, or none.

    Args:
        data: the contents of summary.json.
        source: names the file in the error.

    Raises:
        InputError: this version does not read the summary.

    """
    if "schema" not in data:
        raise InputError(
            f"{source}: missing key 'schema': not a result of this program, or older than "
            f"schema {SCHEMA}; rerun it with --out"
        )
    if data["schema"] != SCHEMA or isinstance(data["schema"], bool):
        raise InputError(
            f"{source}: schema is {str(data['schema'])[:20]}; this version reads schema {SCHEMA}"
        )


def fingerprint(summary: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a summary's contents, whatever the order and layout of its text."""
    return hashlib.sha256("".join(_texts(summary)).encode()).hexdigest()


def _texts(summary: Mapping[str, Any]) -> tuple[str, str]:
    """Return the outputs and the inputs of a rerun, as two texts."""
    causes = {key: summary[key] for key in _CAUSES if key in summary}
    rest = {k: v for k, v in summary.items() if k not in causes and k != FINGERPRINT}
    return json.dumps(rest, sort_keys=True), json.dumps(causes, sort_keys=True)


def repaired(summary: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the original causes, if one changed digit explains a wrong fingerprint.

    Returns:
        The inputs of a rerun, with the digit that agrees with the fingerprint; None if no single
        digit does.

    """
    rest, causes = (text.encode() for text in _texts(summary))
    wanted = summary.get(FINGERPRINT)
    before = hashlib.sha256(rest)
    done = 0
    for place, digit in enumerate(causes):
        if digit not in _DIGITS:
            continue
        before.update(causes[done:place])
        done = place
        for other in _DIGITS:
            changed = bytes([other]) + causes[place + 1 :]
            candidate = before.copy()
            candidate.update(changed)
            if other != digit and candidate.hexdigest() == wanted:
                found: dict[str, Any] = json.loads(causes[:place] + changed)
                return found
    return None
