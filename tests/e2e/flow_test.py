#!/usr/bin/env python3
"""Whole flows with real processes: what a user sees, and what bad input and lost peers do to it."""
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from flume_process import ApiError, Cluster, binary, free_ports, wait_for  # noqa: E402


def read_parts(folder):
    files = sorted(p for p in pathlib.Path(folder).rglob("*") if p.is_file())
    return b"".join(p.read_bytes() for p in files)


class TwoTiers(unittest.TestCase):
    def setUp(self):
        self.cluster = Cluster()
        self.cluster.__enter__()
        self.addCleanup(lambda: self.cluster.__exit__(None, None, None))
        self.cluster.start_master()
        self.log = self.cluster.folder / "app.log"
        self.out = self.cluster.folder / "out"
        self.port, = free_ports(1)

    def start_flow(self):
        self.cluster.start_node("agent")
        self.cluster.start_node("collector")
        self.cluster.configure("collector", f"collectorSource({self.port})", f'formatDfs("file://{self.out}/part", raw)')
        self.cluster.configure("agent", f'tail("{self.log}")', f'agentBESink("127.0.0.1", {self.port})')
        self.cluster.wait_state("collector", "ACTIVE")
        self.cluster.wait_state("agent", "ACTIVE")

    def append(self, text):
        with open(self.log, "ab") as f:
            f.write(text)

    def wait_output(self, wanted):
        wait_for(f"{len(wanted)} bytes in the output", lambda: read_parts(self.out) == wanted)

    def test_bytes_arrive_as_they_are(self):
        data = b"plain\n" + b"\xff\x00binary\x80\n" + "é€😀\n".encode() + b"\n" + b"last\n"
        self.append(data)
        self.start_flow()
        self.wait_output(data)
        self.append(b"one more\n")
        self.wait_output(data + b"one more\n")

    def test_a_bad_change_is_refused_with_its_place_and_the_flow_goes_on(self):
        self.append(b"a\n")
        self.start_flow()
        self.wait_output(b"a\n")
        with self.assertRaises(ApiError) as caught:
            self.cluster.api("PUT", "/configs/agent", {"source": f'tial("{self.log}")', "sink": "null"})
        self.assertEqual(caught.exception.status, 422)
        diagnostic = caught.exception.body["error"]["diagnostics"][0]
        self.assertEqual((diagnostic["field"], diagnostic["line"], diagnostic["column"]), ("source", 1, 1))
        self.assertEqual(diagnostic["suggestion"], "tail")
        self.append(b"b\n")
        self.wait_output(b"a\nb\n")

    def test_a_restarted_agent_goes_on_where_it_was(self):
        self.append(b"1\n2\n")
        self.start_flow()
        self.wait_output(b"1\n2\n")
        self.assertEqual(self.cluster.processes.pop("agent").stop(), 0)
        self.append(b"3\n")
        self.cluster.start_node("agent")
        self.wait_output(b"1\n2\n3\n")

    def test_a_node_runs_its_last_configuration_without_the_master(self):
        self.append(b"1\n")
        self.start_flow()
        self.wait_output(b"1\n")
        for name in ("agent", "collector", "master"):
            self.cluster.processes.pop(name).stop()
        self.cluster.start_node("collector")
        self.cluster.start_node("agent")
        self.append(b"2\n")
        wait_for("the new line", lambda: read_parts(self.out).endswith(b"2\n"))
        self.cluster.start_master()
        wait_for("the agent to be back", lambda: self.cluster.logical("agent")["state"] == "ACTIVE")

    def test_a_dead_collector_is_shown_and_the_flow_goes_on_when_it_is_back(self):
        self.append(b"1\n")
        self.start_flow()
        self.wait_output(b"1\n")
        self.cluster.processes.pop("collector").kill()
        self.append(b"later\n" * 100)
        agent = self.cluster.wait_state("agent", "BACKOFF")
        self.assertIn(f"127.0.0.1:{self.port}", agent["error"])
        self.cluster.start_node("collector")
        wait_for("the flow to go on", lambda: read_parts(self.out).endswith(b"later\n"), 60)
        ledger = self.cluster.logical("agent")["ledger"]
        self.assertTrue(ledger["balanced"], ledger)

    def test_best_effort_drops_what_nobody_takes_in_time_and_counts_it(self):
        other, = free_ports(1)
        self.append(b"1\n")
        self.cluster.start_node("agent")
        self.cluster.configure("agent", f'tail("{self.log}")',
                               f'agentBEChain("127.0.0.1:{other}", "127.0.0.1:{self.port}", wait=1500)')
        agent = self.cluster.wait_state("agent", "BACKOFF")
        self.assertIn(f"127.0.0.1:{other}", agent["error"])
        wait_for("the line to be dropped",
                 lambda: self.cluster.logical("agent")["ledger"]["dropped"]["reasons"]
                 .get("unreachable", {}).get("events") == 1)
        self.cluster.start_node("collector")
        self.cluster.configure("collector", f"collectorSource({self.port})", f'formatDfs("file://{self.out}/part", raw)')
        self.cluster.wait_state("collector", "ACTIVE")

        def a_line_arrives():
            self.append(b"2\n")
            return b"2\n" in read_parts(self.out)
        wait_for("a line to arrive", a_line_arrives, 60)
        self.assertTrue(self.cluster.logical("agent")["ledger"]["balanced"])

    def test_logical_names_are_addresses_that_the_master_knows(self):
        self.append(b"1\n2\n")
        self.cluster.start_node("agent")
        self.cluster.start_node("collector")
        self.cluster.configure("agent", f'tail("{self.log}")', 'logicalSink("collector")')
        wait_for("the reason", lambda: "logicalSink" in self.cluster.logical("agent")["error"])
        self.cluster.configure("collector", "logicalSource", f'formatDfs("file://{self.out}/part", raw)')
        self.wait_output(b"1\n2\n")
        configured = self.cluster.api("GET", "/configs/collector")
        self.assertIn("rpcSource", str(configured), "what it was translated to")

    def test_exec_from_the_master_is_refused_unless_the_owner_allows_it(self):
        self.cluster.start_node("agent")
        self.cluster.configure("agent", 'exec("echo hello")', "null")
        node = wait_for("the refusal", lambda: (lambda n: n if "exec" in n["error"] else None)(self.cluster.logical("agent")))
        self.assertIn("flume.node.pushed.exec", node["error"])


