#!/usr/bin/env python3
"""The first example of the documentation as it is typed: a master, two nodes, no port anywhere."""
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from flume_process import binary, http, wait_for  # noqa: E402

API = "http://127.0.0.1:35871/api/v1"
SPEC = 'agent: console | agentSink("localhost", 35853); collector: collectorSource(35853) | console;'


class ConsoleToConsole(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="flume-test-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def start(self, name, *arguments):
        """Its output goes to a file: what the console sink prints is among it."""
        command = [binary(), arguments[0], f"-Dflume.master.store.dir={self.folder}/master",
                   f"-Dflume.agent.logdir={self.folder}/{name}", *arguments[1:]]
        with open(self.folder / f"{name}.out", "wb") as out:
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=out, stderr=out)
        self.addCleanup(self.end, process)
        return process

    @staticmethod
    def end(process):
        process.stdin.close()
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def said(self, name):
        return (self.folder / f"{name}.out").read_text(errors="replace")

    def states(self):
        return {node["name"]: node["state"] for node in http("GET", f"{API}/nodes")["logical"]}

    def test_a_line_typed_at_the_agent_shows_at_the_collector(self):
        master = self.start("master", "master_nowatch")
        wait_for("the master on port 35871", lambda: http("GET", f"{API}/status") or master.poll() is not None)
        self.assertIsNone(master.poll(), self.said("master"))
        agent = self.start("agent", "node_nowatch", "-n", "agent")
        self.start("collector", "node_nowatch", "-n", "collector")
        answer = http("POST", f"{API}/commands", {"command": "multiconfig", "args": [SPEC], "wait_ms": 20000})
        self.assertEqual(answer["state"], "SUCCEEDED", answer)
        wait_for("both nodes to be active", lambda: self.states() == {"agent": "ACTIVE", "collector": "ACTIVE"})
        agent.stdin.write(b"hello from here\n")
        agent.stdin.flush()
        wait_for("the line at the collector", lambda: "hello from here" in self.said("collector"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
