#!/usr/bin/python3
"""Hadoop's own reader reads the SequenceFiles that we write, and we read those that its writer makes.

Hadoop runs as a plain Java process from jars that Maven fetches once into build/hadoop-jars.
"""
import fcntl
import json
import pathlib
import subprocess
import tempfile
import unittest

from flume_process import ROOT, binary

SOURCES = ROOT / "tests" / "e2e" / "hadoop"
JARS = ROOT / "build" / "hadoop-jars"


def run(what, command, seconds, **options):
    """What the command printed; an AssertionError that says what was tried when it fails."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, **options)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise AssertionError(f"{what}: {error}") from None
    if done.returncode != 0:
        raise AssertionError(f"{what}: exit code {done.returncode}\n{done.stdout.decode()[-2000:]}{done.stderr.decode()[-2000:]}")
    return done.stdout


def fetch_jars():
    JARS.mkdir(parents=True, exist_ok=True)
    whole = JARS / "whole"  # what pom.xml asked for when all of it was there
    wanted = (SOURCES / "pom.xml").read_bytes()
    with open(JARS / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if whole.exists() and whole.read_bytes() == wanted:
            return
        run("fetch Hadoop's jars with Maven (needs its repository once)",
            ["mvn", "-q", "-B", "-f", str(SOURCES / "pom.xml"),
             "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies", "-DincludeScope=runtime",
             f"-DoutputDirectory={JARS}"], 280)
        whole.write_bytes(wanted)


def as_hex(data):
    return "x" + data.hex()


def line_of(event):
    """An event of the avrojson format as SequenceFiles.java prints it."""
    priorities = ["FATAL", "ERROR", "WARN", "INFO", "DEBUG", "TRACE"]
    words = [str(event["timestamp"]), str(priorities.index(event["pri"])), str(event["nanos"]),
             as_hex(event["host"].encode()), as_hex(event["body"].encode("latin-1"))]
    words += [f"{as_hex(name.encode())}={as_hex(value.encode('latin-1'))}" for name, value in sorted(event["fields"].items())]
    return " ".join(words)


def made_event(number):
    return {"body": "".join(chr(byte) for byte in range(256)) + f" body {number} " + "x" * (number * 37 % 3000),
            "timestamp": 1700000000000 + number, "pri": ["INFO", "TRACE", "FATAL"][number % 3], "nanos": number,
            "host": f"h\u00f6st\u20ac{number % 4}", "fields": {"n": chr(number % 256), "empty": "", "\u20ac": "value"} if number % 2 else {}}


class HadoopTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        fetch_jars()
        cls.folder_ = tempfile.TemporaryDirectory(prefix="flume-test-")
        cls.addClassCleanup(cls.folder_.cleanup)
        cls.folder = pathlib.Path(cls.folder_.name)
        run("compile the test's Java", ["javac", "-cp", f"{JARS}/*", "-d", str(cls.folder / "classes"),
                                        *map(str, sorted(SOURCES.rglob("*.java")))], 120)

    def hadoop(self, *arguments):
        """Lines by file name, each "COMPRESSION/CODEC event"."""
        out = run("run Hadoop", ["java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx256m", "-Duser.language=en",
                                 "-Dfile.encoding=UTF-8", "-cp", f"{self.folder}/classes:{JARS}/*", "SequenceFiles",
                                 *map(str, arguments)], 120)
        files = {}
        for line in out.decode().splitlines():
            name, rest = line.split(" ", 1)
            files.setdefault(name, []).append(rest)
        return files

    def flume(self, *arguments):
        return run("run flume", [binary(), f"-Dflume.agent.logdir={self.folder}/state", *map(str, arguments)], 60)

    def same_lines(self, name, read, expected):
        for number, (one, other) in enumerate(zip(read, expected)):
            self.assertTrue(one == other, f"{name}, event {number}: {one[:200]} ... {other[:200]}")
        self.assertEqual(len(read), len(expected), name)

    def test_hadoop_reads_what_we_write(self):
        events = [made_event(number) for number in range(300)]
        given = self.folder / "events.json"
        given.write_text("".join(json.dumps(event, ensure_ascii=False) + "\n" for event in events))
        sinks = {"plain": ("seqfile", "", "NONE/none"), "deflate": ("seqfile", ', codec="deflate"', "RECORD/DefaultCodec"),
                 "gzip": ("seqfile", ', codec="gzip"', "RECORD/GzipCodec"),
                 "bzip2": ("seqfile", ', codec="bzip2"', "RECORD/BZip2Codec"), "dfs": ("dfs", "", "RECORD/DefaultCodec")}
        texts = [f'{sink}("{self.folder / name}"{codec})' for name, (sink, codec, _) in sinks.items()]
        self.flume("node_nowatch", "-1", "-s", "-n", "x", "-c", f'x: replay("{given}") | [ {", ".join(texts)} ];')
        read = self.hadoop("read", *[self.folder / name for name in sinks])
        for name, (_, _, how) in sinks.items():
            self.same_lines(name, read[name], [f"{how} {line_of(event)}" for event in events])

    def test_we_read_what_hadoop_writes(self):
        folder = self.folder / "written"
        folder.mkdir()
        written = self.hadoop("write", folder)
        self.assertEqual(len(written), 5)
        for name, lines in written.items():
            self.assertEqual(len(lines), 100)
            out = self.flume("dump", f'seqfile("{folder / name}")', "avrojson")
            ours = [line_of(json.loads(line)) for line in out.splitlines()]
            self.same_lines(name, ours, [line.split(" ", 1)[1] for line in lines])
            self.assertTrue(self.flume("dumplog", folder / name) == out, name)


if __name__ == "__main__":
    unittest.main()
