"""What libraries keep for a process or a thread, how it is read, and how it is set."""

from __future__ import annotations

import contextvars
import decimal
import gc
import importlib
import locale
import logging
import os
import pickle
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from ...model.dataclass import dataclass
from ...transport.pickling import dumps
from .treatments import Function

#: What the name of a context variable begins with; then its module and its name follow.
VARIABLE = "context variable "


@dataclass(frozen=True, slots=True)
class Context:
    """Set what is another context before each call; names and values as `read_context` gives."""

    values: Mapping[str, bytes]

    def is_idle(self) -> bool:
        """Return whether the context is so already."""
        return not changed_context(self.values, read_context())

    def __call__(self, function: Function) -> Function:
        """Return the function with the context set before it."""

        def call(*args: object, **kwargs: object) -> object:
            for name, value in changed_context(self.values, read_context()).items():
                change = _FACTORS[name][1] if name in _FACTORS else _variable_named(name).set
                change(pickle.loads(value))
            return function(*args, **kwargs)

        return call


def read_context() -> dict[str, bytes]:
    """Return what libraries keep for the process or the thread, pickled, as far as it can be."""
    found: dict[str, bytes] = {}
    for name, (read, _) in _FACTORS.items():
        with suppress(Exception):
            found[name] = dumps(read())
    values = contextvars.copy_context()
    for variable, place in _variables(values).items():
        with suppress(Exception):
            found[f"{VARIABLE}{place}"] = dumps(values[variable])
    return found


def changed_context(here: Mapping[str, bytes], there: Mapping[str, bytes]) -> Mapping[str, bytes]:
    """Return what is another one here than there; a context variable may not be set there."""
    return {
        name: value
        for name, value in here.items()
        if (name in there or name.startswith(VARIABLE)) and there.get(name) != value
    }


def _variables(
    values: contextvars.Context,
) -> Mapping[contextvars.ContextVar[Any], str]:
    """Return the variables of a context that modules hold, with module and name."""
    places: dict[contextvars.ContextVar[Any], str] = {}
    for module, found in list(sys.modules.items()):
        for name, variable in list(getattr(found, "__dict__", {}).items()):
            if type(variable) is contextvars.ContextVar and variable in values:
                place = f"{module}.{name}"  # the shortest one: others have imported it
                places[variable] = min(places.get(variable, place), place, key=len)
    return places


def _variable_named(name: str) -> contextvars.ContextVar[Any]:
    module, _, variable = name.removeprefix(VARIABLE).rpartition(".")
    found: contextvars.ContextVar[Any] = vars(importlib.import_module(module))[variable]
    return found


def _decimal() -> object:
    now = decimal.getcontext()
    return now.prec, now.rounding, now.Emin, now.Emax, now.capitals, now.clamp


def _set_decimal(value: Any) -> None:
    prec, rounding, low, high, capitals, clamp = value
    now = decimal.getcontext()
    decimal.setcontext(decimal.Context(prec, rounding, low, high, capitals, clamp))
    decimal.getcontext().traps = now.traps


def _pandas_options() -> object:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # to read some gives a warning, and to set them
        return dict(_flat(_of("pandas").options))


def _flat(options: Any, path: str = "") -> Iterator[tuple[str, object]]:
    """Yield the options of pandas by their full names."""
    for name in dir(options):
        value = getattr(options, name)
        if isinstance(value, type(_of("pandas").options)):
            yield from _flat(value, f"{path}{name}.")
        else:
            yield f"{path}{name}", value


def _set_pandas_options(values: Any) -> None:
    now: Any = _pandas_options()
    for name, value in values.items():
        if value != now[name]:
            _of("pandas").set_option(name, value)


def _logging_levels() -> tuple[int, Mapping[str, int]]:
    """Return what is switched off for all loggers, and the level of each that has one."""
    loggers = {"": logging.root, **logging.root.manager.loggerDict}
    levels = {name: getattr(one, "level", 0) for name, one in loggers.items()}
    return logging.root.manager.disable, {name: level for name, level in levels.items() if level}


def _set_logging_levels(value: Any) -> None:
    disabled, levels = value
    logging.disable(disabled)
    for name in {**_logging_levels()[1], **levels}:
        logging.getLogger(name or None).setLevel(levels.get(name, logging.NOTSET))


def _set_collector(value: Any) -> None:
    is_enabled, threshold = value
    gc.set_threshold(*threshold)
    (gc.enable if is_enabled else gc.disable)()


