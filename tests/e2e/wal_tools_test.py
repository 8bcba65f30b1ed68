#!/usr/bin/python3
"""flume wal and flume dumplog as a user calls them, on a recorded log of two segments, whole and damaged."""
import json
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from flume_process import ROOT, binary

SEALED = "00000000000000000000.sealed"
OPEN = "00000000000000000006.open"
RECORD = (864 - 64 - 32) // 3  # bytes: three records of two rows each


def rows(*numbers):
    return b"".join(b"row %d\n" % n for n in numbers)


class WalToolsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="flume-test-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.log = self.folder / "log"
        shutil.copytree(ROOT / "tests" / "golden" / "wal" / "log", self.log)
        for path in self.log.iterdir():
            path.chmod(0o644)
        self.before = None

    def flume(self, *arguments):
        return subprocess.run([binary(), *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, timeout=60)

    def wal(self, *arguments):
        """The command; the folder is the same behind it."""
        before = self.contents()
        done = self.flume("wal", *arguments)
        self.assertEqual(self.contents(), before, "the log's folder was changed")
        return done

    def contents(self):
        return {path: path.read_bytes() for path in self.log.rglob("*") if path.is_file()}

    def damage_second_record(self):
        path = self.log / SEALED
        contents = bytearray(path.read_bytes())
        contents[64 + RECORD + 150] ^= 0x10
        path.write_bytes(contents)

    def test_ls(self):
        (self.log / "error").mkdir()
        (self.log / "error" / "00000000000000000000.open-64").write_bytes(b"x" * 40)
        done = self.wal("ls", self.log)
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = [line.split() for line in done.stdout.decode().splitlines()]
        self.assertEqual(lines[0], ["SEGMENT", "STATE", "STREAM", "FIRST", "END", "ROWS", "BYTES", "AGE", "DAMAGE"])
        self.assertEqual(lines[1][:2] + lines[1][3:7], [SEALED, "sealed", "0", "6", "6", "864"])
        self.assertEqual(lines[2][:2] + lines[2][3:7], [OPEN, "open", "6", "12", "6", "832"])
        self.assertEqual([lines[1][8], lines[2][8]], ["-", "-"])
        self.assertEqual(lines[3][:2], ["set", "aside:"])
        self.assertIn(b"00000000000000000000.open-64\", 40 bytes", done.stdout)

    def test_ls_tells_an_open_segment_that_others_follow_from_the_one_that_is_written(self):
        sealed = (self.log / SEALED).read_bytes()
        (self.log / SEALED.replace("sealed", "open")).write_bytes(sealed[:-32])  # its life ended before its footer
        (self.log / SEALED).unlink()
        answer = json.loads(self.wal("ls", "--json", self.log).stdout)
        self.assertEqual([segment["state"] for segment in answer["segments"]], ["unfinished", "open"])
        lines = self.wal("ls", self.log).stdout.decode().splitlines()
        self.assertEqual([line.split()[1] for line in lines], ["STATE", "unfinished", "open"])

    def test_ls_as_json(self):
        done = self.wal("ls", "--json", self.log)
        answer = json.loads(done.stdout)
        first = answer["segments"][0]
        self.assertEqual((first["name"], first["state"], first["first"], first["end"], first["rows"], first["bytes"]),
                         (SEALED, "sealed", 0, 6, 6, 864))
        self.assertEqual(first["created_ms"], 1700000000000)
        self.assertEqual(len(first["stream"]), 32)
        self.assertNotEqual(first["stream"], answer["segments"][1]["stream"])
        self.assertEqual(answer["set_aside"], [])

    def test_verify(self):
        done = self.wal("verify", self.log)
        self.assertEqual((done.returncode, done.stdout), (0, b"2 segments, 12 rows: good\n"))
        self.damage_second_record()
        done = self.wal("verify", self.log)
        self.assertEqual(done.returncode, 1)
        lines = done.stdout.decode().splitlines()
        self.assertTrue(lines[0].startswith(f'damaged: "{self.log / SEALED}", byte {64 + RECORD}, {RECORD} bytes: '), lines[0])
        self.assertEqual(lines[1:], [f'missing: "{self.log / SEALED}": rows 2 to 3 are missing before byte {64 + 2 * RECORD}',
                                     "2 segments, 10 rows: 2 places are not good"])

    def test_a_torn_tail_is_told_and_is_no_damage(self):
        with open(self.log / OPEN, "r+b") as file:
            file.truncate(832 - 9)
        done = self.wal("verify", self.log)
        self.assertEqual(done.returncode, 0)
        self.assertTrue(done.stdout.startswith(b"torn: "), done.stdout)
        self.assertIn(b"2 segments, 10 rows: good\n", done.stdout)

    def test_cat(self):
        done = self.wal("cat", self.log)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, rows(*range(12)), b""))
        done = self.wal("cat", self.log, "--from", 5, "--rows", 3)
        self.assertEqual(done.stdout, rows(5, 6, 7))
        done = self.wal("cat", self.log, "--rows", 1, "--format", "json")
        self.assertEqual(json.loads(done.stdout), {"body": "row 0", "timestamp": 1700000000000, "pri": "INFO", "nanos": 0,
                                                   "host": "web1", "fields": {"service": "sshd"}})
        done = self.wal("cat", self.log, "--format", "jsn")
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"did you mean json?", done.stderr)

    def test_cat_tells_of_damage_and_goes_on_behind_it(self):
        self.damage_second_record()
        done = self.wal("cat", self.log)
        self.assertEqual((done.returncode, done.stdout), (1, rows(0, 1, *range(4, 12))))
        self.assertIn(b"flume wal cat: damaged: ", done.stderr)
        self.assertIn(b"rows 2 to 3 are missing", done.stderr)

    def test_export(self):
        target = self.folder / "out" / "rows.json"
        done = self.wal("export", self.log, "--to", target, "--format", "json")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([json.loads(line)["body"] for line in target.read_text().splitlines()],
                         [f"row {n}" for n in range(12)])
        self.assertEqual(done.stdout.decode(), f'12 rows, {target.stat().st_size} bytes in "{target}"\n')
        before = target.read_bytes()
        done = self.wal("export", self.log, "--to", target)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(target.read_bytes(), before)
        self.assertEqual(list(target.parent.iterdir()), [target])
        done = self.wal("export", self.log, "--to", self.log / "error" / "rows")
        self.assertEqual(done.returncode, 2)

    def test_replay_gives_all_rows_to_a_sink(self):
        target = self.folder / "replayed"
        done = self.wal("replay", self.log, f'text("{target}", raw)')
        self.assertEqual((done.returncode, done.stderr), (0, b"flume wal replay: 12 rows delivered\n"))
        self.assertEqual(target.read_bytes(), rows(*range(12)))

    def test_replay_tells_of_damage_and_of_what_was_not_delivered(self):
        self.damage_second_record()
        done = self.wal("replay", self.log, "console(raw)")
        self.assertEqual((done.returncode, done.stdout), (1, rows(0, 1, *range(4, 12))))
        self.assertIn(b"flume wal replay: 10 rows delivered\n", done.stderr)
        self.assertIn(b"rows 2 to 3 are missing", done.stderr)
        done = self.wal("replay", self.log, "fail")
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"0 rows delivered", done.stderr)
        done = self.wal("replay", self.log, 'intervalSampler(2) null')
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"dropped (sampled)", done.stderr)

    def test_replay_that_ends_early_says_so(self):
        done = self.wal("replay", self.log, "stubbornAppend flakeyAppend(0.5, 7) null")
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"flume wal replay: 4 rows delivered, 2 not delivered; not all of the log was read\n", done.stderr)

    def test_bad_usage(self):
        for arguments, answer in [(["lss", "x"], b"did you mean ls?"), (["ls"], b"dir is required"), ([], b"flume wal export"),
                                  (["ls", "--jsn", "x"], b"did you mean --json?"), (["verify", "/no/such/folder"], b"/no/such/folder"),
                                  (["cat", str(self.folder)], b"no segments"), (["replay", str(self.log), "consol"], b"did you mean 'console'?")]:
            done = self.flume("wal", *arguments)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertIn(answer, done.stderr, arguments)
        self.assertIn(b"--json", self.flume("help", "wal", "ls").stdout)
        self.assertIn(b"wal ls", self.flume("help", "wal").stdout)

    def golden(self, name):
        return ROOT / "tests" / "golden" / "og" / "files" / name

    def test_dumplog_of_a_segment(self):
        done = self.flume("dumplog", self.log / OPEN)
        self.assertEqual(done.returncode, 0, done.stderr)
        events = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual([event["body"] for event in events], [f"row {n}" for n in range(6, 12)])
        self.assertEqual(events[0]["fields"], {"service": "sshd"})
        self.damage_second_record()
        done = self.flume("dumplog", "--raw", self.log / SEALED)
        self.assertEqual((done.returncode, done.stdout), (1, rows(0, 1, 4, 5)))
        self.assertIn(f'byte {64 + RECORD}, {RECORD} bytes: '.encode(), done.stderr)

    def test_dumplog_of_what_the_classic_system_wrote(self):
        for name in ["seqfile.seq", "dfs.seq", "format-seqfile.seq", "format-seqfile-bzip2.seq"]:
            done = self.flume("dumplog", self.golden(name))
            self.assertEqual(done.returncode, 0, done.stderr)
            events = [json.loads(line) for line in done.stdout.splitlines()]
            self.assertEqual((events[0]["body"], events[0]["fields"]["color"]), ("first line", "blue"), name)
            self.assertEqual(self.flume("dumplog", self.golden(name), "--raw").stdout.splitlines()[0], b"first line")

    def test_dumplog_tells_of_damage_in_a_sequence_file(self):
        contents = bytearray(self.golden("seqfile.seq").read_bytes())
        whole = self.flume("dumplog", self.golden("seqfile.seq"), "--raw").stdout.splitlines()
        contents[125] = 0x7f  # the first record's length
        damaged = self.folder / "damaged.seq"
        damaged.write_bytes(contents)
        done = self.flume("dumplog", damaged, "--raw")
        self.assertEqual((done.returncode, done.stdout.splitlines()), (1, whole[1:]))
        self.assertIn(b"byte 125, ", done.stderr)

    def test_dumplog_of_other_files(self):
        other = self.folder / "other"
        other.write_bytes(b"hello")
        done = self.flume("dumplog", other)
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"neither a segment of a log nor a SequenceFile", done.stderr)
        for arguments in [[self.folder / "missing"], [other, "--raw", "--format", "json"], [other, "--format", "jsn"], []]:
            self.assertEqual(self.flume("dumplog", *arguments).returncode, 2, arguments)


if __name__ == "__main__":
    unittest.main()
