"""The HTML report as a file: one page, of which nothing foreign is HTML."""

from __future__ import annotations

import base64
import gzip
import json
import re
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from support.report_samples import MEAN, cases, fib, first, report, run

from pytest_parwork import UsageError
from pytest_parwork.model.outcome import Verdict
from pytest_parwork.report import files
from pytest_parwork.report.as_html import CASES, PAGE, html_pieces
from pytest_parwork.report.data import Report
from pytest_parwork.report.plain import PlainEntry

HOSTILE = "t.py::test[</script><script>alert(1)</script>\"'&lt;\u202e]"


class Reader(HTMLParser):
    """Reads the tags of a page, its text outside of scripts, and its scripts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.scripts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        kind = self.tags[-1][0] if self.tags else ""
        (self.scripts if kind == "script" else self.texts).append(data)


def page_of(made: Report) -> str:
    return "".join(html_pieces(made))


def data_of(page: str) -> Any:
    found = re.search(r'id="data">([\w+/=]+)<', page)
    assert found is not None
    return json.loads(gzip.decompress(base64.b64decode(found[1])))


def sample(**fields: Any) -> Report:
    mismatch: dict[str, Any] = {"mismatches": (MEAN,), "mismatch_count": 1, **fields}
    return report(run(first(2, cases(4), verdict=Verdict.DIFFERENT, **mismatch)), fib())


def test_the_page_holds_tables_for_browsers_without_scripts() -> None:
    read = Reader(page_of(sample()))
    text = " ".join(" ".join(read.texts).split())
    assert "parwork: 1 workload, 2 cases DIFFERENT" in text
    assert "test_fib.py::test_fib joblib-2 DIFFERENT 2" in text
    assert "test_fib.py::test_fib[1] joblib-2 DIFFERENT ['mean'] 3.14 3.13" in text


def test_the_script_gets_the_report() -> None:
    data = data_of(page_of(sample()))
    assert [run["verdict"] for run in data["runs"]] == ["DIFFERENT", "EQUAL"]
    assert data["runs"][0]["cases"][1]["interval"] == [0.0, 0.0, 1.0]


def test_nothing_foreign_is_html() -> None:
    made = sample(id=HOSTILE)
    plain = (PlainEntry(id=HOSTILE, reason=HOSTILE),)
    made = replace(made, plain=plain, environment={"python": HOSTILE}, version=HOSTILE)
    page = page_of(made)
    read = Reader(page)
    assert sum(tag == "script" for tag, _ in read.tags) == 2
    assert "alert(1)" not in "".join(read.scripts)
    assert "alert(1)" in "".join(read.texts)


def test_the_policy_allows_the_own_script_and_style_alone() -> None:
    pages = [page_of(sample()), page_of(sample())]
    nonces = []
    for page in pages:
        read = Reader(page)
        policy = next(a["content"] for t, a in read.tags if t == "meta" and "content" in a)
        assert policy is not None
        assert policy.startswith("default-src 'none'; ")
        (nonce,) = set(re.findall(r"nonce-([\w-]+)", policy))
        nonces.append(nonce)
        for tag, attributes in read.tags:
            if tag in ("script", "style"):
                assert attributes["nonce"] == nonce
            assert not {"style", "src", "href"} & attributes.keys()
            assert not any(name.startswith("on") for name in attributes)
    assert nonces[0] != nonces[1]


def test_the_script_is_small_and_sets_no_html() -> None:
    script = (PAGE / "page.js").read_text(encoding="utf-8")
    assert len(script.encode()) < 30_000
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|eval\(|document\.write", script)


def test_a_large_report_makes_a_small_page() -> None:
    members = first(900, cases(10_000), verdict=Verdict.DIFFERENT, mismatches=(MEAN,))
    page = page_of(report(run(members)))
    assert len(page) < 2_000_000
    assert f"and {900 - CASES} more." in page


def test_an_empty_report_is_a_page() -> None:
    assert "Nothing was run in parallel." in page_of(report())


def test_without_jinja2_the_session_does_not_begin(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(files.NEEDS, ".html", ("no_such_library", "html"))
    with pytest.raises(UsageError, match=r'pip install "pytest-parwork\[html\]"'):
        files.target_of("a.html", tmp_path, {})
    assert "jinja2" in sys.modules
