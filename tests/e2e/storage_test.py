#!/usr/bin/env python3
"""What is written to files: whole after kills and full disks, under final names only when complete, and read back exactly."""
import collections
import subprocess
import unittest

from flume_process import Cluster, binary, wait_for

FAST = {"flume.storage.sync.millis": 50}


class Storage(unittest.TestCase):
    def setUp(self):
        self.cluster = Cluster()
        self.addCleanup(lambda: self.cluster.__exit__(None, None, None))
        self.folder = self.cluster.folder
        self.input = self.folder / "in"
        self.out = self.folder / "out"

    def run_once(self, spec):
        done = subprocess.run([binary(), "node_nowatch", *self.cluster.options(), "-1", "-s", "-n", "x", "-c", f"x: {spec};"],
                              capture_output=True, timeout=60)
        return done.returncode, done.stderr.decode()

    def start(self, spec):
        return self.cluster.start("x", ["node_nowatch", "-s", "-n", "x", "-c", f"x: {spec};"], FAST)

    def test_a_captured_stream_runs_again_with_all_its_metadata(self):
        self.input.write_bytes(b"".join(bytes([b]) * 3 + b"\n" for b in range(256) if b not in (10, 13)))
        first, second = self.folder / "first", self.folder / "second"
        code, error = self.run_once(f'text("{self.input}") | value("k", "v") formatDfs("{first}", avrojson)')
        self.assertEqual(code, 0, error)
        code, error = self.run_once(f'replay("{first}") | formatDfs("file://{second}", avrojson)')
        self.assertEqual(code, 0, error)
        self.assertEqual(len(first.read_bytes().splitlines()), 254)
        self.assertEqual(first.read_bytes(), second.read_bytes())

    def test_collector_sink_publishes_what_it_was_given(self):
        self.input.write_bytes(b"".join(b"line %d\n" % i for i in range(100000)))
        code, error = self.run_once(f'text("{self.input}") | collectorSink("{self.out}/%Y", "p-", 3600000, raw)')
        self.assertEqual(code, 0, error)
        files = [path for path in self.out.rglob("*") if path.is_file()]
        self.assertEqual([path.name[:2] for path in files], ["p-"])
        self.assertEqual(files[0].read_bytes(), self.input.read_bytes())

    def test_after_kills_every_line_is_there_and_none_is_torn(self):
        lines = [b"line %06d of the input" % i for i in range(20000)]
        self.input.write_bytes(b"")
        spec = f'tail("{self.input}") | escapedFormatDfs("{self.out}", "%{{host}}", raw)'

        def written():
            return sum(path.stat().st_size for path in self.out.glob("*")) if self.out.exists() else 0

        def last_line_is_there():  # rows after a kill may be repeated, so sizes do not tell
            return any(lines[-1] in path.read_bytes() for path in self.out.glob("*"))

        part = len(lines) // 4
        for round_number in range(4):
            process = self.start(spec)
            with open(self.input, "ab") as log:
                log.write(b"".join(line + b"\n" for line in lines[round_number * part:(round_number + 1) * part]))
            if round_number < 3:
                goal = round_number * part * (len(lines[0]) + 1)
                wait_for("some of the rows", lambda: written() > goal)
                process.kill()
        wait_for("the last row", last_line_is_there)
        process.stop()
        self.assertEqual(process.popen.returncode, 0, process.output())
        found = collections.Counter()
        for path in self.out.iterdir():
            self.assertNotEqual(path.suffix, ".tmp")
            if path.suffix != ".aside":
                self.assertTrue(path.read_bytes().endswith(b"\n"), path)
                found.update(path.read_bytes().splitlines())
        self.assertEqual(set(found), set(lines))

    def test_a_full_disk_is_said(self):
        self.input.write_bytes(b"one\n")
        code, error = self.run_once(f'text("{self.input}") | text("/dev/full", raw)')
        self.assertEqual(code, 1)
        self.assertIn('write to "/dev/full": No space left on device (ENOSPC)', error)

    def test_other_stores_are_refused_by_name(self):
        self.input.write_bytes(b"one\n")
        code, error = self.run_once(f'text("{self.input}") | dfs("hdfs://namenode/logs")')
        self.assertEqual(code, 1)
        self.assertIn("hdfs:// is not supported in this version", error)


if __name__ == "__main__":
    unittest.main(verbosity=2)
