#!/usr/bin/python3
"""docs/reference.md is what the program says about its components; make it anew with: flume help --markdown > docs/reference.md"""
import difflib
import subprocess
import unittest

from flume_process import ROOT, binary


class ReferenceTest(unittest.TestCase):
    def test_reference_is_up_to_date(self):
        made = subprocess.run([binary(), "help", "--markdown"], capture_output=True, text=True, timeout=60, check=True).stdout
        kept = (ROOT / "docs" / "reference.md").read_text()
        difference = "".join(difflib.unified_diff(kept.splitlines(True), made.splitlines(True), "docs/reference.md", "flume help --markdown"))
        self.assertEqual(difference, "")


if __name__ == "__main__":
    unittest.main()
