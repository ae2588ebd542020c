"""The picture of pytest's configuration that is sent to workers."""

from __future__ import annotations

import dataclasses
import io
import os
import pickle
import sys
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from typing import Any

import pytest

from ...machine.clock import host
from ...transport.pickling import ATOM_IDS, by_reference
from ...worker.fixtures.configuration import Missing, Picture, Sent, SentConfig, remember
from ..compat import cache_folder, ini_names, option_names, stash_entries

#: Most bytes of one value: what is larger is state of a plugin rather than a setting.
LARGEST = 1 << 16

#: Attributes of pytest's object that are parts of its machinery, or are sent in another form.
_MACHINERY = {"cache", "hook", "option", "pluginmanager", "stash", "trace"}

#: Properties of pytest's object, some of them only with its plugin for `py.path`.
_PROPERTIES = ("rootpath", "inipath", "rootdir", "inifile", "invocation_dir")

_SENT = pytest.StashKey[SentConfig]()

_numbers = count()


def sent_config(config: pytest.Config) -> SentConfig:
    """Return pytest's configuration as it is sent, made once for a session."""
    if _SENT not in config.stash:
        key = f"{host()}-{os.getpid()}-{next(_numbers)}"
        remember(key, config)
        data = pickle.dumps(_picture(config), protocol=5)
        config.stash[_SENT] = SentConfig(key=key, data=data, cache=cache_folder(config))
    return config.stash[_SENT]


def _picture(config: pytest.Config) -> Picture:
    inis, others = ini_names(config)
    return Picture(
        options={name: _sent(value) for name, value in vars(config.option).items()},
        option_names=option_names(config),
        inis={name: _asked(config.getini, name) for name in inis},
        ini_names=others,
        attributes=dict(_attributes(config)),
        known=frozenset(dir(config)),
        stash=_stash(config),
        plugins=frozenset(
            name for name, plugin in config.pluginmanager.list_name_plugin() if plugin is not None
        ),
    )


def _attributes(config: pytest.Config) -> Iterator[tuple[str, Sent]]:
    """Yield the attributes of the object, whoever has set them, and its public constants."""
    for name, value in vars(config).items():
        if name == "invocation_params":
            yield name, _sent(dataclasses.replace(value, plugins=None))
        elif name not in _MACHINERY and not hasattr(pytest.Config, name):
            yield name, _sent(value)
    for name in dir(type(config)):
        value = getattr(type(config), name, None)
        if type(value) is str and not name.startswith("__"):
            yield name, _sent(value)
        elif name in _PROPERTIES:
            yield name, _asked(getattr, config, name)


def _stash(config: pytest.Config) -> Mapping[tuple[str, str], Sent]:
    """Return the entries of the stash whose keys are in a module, by module and name.

    pytest's entries, and ours, are state of the session.
    """
    entries = stash_entries(config)
    found: dict[tuple[str, str], Sent] = {}
    for module in sys.modules.copy().values():
        for name, value in list(vars(module).items()):
            if type(value) is pytest.StashKey and value in entries:
                is_own = module.__name__.partition(".")[0] in ("_pytest", "pytest_parwork")
                found[module.__name__, name] = (
                    Missing("it is state of the session") if is_own else _sent(entries[value])
                )
    return found


def _asked(ask: Callable[..., object], *args: object) -> Sent:
    try:
        value = ask(*args)
    except Exception as error:
        return Missing(f"asking for it raised {type(error).__name__}: {error}")
    return _sent(value)


def _sent(value: object) -> Sent:
    if id(type(value)) in ATOM_IDS:
        return by_reference(value, protocol=5)
    file = io.BytesIO()
    try:
        _Pickler(file, protocol=5).dump(value)
    except Exception as error:
        return Missing(f"it cannot be sent: {type(error).__name__}: {str(error)[:200]}")
    if file.tell() > LARGEST:
        return Missing(f"it is too large to be sent: {file.tell():,} bytes")
    return file.getvalue()


class _Pickler(pickle.Pickler):
    """Pickles settings, but not what holds the session together: that would never end."""

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, pytest.Config | pytest.Item | pytest.Collector):
            raise pickle.PicklingError(f"it refers to pytest's {type(value).__name__}")
        return NotImplemented
