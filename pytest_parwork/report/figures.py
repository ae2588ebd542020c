"""How numbers and counts read."""

from __future__ import annotations


def duration(seconds: float | None) -> str:
    """Write seconds as `850us`, `1.2ms`, `0.31s`, `33m20s` or `6h11m`, and `-` for None."""
    if seconds is None:
        return "-"
    if 0 < seconds < 0.000_000_5:
        return "<1us"
    if seconds < 0.000_999_5:
        return f"{seconds * 1e6:.0f}us"
    if seconds < 0.009_95:
        return f"{seconds * 1e3:.1f}ms"
    if seconds < 59.995:
        return f"{seconds:.2f}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}m{rest:02}s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours}h{minutes:02}m"


def ratio(times: float | None) -> str:
    """Write a ratio as `1.74x`, with about three digits, and `-` for None."""
    if times is None:
        return "-"
    if times < 0.00995:
        return f"{times:.1g}x"
    digits = 2 if times < 9.995 else 1 if times < 99.95 else 0
    return f"{times:.{digits}f}x"


def percent(share: float) -> str:
    """Write a share as `94 %`; only a whole is 100 %, and only nothing is 0 %."""
    rounded = round(share * 100)
    if rounded == 100 and share < 1:
        rounded = 99
    return "<1 %" if rounded == 0 and share else f"{rounded} %"


def counted(number: int, noun: str) -> str:
    """Write `1 case`, `2 cases`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
