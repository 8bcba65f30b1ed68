#!/usr/bin/env python3
"""The account of an agent with a log, as its API shows it: over a kill, with a damaged record, every row has one place in it."""
import struct
import unittest

from flume_process import Cluster, free_ports, http, wait_for

GROUP = 10  # rows that are synced together, so that they are one record


class LedgerTest(unittest.TestCase):
    def setUp(self):
        self.cluster = Cluster()
        self.addCleanup(lambda: self.cluster.__exit__(None, None, None))
        self.input = self.cluster.folder / "in.log"
        self.out = self.cluster.folder / "out.log"
        self.input.write_bytes(b"")
        self.written = 0
        self.port, *ports = free_ports(3)
        self.pages = dict(zip(["agent", "collector"], ports))

    def start(self, name, flow):
        self.cluster.start(name, ["node_nowatch", "-n", name, "-c", f"{name}: {flow};"], {"flume.node.status.port": self.pages[name]})

    def start_agent(self):
        self.start("agent", f'tail("{self.input}") | agentSink("127.0.0.1", {self.port})')

    def start_collector(self):
        self.start("collector", f'collectorSource({self.port}) | text("{self.out}", raw)')

    def get(self, name, path):
        return http("GET", f"http://127.0.0.1:{self.pages[name]}{path}")

    def until(self, what, holds, name="agent"):
        def look():
            node = self.get(name, f"/api/v1/logical/{name}")
            return node if holds(node) else None
        return wait_for(what, look)

    def write(self, lines):
        with open(self.input, "ab") as log:
            log.write(b"".join(b"line %06d\n" % n for n in range(self.written, self.written + lines)))
        self.written += lines

    def terms(self, node):
        """What is not 0 in the ledger."""
        ledger = node["ledger"]
        names = ["read", "recovered", "delivered", "in_flight", "held", "dropped"]
        terms = {name: ledger[name]["events"] for name in names}
        terms.update({name: ledger[name] for name in ["copies", "joined", "missing", "unexplained"]})
        return {name: count for name, count in terms.items() if count != 0}

    def until_terms(self, expected, name="agent"):
        """Once rows are at rest; those that are read again after a start are on their way for a moment."""
        last = {}

        def holds(node):
            last.clear()
            last.update(self.terms(node))
            return last == expected and node["ledger"]["balanced"]
        try:
            return self.until("the ledger", holds, name)
        except AssertionError:
            self.assertEqual(last, expected)
            raise

    def metric(self, name):
        for line in self.get("agent", "/metrics").splitlines():
            if line.startswith(name + "{"):
                return line.split(" ")[-1]
        return None

    def segment(self):
        path, = (self.cluster.folder / "nodes").glob("**/wal/sink/00000000000000000000.open")
        return path

    def cut(self, body):
        """Takes the record with this row out of the log; where it was, and where the next one is now."""
        path = self.segment()
        contents = path.read_bytes()
        records = [at for at in range(64, len(contents), 8) if contents[at + 8:at + 12] == b"FLB1"]
        index = max(i for i, at in enumerate(records) if at < contents.index(body))
        length, = struct.unpack_from("<I", contents, records[index])
        size = (8 + length + 7) // 8 * 8
        path.write_bytes(contents[:records[index]] + contents[records[index] + size:])
        return path, records[index + 1] - size

    def damage(self, body):
        """Changes one byte of the record with this row and says where that is."""
        path = self.segment()
        contents = bytearray(path.read_bytes())
        place = contents.index(body)
        contents[place] ^= 0x10
        path.write_bytes(contents)
        return path, place

    def test_the_log_of_a_killed_agent_is_accounted_for_to_the_last_row(self):
        self.start_agent()
        for _ in range(5):
            self.write(GROUP)
            self.until("rows in the log", lambda n: n["ledger"]["held"]["events"] == self.written)
        node = self.until_terms({"read": 50, "held": 50})
        self.assertEqual((node["promise"]["delivery"], node["promise"]["sinks"][0]["sink"]), ("exactly_once_in_files", "agentSink"))
        node = self.until("the error", lambda n: n["logs"][0]["sending"]["error"])
        log, = node["logs"]
        self.assertEqual((log["kind"], log["path"], log["rows"], log["missing"], log["disk_error"]),
                         ("wal", "sink", 50, {"events": 0, "places": []}, ""))
        self.assertIn("refused", log["sending"]["error"])
        self.assertLessEqual(abs(node["last_seen_ms"] - log["oldest_ms"]), 60000)
        self.assertTrue(0 < log["bytes"] < log["limit_bytes"])

        self.cluster.processes["agent"].kill()
        self.cluster.processes["agent"].stop()
        path, place = self.damage(b"line 000022")
        self.start_agent()
        self.until_terms({"recovered": 50, "held": 40, "missing": 10})
        self.write(5)
        self.until("the new rows", lambda n: n["ledger"]["held"]["events"] == 45)

        self.start_collector()
        self.until("an empty log", lambda n: n["logs"][0]["rows"] == 0)
        node = self.until_terms({"read": 5, "recovered": 50, "delivered": 45, "missing": 10})
        missing = node["logs"][0]["missing"]
        self.assertEqual(missing["events"], 10)
        self.assertEqual(node["logs"][0]["damaged_bytes"], missing["places"][0]["bytes"])
        where, = missing["places"]
        self.assertEqual((where["first"], where["end"], where["segment"]), (20, 30, str(path)))
        self.assertTrue(where["offset"] < place < where["offset"] + where["bytes"], where)
        self.assertTrue(where["why"])
        self.assertEqual(node["logs"][0]["ack"]["events"], 5)
        self.assertGreater(node["logs"][0]["ack"]["p99_ms"], 0)
        self.assertEqual((self.metric("flume_wal_rows"), self.metric("flume_wal_ack_seconds_count")), ("0", "5"))
        self.assertEqual(self.metric("flume_flow_missing_events"), "10")

        node = self.until_terms({"read": 45, "delivered": 45}, "collector")
        self.assertEqual(node["logs"], [])
        kept = [n for n in range(55) if not 20 <= n < 30]
        self.assertEqual(self.out.read_bytes(), b"".join(b"line %06d\n" % n for n in kept))

    def test_a_record_that_somebody_removed_is_missing_with_the_place_where_the_log_goes_on(self):
        self.start_agent()
        for _ in range(5):
            self.write(GROUP)
            self.until("rows in the log", lambda n: n["ledger"]["held"]["events"] == self.written)
        self.cluster.processes["agent"].kill()
        self.cluster.processes["agent"].stop()
        path, next_record = self.cut(b"line 000022")
        self.start_agent()
        self.start_collector()
        self.until("an empty log", lambda n: n["logs"] and n["logs"][0]["rows"] == 0)
        node = self.until_terms({"recovered": 50, "delivered": 40, "missing": 10})
        where, = node["logs"][0]["missing"]["places"]
        self.assertEqual((where["first"], where["end"], where["segment"]), (20, 30, str(path)))
        self.assertEqual((where["offset"], where["bytes"]), (next_record, 0))
        self.assertIn("removed", where["why"])
        self.assertEqual(node["logs"][0]["damaged_bytes"], 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
