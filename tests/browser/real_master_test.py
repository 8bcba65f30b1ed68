#!/usr/bin/python3
"""The page of a real master with real nodes: a flow is written, corrected, applied and changed by clicks and keys, and data moves."""
import pathlib
import sys
import unittest

from selenium.webdriver.common.keys import Keys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from flume_process import Cluster, free_ports, wait_for  # noqa: E402
from page import Page  # noqa: E402


class RealMasterTest(unittest.TestCase):
    def setUp(self):
        self.cluster = Cluster()
        self.cluster.__enter__()
        self.addCleanup(lambda: self.cluster.__exit__(None, None, None))
        self.cluster.start_master()
        for name in ("agent", "collector"):
            self.cluster.start_node(name)
        wait_for("both nodes", lambda: len(self.cluster.api("GET", "/nodes")["physical"]) == 2)
        self.page = Page(self.cluster.url())
        self.addCleanup(self.page.close)
        self.log = self.cluster.folder / "app.log"
        self.out = self.cluster.folder / "out"
        self.port, = free_ports(1)

    def configure(self, node, source, sink):
        self.page.open(f"/node/{node}")
        self.page.type_into("Source", source)
        self.page.press(Keys.ESCAPE)
        self.page.type_into("Sink", sink)
        self.page.press(Keys.ESCAPE)
        self.page.shows("correct", "#verdict")
        self.page.click("Apply")
        self.page.shows("stored as revision", "#answer")

    def written(self):
        return b"".join(p.read_bytes() for p in sorted(self.cluster.folder.glob("out*")) if p.is_file())

    def test_a_flow_from_the_form_to_the_store_and_its_counts(self):
        self.configure("collector", f"collectorSource({self.port})", f'formatDfs("file://{self.out}", raw)')
        self.configure("agent", f'tail("{self.log}")', f'agentBESink("127.0.0.1", {self.port})')
        self.log.write_bytes(b"one\n<b>two</b>\n")
        wait_for("the lines in the store", lambda: self.written() == b"one\n<b>two</b>\n")
        self.page.open("/")
        self.page.shows("ACTIVE")
        self.page.wait("the counts of both lines", lambda: self.cluster.logical("agent")["ledger"]["delivered"]["events"] == 2)
        self.assertEqual(self.page.console_errors(), [])

    def test_the_log_of_an_agent_is_shown_by_the_master_and_by_its_node(self):
        self.configure("agent", f'tail("{self.log}")', f'agentSink("127.0.0.1", {self.port})')
        self.log.write_bytes(b"one\ntwo\nthree\n")
        wait_for("the lines in the log", lambda: self.cluster.logical("agent")["ledger"]["held"]["events"] == 3)
        self.page.open("/node/agent")
        self.page.shows("exactly once in the collector's files", ".reliability")
        self.page.shows("Rows waiting\n3", ".reliability .figures")
        self.page.shows("refused", ".reliability .notice")
        self.configure("collector", f"collectorSource({self.port})", f'formatDfs("file://{self.out}", raw)')
        wait_for("the lines in the store", lambda: self.written() == b"one\ntwo\nthree\n")
        wait_for("an empty log", lambda: self.cluster.logical("agent")["logs"][0]["rows"] == 0)
        self.page.open("/node/agent")
        self.page.shows("Rows waiting\n0", ".reliability .figures")
        self.page.shows("p99", ".reliability .figures")
        self.page.shows("0 unexplained", ".equation")
        own = next(node for node in self.cluster.api("GET", "/nodes")["physical"] if node["name"] == "agent")
        node_page = Page(f"http://127.0.0.1:{own['http_port']}")
        self.addCleanup(node_page.close)
        node_page.open("/")
        node_page.shows("Write-ahead log", ".reliability")
        node_page.shows("0 unexplained", ".equation")
        node_page.console_errors()
        self.assertEqual(self.page.console_errors(), [])

    def test_an_error_is_shown_while_typing_and_the_flow_goes_on(self):
        self.configure("agent", f'tail("{self.log}")', "null")
        self.cluster.wait_state("agent", "ACTIVE")
        self.page.type_into("Sink", "{ gizp => null }")
        self.page.shows("no decorator 'gizp'; did you mean 'gzip'?")
        self.assertFalse(self.page.button("Apply").is_enabled())
        self.page.click("use gzip")
        self.page.shows("correct", "#verdict")
        self.page.click("Apply")
        self.page.shows("stored as revision", "#answer")
        node = self.cluster.wait_state("agent", "ACTIVE")
        self.assertEqual(node["error"], "")

    def test_components_of_the_program_are_offered_and_explained(self):
        self.page.open("/components")
        for words in ("tail", "agentBESink", "collectorSink", "gzip"):
            self.page.shows(words)
        self.page.open("/node/agent")
        self.page.type_into("Source", "tai")
        self.page.wait("completions", lambda: self.page.all(".completions li"))
        self.page.press(Keys.ARROW_DOWN, Keys.ENTER)
        self.assertTrue(self.page.labelled("Source").get_attribute("value").startswith("tail"))

    def test_commands_and_their_history(self):
        self.page.open("/commands")
        self.page.wait("the commands", lambda: self.page.all("#command-names option"))
        self.page.type_into("Command", "config agent console null")
        self.page.press(Keys.ENTER)
        self.page.shows("SUCCEEDED", "#answer")
        self.page.shows("config agent console null")
        self.page.type_into("Command", "config agent tial null")
        self.page.press(Keys.ENTER)
        self.page.shows("did you mean 'tail'?")
        self.page.console_errors()  # the refusal's own 422


if __name__ == "__main__":
    unittest.main()
