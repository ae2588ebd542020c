"""Writes the output of pytest into the pages that show it, from a run of what they show.

A session on a page is a block `console` that begins with `$ pytest`. It follows what it runs: a
block of Python that begins with the name of its file, or `<!-- project: docs/folder -->`.

`python docs/make_output.py [NAME ...]` runs all of them, or those of these files or projects. Of
one it draws `docs/output.svg`, which needs rich.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))

#: The picture, and the file of the session that it shows.
PICTURE, SHOWN = ROOT / "docs" / "output.svg", "test_draw.py"

#: Seconds for a session, and the columns of its terminal.
DEADLINE, COLUMNS = 50.0, 80

SESSION = re.compile(
    r"(?:```python\n# (?P<name>test_\w+\.py)\n(?P<code>(?:(?!```).)*)```"
    r"|<!-- project: (?P<project>[\w/]+) -->)\s+"
    r"```console\n\$ pytest ?(?P<arguments>.*?)\n(?P<output>.*?)```",
    re.DOTALL,
)

#: Settings that would change what pytest and parwork do.
SETTING = re.compile(r"PYTEST_|PARWORK_|COLUMNS$|CI$|BUILD_NUMBER$|(NO|FORCE)_COLOR$")

#: The folder that a page names, whatever it was.
SHOWN_FOLDER = "/home/you/project"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A session on a page: its name, what it runs, and the output that the page has of it."""

    name: str
    code: str
    project: str
    arguments: tuple[str, ...]
    output: str

    def run(self, *options: str) -> str:
        """Run it, and return what pytest prints."""
        with tempfile.TemporaryDirectory() as folder:
            if self.project:
                ignored = shutil.ignore_patterns("__pycache__", ".*")
                shutil.copytree(ROOT / self.project, folder, ignore=ignored, dirs_exist_ok=True)
            else:
                (Path(folder) / self.name).write_text(f"# {self.name}\n{self.code}", "utf-8")
            kept = {name: os.environ[name] for name in os.environ if not SETTING.match(name)}
            command = [sys.executable, "-m", "pytest", "-p", "parwork", "-p", "no:cacheprovider"]
            done = subprocess.run(
                [*command, *self.arguments, *options],
                cwd=folder,
                env={
                    **kept,
                    "COLUMNS": str(COLUMNS),
                    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
                    "PYTHONDONTWRITEBYTECODE": "1",
                },
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=DEADLINE,
            )
            return done.stdout.replace(os.path.realpath(folder), SHOWN_FOLDER)


def session_of(match: re.Match[str]) -> Session:
    """Return the session that a page shows."""
    return Session(
        name=match["name"] or Path(match["project"]).name,
        code=match["code"] or "",
        project=match["project"] or "",
        arguments=tuple(match["arguments"].split()),
        output=match["output"],
    )


def sessions() -> Mapping[str, Session]:
    """Return the sessions of all pages, by name."""
    found = (
        session_of(match)
        for page in PAGES
        for match in SESSION.finditer(page.read_text(encoding="utf-8"))
    )
    return {session.name: session for session in found}


def shape(output: str) -> list[str]:
    """Keep titles, counts and node ids: what does not depend on times, chance and machine."""
    lines = [re.sub(r" in \d+\.\d+s", "", line.strip("= ")) for line in output.splitlines()]
    kept = re.compile(
        r"collected |parwork: |FAILED |\d+ (passed|failed|tests )|_+ |\S+\.py [.F]+|\S+::\S+$"
        r"|DIFFERENT"
    )
    return [re.sub(" - .*|: serial .*", "", line) for line in lines if kept.match(line)]


def text_of(picture: str) -> str:
    """Return the text of a picture of a terminal, line by line."""
    lines: dict[float, str] = {}
    for place, text in re.findall(r'<text [^>]*? y="([\d.]+)"[^>]*>(.*?)</text>', picture):
        plain = re.sub(r"&#(\d+);", lambda match: chr(int(match[1])), text).replace("\xa0", " ")
        lines[float(place)] = lines.get(float(place), "") + plain.replace("&lt;", "<")
    return "\n".join(line.rstrip() for _, line in sorted(lines.items()))


def draw(output: str) -> str:
    """Return a picture of a terminal with this output, which needs no other file."""
    from rich.console import Console
    from rich.terminal_theme import DIMMED_MONOKAI
    from rich.text import Text

    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(Text.from_ansi(output.rstrip()), highlight=False, soft_wrap=False)
    picture = console.export_svg(title="pytest", theme=DIMMED_MONOKAI, unique_id="parwork")
    # The fonts of the reader will do; a picture that loads some shows none where that is forbidden.
    return re.sub(r"\s*@font-face \{.*?\n    \}", "", picture, flags=re.DOTALL)


def written(page: str, names: Collection[str]) -> str:
    """Return the text of a page with the output of these sessions as it is now."""

    def replaced(match: re.Match[str]) -> str:
        session = session_of(match)
        if session.name not in names:
            return match[0]
        output = session.run()
        start, end = match.span("output")
        return match[0][: start - match.start()] + output + match[0][end - match.start() :]

    return SESSION.sub(replaced, page)


def changed(names: Collection[str]) -> Iterator[Path]:
    """Write the pages and the picture; yield what is different from before."""
    texts = [(page, written(page.read_text(encoding="utf-8"), names)) for page in PAGES]
    if SHOWN in names:
        session = sessions()[SHOWN]
        command = f"$ pytest {' '.join(session.arguments)}\n"
        texts.append((PICTURE, draw(command + session.run("--color=yes"))))
    for file, text in texts:
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")
            yield file


def main() -> None:
    """Run the sessions that the command line names."""
    known = sessions()
    names = sys.argv[1:] or list(known)
    if unknown := set(names) - known.keys():
        raise SystemExit(f"no session on a page: {', '.join(unknown)}; known: {', '.join(known)}")
    for file in changed(names):
        print(file.relative_to(ROOT))


if __name__ == "__main__":
    main()
