"""The names of a state dict's modules: users' renames, and the wrappers that trainers add."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from simulator.base.errors import InputError
from simulator.workload.importers.tensors import TensorFile

Rename = tuple[str, str]
"""A name in the file and its name in the network; each may contain one `*`."""

_WRAPPERS = frozenset({
    "module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module", "_forward_module",
})  # fmt: skip
"""Parts of a name that torch itself adds, anywhere: data parallelism, torch.compile."""
_CONTAINERS = frozenset({
    "state_dict", "model", "net", "network", "backbone", "encoder", "trunk", "ema", "ema_model",
    "model_ema", "student", "online", "params",
})  # fmt: skip
"""Attributes in which trainers keep the network, at the beginning of a name."""


def selected(tensors: TensorFile, renames: Iterable[Rename]) -> TensorFile:
    """Return the file, or its other network to whose key a rename such as `ema.*=*` applies.

    The names of the other network then begin with the key. A rename of names that the file has does
    not select anything.
    """
    for old, new in renames:
        if not new or any(_new_name(name, ((old, new),))[1] for name in tensors.shapes):
            continue
        for key, other in tensors.others.items():
            if old.startswith(f"{key}."):
                return _under(key, other)
    return tensors


def _under(key: str, tensors: TensorFile) -> TensorFile:
    """The tensors with a key before their names, and a note."""
    return replace(
        tensors,
        shapes={f"{key}.{name}": shape for name, shape in tensors.shapes.items()},
        load=lambda name: tensors.load(name.removeprefix(f"{key}.")),
        notes=(f"The weights are those under {key} in the file, as --rename asks.",),
    )


def renamed(tensors: TensorFile, renames: Iterable[Rename]) -> TensorFile:
    """Return the file with other names.

    A rename applies to the name of a tensor's module, or to the tensor's whole name. The first
    rename that matches applies. An empty new name leaves the tensors out.

    Raises:
        InputError: a rename matches no name, or two tensors get one name.

    """
    renames = tuple(renames)
    unused = set(renames)
    old_names: dict[str, str] = {}
    for old in tensors.shapes:
        new, used = _new_name(old, renames)
        unused.discard(used or ("", ""))
        if used is not None and not new:
            continue
        if new in old_names:
            raise InputError(
                f"{tensors.path}: --rename gives {old_names[new]} and {old} the same name, {new}"
            )
        old_names[new] = old
    for one in renames:
        if one in unused:
            raise InputError(
                f"{tensors.path}: --rename {'='.join(one)}: no tensor has this name; the file has "
                f"{shown_names(list(tensors.shapes))}"
            )
    return replace(
        tensors,
        shapes={new: tensors.shapes[old] for new, old in old_names.items()},
        load=lambda name: tensors.load(old_names[name]),
    )


def _new_name(name: str, renames: tuple[Rename, ...]) -> tuple[str, Rename | None]:
    module, dot, last = name.rpartition(".")
    for one in renames:
        if (new := _applied(module, one)) is not None:
            return new and f"{new}{dot}{last}", one
        if (whole := _applied(name, one)) is not None:
            return whole, one
    return name, None


def _applied(name: str, rename: Rename) -> str | None:
    """The new name; None if the rename does not match."""
    old, new = rename
    before, star, after = old.partition("*")
    if not star:
        return new if name == old else None
    long_enough = len(name) >= len(before) + len(after)
    if not (long_enough and name.startswith(before) and name.endswith(after)):
        return None
    return new.replace("*", name[len(before) : len(name) - len(after)])


def unwrapped(module: str, common: str) -> Iterator[str]:
    """Yield the names that a module may have without its wrappers, the longest first.

    Args:
        module: name of the module in the file.
        common: beginning that all modules of the file share, with its dot; may be empty.

    """
    for name in (module, module.removeprefix(common)):
        parts = [part for part in name.split(".") if part not in _WRAPPERS]
        while parts:
            yield ".".join(parts)
            if parts[-1] == "conv":
                yield ".".join(parts[:-1])
            if parts[0] not in _CONTAINERS:
                break
            parts = parts[1:]


def common_beginning(modules: Iterable[str]) -> str:
    """The dotted beginning that all names share, with its last dot; empty if there is none."""
    parents = [name.split(".")[:-1] for name in modules]
    shared = []
    for parts in zip(*parents, strict=False):
        if len(set(parts)) > 1:
            break
        shared.append(parts[0] + ".")
    return "".join(shared)


def shown_names(names: list[str], most: int = 4) -> str:
    """The first names of a list, shortened, and the number of the others."""
    shown = ", ".join(name if len(name) <= 100 else name[:97] + "..." for name in names[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")
