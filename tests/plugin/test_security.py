"""The claims of the page on security, checked in a session: listeners, and readable files."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator

import pytest

from .scratch import Scratch

BACKENDS = [
    "threads",
    "processes:fork",
    "processes:spawn",
    "processes:forkserver",
    "multiprocessing:spawn",
    "isolated:forkserver",
    "joblib",
    "joblib:multiprocessing",
    "dask",
    "joblib:dask",
]

#: Looks at a session from inside: at the sockets of all its processes, and at its files.
LOOKING = '''
    import os, re, stat, tempfile
    from pathlib import Path

    def members():
        """Yield the processes of this session."""
        here = os.getsid(0)
        for name in os.listdir("/proc"):
            if name.isdigit():
                try:
                    if os.getsid(int(name)) == here:
                        yield Path("/proc", name)
                except OSError:
                    pass

    def inodes():
        for process in members():
            try:
                links = [os.readlink(fd) for fd in (process / "fd").iterdir()]
            except OSError:  # it has ended
                continue
            yield from (found[1] for link in links if (found := re.match(r"socket:.(\\d+)", link)))

    def listening():
        """Return the addresses at which others could reach the session, those of files left out."""
        ours, found = set(inodes()), set()
        for kind in ("tcp", "tcp6"):
            for line in Path("/proc/net", kind).read_text().splitlines()[1:]:
                words = line.split()
                if words[3] == "0A" and words[9] in ours:
                    found.add(words[1].partition(":")[0])
        for line in Path("/proc/net/unix").read_text().splitlines()[1:]:
            words = line.split()
            if words[3] == "00010000" and words[6] in ours and words[7:] and words[7][0] == "@":
                found.add(words[7])
        return found

    def open_to_others():
        """Return the temporary files that other users may read or write."""
        return [
            path.name
            for path in Path(tempfile.gettempdir()).iterdir()
            if stat.S_IMODE(path.stat().st_mode) & 0o077
        ]
    '''


@pytest.fixture
def temporary() -> Iterator[str]:
    """Give a folder whose name is short, because the paths of sockets may not be long."""
    with tempfile.TemporaryDirectory(prefix="p-") as folder:
        yield folder


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_session_listens_to_nobody_and_its_files_are_its_own(
    scratch: Scratch, backend: str, temporary: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch.write("looking.py", LOOKING)
    monkeypatch.setenv("TMPDIR", temporary)
    scratch.cases(
        f"""
        from looking import listening, open_to_others

        #: Of dask only, which listens on this machine: 127.0.0.1, as the kernel writes it.
        ALLOWED = {{"0100007F"}} if "dask" in "{backend}" else set()

        @pytest.mark.parwork(backend="{backend}", workers=2)
        @pytest.mark.parametrize("n", range(4))
        def test_it(n):
            assert listening() <= ALLOWED
            assert open_to_others() == []
        """
    )
    session = scratch.run_apart()
    assert session.counts == {"passed": 4}
