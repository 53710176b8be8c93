"""From `file.py:Class` or `package.module:Class` to the class."""

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from gatehouse import Model
from gatehouse.model import SERVED_METHODS


class ModelClassError(Exception):
    """The class cannot be had; the message says why and what is expected."""


def load_class(spec: str) -> type[Model]:
    """Import a model's class. What lies beside a file can be imported by it.

    Raises ModelClassError, or whatever the module raises while it is imported.
    """
    place, _, name = spec.rpartition(":")
    if not place or not name:
        raise ModelClassError(f"{spec!r} is not `file.py:Class` or `package.module:Class`.")
    module = _load_file(Path(place)) if place.endswith(".py") else importlib.import_module(place)
    found = getattr(module, name, None)
    if found is None:
        raise ModelClassError(f"{place} has no class {name}.")
    if not isinstance(found, type) or not issubclass(found, Model):
        raise ModelClassError(f"{name} in {place} does not derive from gatehouse.Model.")
    if not any(callable(getattr(found, method, None)) for method in SERVED_METHODS):
        wanted = " nor ".join(f"`{method}`" for method in SERVED_METHODS)
        raise ModelClassError(f"{name} in {place} serves nothing: it has neither {wanted}.")
    return found


def _load_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise ModelClassError(f"There is no file {path}.")
    name = f"gatehouse_model_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ModelClassError(f"{path} is no Python module.")
    module = importlib.util.module_from_spec(spec)
    # At the end, so that a neighbour called like a module of the library does not replace it.
    sys.path.append(str(path.parent))
    # dataclasses and pickle look a class's module up by its name.
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
