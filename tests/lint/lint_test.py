#!/usr/bin/env python3
"""What the check of the table of failures finds."""
import unittest

import lint

THERE = {"Link.Breaks": "tests/unit/node/net/link_test.cpp", "torture/kill-e2e": "node/torture/scenario_kill.cpp"}
HEAD = "# Reliability\n\n## Failure by failure\n\n| failure | e2e | dfo | be | by | shown by |\n|---|---|---|---|---|---|\n"
LINKS = "\n[`Link.Breaks`]: ../tests/unit/node/net/link_test.cpp\n[`torture/kill-e2e`]: ../node/torture/scenario_kill.cpp\n"


def row(tests, failure="link breaks"):
    return f"| {failure} | nothing lost | nothing lost | dropped | the log | {tests} |\n"


def findings(text):
    return [what for _, what in lint.failure_findings(text, THERE)]


class FailureTable(unittest.TestCase):
    def test_rows_that_name_tests_are_fine(self):
        self.assertEqual(findings(HEAD + row("[`Link.Breaks`], [`torture/kill-e2e`]") + row("[`torture/kill-e2e`]") + LINKS), [])

    def test_a_row_without_a_test_is_found(self):
        text = HEAD + row("[`Link.Breaks`]") + row("the log's own tests", "agent killed") + LINKS
        self.assertEqual(list(lint.failure_findings(text, THERE)), [(8, "no test shows it: agent killed")])

    def test_a_test_that_there_is_not_shows_nothing(self):
        for test in ["Link.BreaksNoMore", "torture/kill-be", "e2e/kill_test"]:
            self.assertEqual(findings(HEAD + row(f"[`{test}`]") + LINKS), ["no test shows it: link breaks"], test)

    def test_a_link_to_another_file_is_found(self):
        for links in ["", LINKS.replace("link_test", "wal_test")]:
            self.assertEqual(findings(HEAD + row("[`Link.Breaks`]") + links),
                             ["its link is [`Link.Breaks`]: ../tests/unit/node/net/link_test.cpp"])

    def test_a_row_that_is_not_whole_is_found(self):
        for bad in ["| link breaks | nothing lost | [`Link.Breaks`] |\n", row("[`Link.Breaks`]").replace("dropped", "")]:
            self.assertEqual(len(findings(HEAD + bad + LINKS)), 1, bad)

    def test_a_document_without_the_table_is_found(self):
        self.assertEqual(len(findings("# Reliability\n" + row("[`Link.Breaks`]") + LINKS)), 1)
        self.assertEqual(len(findings(HEAD + "\n## Rules\n" + row("[`Link.Breaks`]") + LINKS)), 1)


class Tests(unittest.TestCase):
    def test_names_of_both_kinds_are_known_with_their_files(self):
        there = lint.tests_there_are()
        self.assertEqual(there["torture/tail-many-be"], "node/torture/scenario_tail.cpp")
        self.assertEqual(there["LiveCopies.RowsThatBothHaveAreStoredOnce"], "tests/unit/node/net/live_copy_test.cpp")
        self.assertEqual(there["e2e/flow_test"], "tests/e2e/flow_test.py")
        self.assertNotIn("torture/soak-e2e", there)  # not in the tests of a build


if __name__ == "__main__":
    unittest.main()
