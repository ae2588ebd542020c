"""The HTML report in a browser: no error, sorted, filtered, read by keyboard, accessible.

It needs playwright and Chromium (`tox -e page`), and takes no part in the daily tests.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.report_samples import CRASH, MEAN, cases, fib, first, report, run

from pytest_parwork.model.causes import Cause
from pytest_parwork.model.outcome import Verdict
from pytest_parwork.report.as_html import html_pieces
from pytest_parwork.report.data import RunReport
from pytest_parwork.report.environment import environment

playwright = pytest.importorskip("playwright.sync_api")

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")

pytestmark = [
    pytest.mark.sweep,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium"),
]

#: A hostile id: were it HTML anywhere, a script would run and set a title.
HOSTILE = "t.py::test[</script><img src=x onerror=document.title='owned'>]"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        launched = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages")
    mismatch: dict[str, Any] = {"mismatches": (MEAN,), "mismatch_count": 1}
    members = first(2, cases(40), verdict=Verdict.DIFFERENT, **mismatch)
    members[0] = replace(members[0], id=HOSTILE)
    members[5] = replace(members[5], **CRASH)
    cause = Cause(name="GLOBAL_RNG", evidence="same state, same value", remedy="seed = 1")
    serial = [replace(one, serial_interval=(9.0, 9.5)) for one in members]
    wrong = run(serial, id="test_pi.py::test_pi", causes=(cause,))
    made = replace(report(fib(), wrong), environment=environment())
    many = [replace(one, serial_interval=(0.0, 0.5)) for one in cases(10_000, parallel=0.01)]
    scaled = report(
        *(on(*each) for each in [("joblib", 2, 2.0), ("threads", 2, 4), ("joblib", 4, 1)])
    )
    pages = {"small": made, "large": report(run(many)), "empty": report(), "scaled": scaled}
    for name, one in pages.items():
        (folder / f"{name}.html").write_text("".join(html_pieces(one)), encoding="utf-8")
    return folder


def on(backend: str, workers: int, wall: float) -> RunReport:
    """Return a run of 4 s of work on so many workers."""
    members = cases(8, serial=0.5, parallel=0.5, workers=workers)
    name = f"{backend}-{workers}"
    return run(members, backend=backend, configuration_id=name, granted=workers, wall=wall)


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """Give a page; an error of its scripts, or in the console, fails the test."""
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    opened = context.new_page()
    errors: list[str] = []
    requests: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.on("console", lambda message: errors.append(message.text))
    opened.on("request", lambda request: requests.append(request.url))
    yield opened
    context.close()
    assert errors == []
    assert all(url.startswith("file:") for url in requests)


def opened(page: Any, files: Path, name: str) -> Any:
    page.goto(f"file://{files / name}.html")
    page.wait_for_function("!document.getElementById('tools').hidden")
    return page


def rows(page: Any) -> list[str]:
    found: list[str] = page.locator("#runs tbody tr:visible").all_inner_texts()
    return found


def test_what_is_not_equal_is_shown_first_and_hostile_ids_are_text(page: Any, files: Path) -> None:
    opened(page, files, "small")
    detail = page.locator("#detail").inner_text()
    assert "test_pi.py::test_pi on joblib-auto" in detail
    assert "Cause: GLOBAL_RNG, suspected" in detail
    assert HOSTILE.partition("::")[2] in detail
    assert page.title().startswith("parwork: 2 workloads")


def test_the_table_is_sorted_and_filtered(page: Any, files: Path) -> None:
    opened(page, files, "small")
    page.get_by_role("button", name="serial", exact=True).click()
    assert rows(page)[0].startswith("test_fib.py")
    page.get_by_role("button", name="serial", exact=True).click()
    assert rows(page)[0].startswith("test_pi.py")
    page.get_by_label("Filter").fill("FIB")
    assert len(rows(page)) == 1
    assert page.locator("#count").inner_text() == "1 of 2"
    page.get_by_label("Filter").fill("")
    page.locator("#verdict").select_option("LOST")
    assert [row.split()[0] for row in rows(page)] == ["test_pi.py::test_pi"]


def test_a_workload_is_opened_and_its_bars_are_read_by_keyboard(page: Any, files: Path) -> None:
    opened(page, files, "small")
    page.get_by_role("button", name="test_fib.py::test_fib").press("Enter")
    assert "test_fib.py::test_fib on joblib-auto" in page.locator("#detail").inner_text()
    chart = page.locator("#detail svg").first
    chart.press("End")
    assert "test_fib[33], 120 ms, EQUAL" in page.locator("#detail [role=status]").inner_text()
    chart.press("ArrowLeft")
    assert "test_fib[31]" in page.locator("#detail [role=status]").inner_text()


def test_a_bar_says_its_case_under_the_pointer(page: Any, files: Path) -> None:
    opened(page, files, "small")
    page.locator("#detail rect.bar.bad").last.hover()
    assert "DIFFERENT" in page.locator("#detail [role=status]").inner_text()


def test_each_backend_has_a_curve_of_its_own(page: Any, files: Path) -> None:
    opened(page, files, "scaled")
    curve = page.get_by_role("img", name="2 workers: 2.00; 4 workers: 4.00", exact=True)
    assert curve.count() == 1
    page.locator("#runs tbody tr").nth(1).get_by_role("button").click()
    assert "threads-2" in page.locator("#detail h2").inner_text()
    assert "Speed-up against workers" not in page.locator("#detail").inner_text()


def test_a_command_is_copied(page: Any, files: Path) -> None:
    opened(page, files, "small")
    page.get_by_role("button", name="copy the command: the workload").click()
    assert page.evaluate("navigator.clipboard.readText()") == "pytest test_pi.py::test_pi"


def test_ten_thousand_cases_are_drawn_on_a_canvas(page: Any, files: Path) -> None:
    opened(page, files, "large")
    chart = page.locator("#detail canvas")
    chart.press("Home")
    assert "test_fib[0]" in page.locator("#detail [role=status]").inner_text()
    assert (files / "large.html").stat().st_size < 2_000_000


@pytest.mark.parametrize("width", [360, 800, 1600])
def test_no_width_needs_a_horizontal_scroll(page: Any, files: Path, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    for name in ("small", "large", "empty"):
        opened(page, files, name)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_without_scripts_the_tables_are_there(browser: Any, files: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"file://{files / 'small.html'}")
    text = page.locator("main").inner_text()
    context.close()
    assert "test_fib.py::test_fib" in text
    assert "Cases that are not equal" in text
    assert HOSTILE in text
    assert "Filter" not in text


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["small", "empty"])
def test_axe_finds_no_violation(browser: Any, files: Path, name: str, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    # axe is a script, which the policy of the page would forbid.
    context = browser.new_context(color_scheme=scheme, bypass_csp=True)
    found = axe.run(opened(context.new_page(), files, name))
    context.close()
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.skipif(
    not os.environ.get("VNU") or shutil.which("java") is None,
    reason="the validator of HTML needs Java, and its file in VNU",
)
@pytest.mark.parametrize("name", ["small", "empty"])
def test_the_validator_of_the_w3c_finds_nothing(files: Path, name: str) -> None:
    command = ["java", "-jar", os.environ["VNU"], "--stdout", str(files / f"{name}.html")]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=50)
    assert (done.returncode, done.stdout.decode()) == (0, "")