def _science_states() -> Mapping[tuple[str, str], Any]:
    """Return the values of astropy that hold for the process, such as the default cosmology."""
    return {name: state.get() for name, state in _states_by_name().items()}


def _set_science_states(values: Any) -> None:
    for name, state in _states_by_name().items():
        # Some cannot be set any more, and some hold arrays, which have no truth value.
        if name in values and dumps(state.get()) != dumps(values[name]):
            state.set(values[name])


def _states_by_name() -> Mapping[tuple[str, str], Any]:
    states = _of("astropy.utils.state").ScienceState.__subclasses__()
    return {(one.__module__, one.__qualname__): one for one in states}


def _time_zone() -> object:
    return time.tzname, time.timezone, time.daylight


def _set_time_zone(value: Any) -> None:
    (name, summer), offset, has_summer = value
    os.environ["TZ"] = f"<{name}>{offset / 3600:g}" + (f"<{summer}>" if has_summer else "")
    time.tzset()


def _set_filters(value: Any) -> None:
    warnings.filters[:] = value  # type: ignore[index]  # it is a list
    warnings.simplefilter("default", _NoWarning, append=True)  # makes the new filters count


class _NoWarning(Warning):
    """A warning that nobody issues."""


def _of(library: str) -> Any:
    """Return a library, if it is loaded."""
    return sys.modules[library]


#: What is kept for a process or a thread: how it is read, and how it is set.
_FACTORS: Mapping[str, tuple[Callable[[], Any], Callable[[Any], object]]] = {
    "decimal context": (_decimal, _set_decimal),
    "numpy error state": (
        lambda: _of("numpy").geterr(),
        lambda v: _of("numpy").seterr(**v),
    ),
    "numpy print options": (
        lambda: {
            name: value
            for name, value in _of("numpy").get_printoptions().items()
            if name != "override_repr"
        },
        lambda v: _of("numpy").set_printoptions(**v),
    ),
    "pandas options": (_pandas_options, _set_pandas_options),
    "polars configuration": (
        lambda: _of("polars").Config.save(),
        lambda v: _of("polars").Config.load(v),
    ),
    "dask configuration": (
        lambda: _of("dask.config").config,
        lambda v: _of("dask.config").update(_of("dask.config").config, v),
    ),
    "mpmath precision": (
        lambda: _of("mpmath").mp.prec,
        lambda v: setattr(_of("mpmath").mp, "prec", v),
    ),
    "sympy parameters": (
        lambda: dict(vars(_of("sympy.core.parameters").global_parameters)),
        lambda v: vars(_of("sympy.core.parameters").global_parameters).update(v),
    ),
    "xarray options": (
        lambda: dict(_of("xarray").get_options()),
        lambda v: _of("xarray").set_options(**v),
    ),
    "scikit-learn configuration": (
        lambda: _of("sklearn").get_config(),
        lambda v: _of("sklearn").set_config(**v),
    ),
    "matplotlib rcParams": (
        lambda: dict(_of("matplotlib").rcParams),
        lambda v: _of("matplotlib").rcParams.update(v),
    ),
    "torch default dtype": (
        lambda: _of("torch").get_default_dtype(),
        lambda v: _of("torch").set_default_dtype(v),
    ),
    "astropy.units enabled equivalencies": (
        lambda: _of("astropy.units").get_current_unit_registry().equivalencies,
        lambda v: _of("astropy.units").set_enabled_equivalencies(v),
    ),
    "astropy science state": (_science_states, _set_science_states),
    "logging levels": (_logging_levels, _set_logging_levels),
    "socket default timeout": (
        lambda: _of("socket").getdefaulttimeout(),
        lambda v: _of("socket").setdefaulttimeout(v),
    ),
    "csv field size limit": (
        lambda: _of("csv").field_size_limit(),
        lambda v: _of("csv").field_size_limit(v),
    ),
    "garbage collector": (lambda: (gc.isenabled(), gc.get_threshold()), _set_collector),
    "locale": (
        lambda: locale.setlocale(locale.LC_ALL),
        lambda v: locale.setlocale(locale.LC_ALL, v),
    ),
    "time zone": (_time_zone, _set_time_zone),
    "working directory": (os.getcwd, os.chdir),
    "recursion limit": (sys.getrecursionlimit, sys.setrecursionlimit),
    "integer string limit": (
        lambda: sys.get_int_max_str_digits(),
        lambda v: sys.set_int_max_str_digits(v),
    ),
    "warning filters": (lambda: list(warnings.filters), _set_filters),
}
