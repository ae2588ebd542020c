"""What stands in for fixtures of pytest that have to know its session."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING

from .folders import new_folder, new_folders
from .logs import caplog
from .output import capfd, capsys
from .xunit import setup_function, setup_method

if TYPE_CHECKING:
    from .play import Play
    from .recipe import Step

__all__ = ["STAND_INS"]


def _record_nothing(name: str, value: object) -> None:
    """Leave it to the serial run to record."""


#: By name: each yields the value, and tears it down.
STAND_INS: Mapping[str, Callable[[Play, Step], Iterator[object]]] = {
    "tmp_path": lambda play, step: new_folder(
        play.role.folder, play.home, partial(play.is_kept, **step.settings)
    ),
    "tmp_path_factory": lambda play, step: new_folders(
        f"{play.role.folder}-made", play.home, partial(play.is_kept, **step.settings)
    ),
    "capsys": lambda _, step: capsys(**step.settings),
    "capsysbinary": lambda _, step: capsys(**step.settings, is_binary=True),
    "capfd": lambda _, step: capfd(**step.settings),
    "capfdbinary": lambda _, step: capfd(**step.settings, is_binary=True),
    "caplog": lambda play, _: caplog(play.logs, is_shared=play.is_in_thread),
    "doctest_namespace": lambda *_: iter([{}]),  # at which doctests alone look
    "record_property": lambda *_: iter([_record_nothing]),
    "record_xml_attribute": lambda *_: iter([_record_nothing]),
    "setup_method": lambda play, _: setup_method(play.instance, play.function),
    "setup_function": lambda play, step: setup_function(
        play.instance, play.function, **step.settings
    ),
}
