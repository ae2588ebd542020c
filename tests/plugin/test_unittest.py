"""Methods of `unittest.TestCase`: fanned out, each judged with all that unittest runs around it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from .scratch import Scratch

#: One method for each way in which a method can end; the suite has never heard of parwork.
SUITE = """
    import unittest

    class TestEach(unittest.TestCase):
        @classmethod
        def setUpClass(cls):
            cls.shared = [5]

        def setUp(self):
            self.made = []
            self.addCleanup(note, "cleanup")

        def tearDown(self):
            self.assertLessEqual(len(self.made), 1)

        def test_passes(self):
            self.made.append(self.shared[0])
            self.assertEqual(self.made, [5])

        def test_fails(self):
            self.assertEqual(self.made, [5])

        def test_skips(self):
            self.skipTest("not today")

        @unittest.skip("never")
        def test_is_skipped(self):
            note("skipped")

        @unittest.expectedFailure
        def test_is_expected_to_fail(self):
            self.fail()

        @unittest.expectedFailure
        def test_passes_unexpectedly(self):
            pass

        def test_fails_in_its_cleanup(self):
            self.addCleanup(self.fail, "in the cleanup")

        def test_fails_in_both(self):
            self.made += [1, 2]
            self.fail("in the body")

        def test_subtests(self):
            for n in range(3):
                with self.subTest("each", n=n):
                    if n == 1:
                        self.fail("one")
                    if n == 2:
                        self.skipTest("two")

    class TestSetUp(unittest.TestCase):
        def setUp(self):
            raise KeyError("set-up")

        def test_it(self):
            pass

    class TestMethods(unittest.TestCase):
        def setup_method(self, method):
            self.name = method.__name__

        @pytest.fixture(autouse=True)
        def folder(self, tmp_path):
            self.path = tmp_path
            yield
            assert self.path.exists()

        def test_it(self):
            self.assertEqual(self.name, "test_it")
            self.assertTrue(self.path.exists())

    @unittest.skip("all of it")
    class TestSkipped(unittest.TestCase):
        def test_it(self):
            pass

    class TestAwaited(unittest.IsolatedAsyncioTestCase):
        async def asyncSetUp(self):
            self.value = 1

        async def test_passes(self):
            self.assertEqual(self.value, 1)

        async def test_fails(self):
            self.assertEqual(self.value, 2)
"""

EVERYTHING = ("--parwork-all", "-W", "default")

BACKENDS = ["threads", "processes:fork", "isolated:fork", "joblib"]

#: Which methods differ in a worker, and where: in the body, the tear-down, a cleanup, a subtest.
DIFFERING = """
    import unittest

    class TestWhere(unittest.TestCase):
        is_torn = False

        def tearDown(self):
            if self.is_torn:
                self.assertTrue(is_here())

        def test_same(self):
            pass

        def test_body(self):
            self.assertTrue(is_here())

        def test_tear_down(self):
            self.is_torn = True

        def test_cleanup(self):
            self.addCleanup(lambda: self.assertTrue(is_here()))

        def test_subtest(self):
            with self.subTest():
                self.assertTrue(is_here())

        def test_fails_and_tears_down(self):
            self.is_torn = True
            self.fail("in both runs")
