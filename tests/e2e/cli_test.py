#!/usr/bin/python3
"""The commands as a user calls them: what they print, where, and their exit codes."""
import os
import pathlib
import signal
import subprocess
import tempfile
import unittest

from flume_process import binary, wait_for


class CliTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="flume-test-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.log = self.folder / "log"
        self.log.write_bytes(b"one\n\xff\x00two\nlast without newline")

    def flume(self, *arguments, stdin=b"", environment=None):
        return subprocess.run([binary(), f"-Dflume.agent.logdir={self.folder}/state", *arguments], input=stdin,
                              capture_output=True, timeout=60, env={**os.environ, **(environment or {})})

    def test_dump_shows_the_bytes_of_a_file(self):
        done = self.flume("dump", f'text("{self.log}")', "raw")
        self.assertEqual((done.returncode, done.stdout), (0, b"one\n\xff\x00two\nlast without newline\n"))

    def test_dump_as_json(self):
        done = self.flume("dump", f'text("{self.log}")', "json")
        self.assertEqual(done.returncode, 0)
        self.assertIn(b'"body":"one"', done.stdout.splitlines()[0])

    def test_dump_of_a_missing_file_fails_with_its_name(self):
        done = self.flume("dump", 'text("/no/such/file")')
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"/no/such/file", done.stderr)

    def test_sink_takes_standard_input(self):
        done = self.flume("sink", "console(raw)", stdin=b"a\nb\n")
        self.assertEqual((done.returncode, done.stdout), (0, b"a\nb\n"))

    def test_dump_follows_a_file_until_it_is_told_to_end(self):
        process = subprocess.Popen([binary(), "dump", f'tail("{self.log}")', "raw"], stdout=subprocess.PIPE)
        self.assertEqual(process.stdout.readline(), b"one\n")
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(20), 0)
        process.stdout.close()

    def test_one_shot_node_runs_its_own_part_of_a_specification(self):
        spec = f'other: null | null; x: text("{self.log}") | console(raw);'
        done = self.flume("node_nowatch", "-1", "-s", "-n", "x", "-c", spec)
        self.assertEqual((done.returncode, done.stdout), (0, b"one\n\xff\x00two\nlast without newline\n"))
        done = self.flume("node_nowatch", "-1", "-s", "-n", "y", "-c", spec)
        self.assertEqual(done.returncode, 2)
        self.assertEqual(done.stderr, b'node: the specification does not describe "y", only other, x\n')

    def test_a_bad_specification_shows_every_error_and_exits_2(self):
        done = self.flume("node_nowatch", "-1", "-s", "-n", "x", "-c", "x: tial(1) | nul;")
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"did you mean 'tail'?", done.stderr)
        self.assertIn(b"did you mean 'null'?", done.stderr)

    def test_check_and_fmt(self):
        done = self.flume("check", stdin=b"a: null|null; // end")
        self.assertEqual((done.returncode, done.stdout), (0, b"stdin: ok, 1 node\n"))
        done = self.flume("check", "--json", "-c", 'a: null | { gizp => null };')
        self.assertEqual(done.returncode, 2)
        self.assertIn(b'"code":"L021"', done.stdout)
        done = self.flume("fmt", stdin=b"a:null|[null,null];")
        self.assertEqual((done.returncode, done.stdout), (0, b"a : null | [ null, null ];\n"))
        done = self.flume("fmt", "--ast", "-c", "a: null | null;")
        self.assertEqual((done.returncode, done.stdout), (0, b"(NODE a (SOURCE null) (DECO (SINK null)))\n"))
        done = self.flume("check", "/no/such/file")
        self.assertEqual(done.returncode, 2)

    def test_unknown_words_get_the_nearest_one(self):
        for arguments, answer in [(["chek"], b"did you mean check?"), (["dump", "--hlep", "null"], b"did you mean --help?"),
                                  (["help", "tial"], b"did you mean tail?"),
                                  (["-Dflume.log.levle=info", "version"], b"flume.log.level")]:
            done = self.flume(*arguments)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertIn(answer, done.stderr, arguments)

    def test_help_and_version(self):
        self.assertEqual(self.flume("version").stdout.split()[0], b"flume")
        self.assertIn(b"source tail(", self.flume("help", "tail").stdout)
        self.assertIn(b"SOURCE", self.flume("help", "dump").stdout)
        self.assertEqual(self.flume().returncode, 2)

    def test_settings_files_are_read_and_their_errors_have_a_place(self):
        conf = self.folder / "conf"
        conf.mkdir()
        (conf / "flume-site.xml").write_text("<configuration>\n<property><name>flume.log.level</name>"
                                             "<value>loud</value></property></configuration>")
        done = self.flume("version", environment={"FLUME_CONF_DIR": str(conf)})
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"flume-site.xml:2", done.stderr)
        (conf / "flume-site.xml").write_text("<configuration>")
        done = self.flume("version", environment={"FLUME_CONF_DIR": str(conf)})
        self.assertEqual(done.returncode, 2)

    def test_the_watchdog_starts_a_killed_node_anew_and_passes_on_the_end(self):
        watchdog = subprocess.Popen([binary(), "node", f"-Dflume.agent.logdir={self.folder}/state",
                                     "-Dflume.master.heartbeat.servers=127.0.0.1:1", "-s", "-n", "x"],
                                    stderr=subprocess.DEVNULL)

        def child():
            children = pathlib.Path(f"/proc/{watchdog.pid}/task/{watchdog.pid}/children").read_text().split()
            return int(children[0]) if children else None

        identity = self.folder / "state" / "x" / "identity"
        first = wait_for("the node", child)
        wait_for("its identity", lambda: identity.exists() and '"boot_epoch":1' in identity.read_text())
        os.kill(first, signal.SIGKILL)
        wait_for("the second start", lambda: '"boot_epoch":2' in identity.read_text())
        self.assertNotEqual(child(), first)
        watchdog.send_signal(signal.SIGTERM)
        self.assertEqual(watchdog.wait(30), 0)


if __name__ == "__main__":
    unittest.main()