class CommandLine(unittest.TestCase):
    def run_flume(self, *arguments, stdin=b""):
        done = subprocess.run([binary(), *arguments], input=stdin, capture_output=True, timeout=60)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def setUp(self):
        self.cluster = Cluster()
        self.addCleanup(lambda: self.cluster.__exit__(None, None, None))
        self.file = self.cluster.folder / "f"
        self.file.write_bytes(b"one\ntwo\n")

    def test_dump_shows_a_file(self):
        code, out, err = self.run_flume("dump", f'text("{self.file}")', "raw")
        self.assertEqual((code, out), (0, "one\ntwo\n"), err)

    def test_sink_reads_standard_input(self):
        target = self.cluster.folder / "g"
        code, _, err = self.run_flume("sink", f'text("{target}", "raw")', stdin=b"a\nb\n")
        self.assertEqual((code, target.read_bytes()), (0, b"a\nb\n"), err)

    def test_one_shot_node_copies_a_file(self):
        target = self.cluster.folder / "g"
        code, _, err = self.run_flume("node_nowatch", *self.cluster.options(), "-1", "-s", "-n", "x", "-c",
                                      f'x: text("{self.file}") | text("{target}", raw);')
        self.assertEqual((code, target.read_bytes()), (0, b"one\ntwo\n"), err)

    def test_unknown_words_get_the_nearest_known_one(self):
        code, _, err = self.run_flume("dmup", "null")
        self.assertEqual(code, 2)
        self.assertIn("dump", err)
        code, out, err = self.run_flume("check", "-c", "a: tial(\"x\") | console;")
        self.assertEqual(code, 2)
        self.assertIn("tail", out + err)


if __name__ == "__main__":
    unittest.main(verbosity=2)
