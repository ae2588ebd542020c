"""Foreign texts made safe to show: characters that are not readable text are escaped.

A test, a library or a worker may put anything into a message: sequences that clear a terminal or
colour what follows, characters that reverse the order of those around them, lone surrogates that
no encoding accepts. They are shown as in a Python string, `\\x1b` and `\\u202e`: all control and
format characters, lone surrogates, and separators that only some programs treat as line breaks.
Line feeds and tabs stay.

There are no exceptions for format characters that belong to a script or an emoji: there, they look
the same as where they hide something.
"""

from __future__ import annotations

import re
import unicodedata

#: Categories of Unicode: control, format, surrogate, line separator, paragraph separator.
HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}

#: Escape sequences that select colours, and do nothing else.
COLOURS = re.compile(r"(\x1b\[[0-9;:]*m)")

#: The sequences that reset all colours.
PLAIN = {"\x1b[m", "\x1b[0m"}


class _Table(dict[int, "int | str"]):
    """The replacement of each character for `str.translate`, filled on demand."""

    def __missing__(self, code: int) -> int | str:
        char = chr(code)
        shown: int | str = code
        if char not in "\n\t" and unicodedata.category(char) in HIDDEN:
            shown = char.encode("unicode_escape").decode("ascii")
        self[code] = shown
        return shown


_TABLE = _Table()


def printable(text: str) -> str:
    """Return a text with its control and format characters escaped."""
    if text.isprintable():  # the fast path, for nearly all texts
        return text
    return text.replace("\r\n", "\n").translate(_TABLE)


def printable_output(text: str) -> str:
    """Return printed text, escaped except for its colours, which are harmless."""
    if text.isprintable():
        return text
    parts = COLOURS.split(text)  # every other one is a colour
    shown = "".join(part if n % 2 else printable(part) for n, part in enumerate(parts))
    is_plain = len(parts) == 1 or parts[-2] in PLAIN
    return shown if is_plain else f"{shown}\x1b[0m"  # or all later text would have the colour too


def make_printable(entry: object, *names: str) -> None:
    """Escape the texts in these attributes of an object, which may be frozen.

    A user may have put other objects than texts there; these are left as they are.
    """
    for name in names:
        text: object = getattr(entry, name)
        if isinstance(text, str) and not text.isprintable():
            object.__setattr__(entry, name, printable(text))
