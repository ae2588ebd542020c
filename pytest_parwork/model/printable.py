"""Texts of others as they may be shown: what is no text to a reader is written out.

A test, a library or a worker may put anything into a message: sequences that clear a terminal or
colour what follows, characters that turn the order of those around them, half of a pair that no
encoding takes. They are shown as Python would write them in a string, `\\x1b` and `\\u202e`: all
control and format characters, lone surrogates, and the separators that are line breaks to some
programs and not to others. Line feeds and tabs stay.

There are no exceptions for format characters that belong to a script or an emoji: inside one of
these they look the same as where they hide something.
"""

from __future__ import annotations

import re
import unicodedata

#: Categories of Unicode: control, format, surrogate, line separator, paragraph separator.
HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}

#: Sequences that select colours, and nothing else.
COLOURS = re.compile(r"(\x1b\[[0-9;:]*m)")

#: Those that end all colours.
PLAIN = {"\x1b[m", "\x1b[0m"}


class _Table(dict[int, "int | str"]):
    """What `str.translate` puts in the place of each character, filled as they are met."""

    def __missing__(self, code: int) -> int | str:
        char = chr(code)
        shown: int | str = code
        if char not in "\n\t" and unicodedata.category(char) in HIDDEN:
            shown = char.encode("unicode_escape").decode("ascii")
        self[code] = shown
        return shown


_TABLE = _Table()


def printable(text: str) -> str:
    """Return a text with its control and format characters written out."""
    if text.isprintable():  # as nearly all are, which takes no time
        return text
    return text.replace("\r\n", "\n").translate(_TABLE)


def printable_output(text: str) -> str:
    """Return what was printed, in the colours in which it was: these do no more than colour it."""
    if text.isprintable():
        return text
    parts = COLOURS.split(text)  # every other one is a colour
    shown = "".join(part if n % 2 else printable(part) for n, part in enumerate(parts))
    is_plain = len(parts) == 1 or parts[-2] in PLAIN
    return shown if is_plain else f"{shown}\x1b[0m"  # or all that follows had it too


def make_printable(entry: object, *names: str) -> None:
    """Write out the texts in these attributes of an object, which may be frozen.

    A user may have put there what is no text.
    """
    for name in names:
        text: object = getattr(entry, name)
        if isinstance(text, str) and not text.isprintable():
            object.__setattr__(entry, name, printable(text))
