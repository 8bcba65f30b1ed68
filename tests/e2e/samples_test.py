#!/usr/bin/python3
"""The samples in conf/ are what people copy: each flow checks, and each unit starts a command that exists."""
import configparser
import pathlib
import subprocess
import unittest

from flume_process import ROOT, binary


def flume(*arguments):
    return subprocess.run([binary(), *arguments], capture_output=True, text=True, timeout=60)


class SamplesTest(unittest.TestCase):
    def test_flows_check(self):
        flows = sorted((ROOT / "conf" / "flows").glob("*.flume"))
        self.assertGreaterEqual(len(flows), 5)
        for flow in flows:
            done = flume("check", str(flow))
            self.assertEqual(done.returncode, 0, f"{flow.name}:\n{done.stdout}{done.stderr}")

    def test_units_start_known_commands(self):
        for unit in sorted((ROOT / "conf").glob("*.service")):
            parsed = configparser.ConfigParser(interpolation=None, strict=False)
            parsed.optionxform = str
            parsed.read_string(pathlib.Path(unit).read_text())
            program, command = parsed["Service"]["ExecStart"].split()[:2]
            self.assertEqual(program, "/usr/bin/flume")
            done = flume("help", command)
            self.assertEqual(done.returncode, 0, f"{unit.name}: {done.stdout}{done.stderr}")


if __name__ == "__main__":
    unittest.main()