"""


@pytest.mark.parametrize("verify", ["1", "0"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_suite_of_unittest_ends_as_without_the_option(
    scratch: Scratch, backend: str, verify: str
) -> None:
    scratch.cases(SUITE)
    plain = scratch.run("-W", "default")
    assert plain.counts["failed"] >= 5  # else this test compares nothing

    session = scratch.run(
        *EVERYTHING, f"--parwork-backend={backend}", f"--parwork-verify={verify}", report=True
    )

    assert session.cases == plain.cases
    assert session.counts == plain.counts
    assert session.report["plain"] == []
    assert "DIFFERENT" not in session.out
    found = _verdicts(session.report)
    is_verified = verify == "1"
    # Older pytest skips a class in the bodies of its methods, so in both runs.
    skipped = {id for id in found if "TestSkipped" in id}
    equal = {id for id, verdict in found.items() if verdict == "EQUAL"}
    assert equal | skipped == ({*found} if is_verified else skipped)
    assert set(found.values()) <= {"EQUAL", "NOT_VERIFIED"}


def test_each_method_runs_in_both_places_on_an_instance_of_its_own(scratch: Scratch) -> None:
    scratch.cases(SUITE)

    scratch.run(*EVERYTHING, "--parwork-backend=processes:fork", "-k", "TestEach")

    notes = scratch.notes()
    # All but the skipped one, which has no set-up.
    assert (notes.count("cleanup there"), notes.count("cleanup here")) == (8, 8)
    assert not {"skipped there", "skipped here"} & {*notes}


@pytest.mark.parametrize("backend", ["threads", "processes:fork", "isolated:fork"])
def test_a_difference_is_found_wherever_unittest_runs_it(scratch: Scratch, backend: str) -> None:
    scratch.cases(DIFFERING)

    session = scratch.run(*EVERYTHING, f"--parwork-backend={backend}", report=True)

    found = _verdicts(session.report)
    assert {id.rpartition("::")[2]: verdict for id, verdict in found.items()} == {
        "test_same": "EQUAL",
        "test_body": "DIFFERENT",
        "test_tear_down": "DIFFERENT",
        "test_cleanup": "DIFFERENT",
        "test_subtest": "DIFFERENT",
        "test_fails_and_tears_down": "DIFFERENT",
    }


def test_a_method_that_ends_its_worker_or_hangs_is_lost(scratch: Scratch) -> None:
    scratch.cases("""
        import os
        import time
        import unittest

        class TestIt(unittest.TestCase):
            def tearDown(self):
                if self._testMethodName == "test_crash" and not is_here():
                    os._exit(3)

            def test_crash(self):
                note("crash")

            def test_hang(self):
                if not is_here():
                    time.sleep(60)
    """)

    session = scratch.run(
        *EVERYTHING, "--parwork-backend=processes:fork", "--parwork-timeout=2", report=True
    )

    assert set(_verdicts(session.report).values()) == {"LOST"}
    assert "crash here" not in scratch.notes()


def test_what_is_not_fanned_out_of_unittest_is_plain_and_says_why(scratch: Scratch) -> None:
    scratch.cases("""
        import os
        import unittest
        from unittest import mock

        class TestOwnRun(unittest.TestCase):
            def run(self, result=None):
                return super().run(result)

            def test_it(self):
                pass

        class TestNeverAwaited(unittest.TestCase):
            async def test_it(self):
                pass

        class TestPatches(unittest.TestCase):
            def setUp(self):
                patch = mock.patch("os.getcwd", return_value="here")
                patch.start()
                self.addCleanup(patch.stop)

            def test_it(self):
                self.assertEqual(os.getcwd(), "here")
    """)

    session = scratch.run("--parwork-all", "-W", "ignore", "--parwork-backend=threads", report=True)

    assert session.counts == {"passed": 3}
    assert {entry["id"].split("::")[1]: entry["reason"] for entry in session.report["plain"]} == {
        "TestOwnRun": "unittest with its own run()",
        "TestNeverAwaited": "async",
        "TestPatches": "mock.patch on threads",
    }


def test_a_method_runs_once_where_the_suite_runs_on_several_backends(scratch: Scratch) -> None:
    method = """
        import unittest

        class TestIt(unittest.TestCase):
            @pytest.mark.parwork({keywords})
            def test_it(self):
                note("ran")
    """
    scratch.cases(method.format(keywords=""))
    session = scratch.run("--parwork-backend=threads,serial", report=True)
    assert session.counts == {"passed": 1}
    assert [entry["reason"] for entry in session.report["plain"]] == ["unittest in a matrix"]
    assert scratch.notes() == ["ran here"]

    scratch.cases(method.format(keywords="workers=[2, 3]"), path="test_own.py")
    session = scratch.run("test_own.py")
    assert session.code == pytest.ExitCode.USAGE_ERROR
    assert "workers=[2, 3] asks for a matrix" in session.text.replace("(2, 3)", "[2, 3]")
    assert "give a single value" in session.text


def _verdicts(report: Mapping[str, object]) -> dict[str, str]:
    runs = report["runs"]
    assert isinstance(runs, list)
    return {case["id"]: case["verdict"] for run in runs for case in run["cases"]}
