#!/usr/bin/python3
"""The page with a master whose nodes are in every state: it shows them all, runs nothing that it shows, works on a narrow
screen and without a mouse."""
import threading
import unittest

from selenium.webdriver.common.keys import Keys

import fake_master
from page import Page

PLACES = ["/", "/machines", "/spec", "/commands", "/components", "/node/web1", "/node/broken", "/node/gone", "/node/safe", "/node/full"]


class StatesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = fake_master.serve()
        threading.Thread(target=cls.server.serve_forever, daemon=True).start()
        cls.page = Page(f"http://127.0.0.1:{cls.server.server_address[1]}")

    @classmethod
    def tearDownClass(cls):
        cls.page.close()
        cls.server.shutdown()
        cls.server.server_close()

    def setUp(self):
        self.page.size(1280, 900)

    def tearDown(self):
        self.assertEqual(self.page.console_errors(), [])

    def test_overview_shows_states_and_what_needs_a_look(self):
        self.page.open("/")
        for words in ["BACKOFF", "LOST", "ACTIVE", "IDLE", "no space left on device (ENOSPC)", "Needs a look", "default-flow"]:
            self.page.shows(words)

    def test_logs_show_how_full_how_old_and_what_they_promise(self):
        self.page.open("/node/safe")
        for words in ["at least once", "exactly once in the collector's files", "31 events were sent once more and may be there twice", "48.0 MiB of 10.0 GiB",
                      "3.2 ms median · 18 ms p99", "Came again"]:
            self.page.shows(words, ".reliability")
        self.assertEqual([e.get_attribute("aria-label") for e in self.page.all(".reliability article")],
                         ["Write-ahead log sink.0", "Failover log sink.1"])
        self.assertEqual(self.page.all(".reliability [role=alert]"), [])
        self.page.shows("held in logs", ".equation")
        self.page.shows("0 unexplained", ".equation .verdict.tone-good-text")

    def test_rows_of_a_collector_that_is_away_are_said_and_explained(self):
        self.page.open("/node/safe")
        for words in ["1,204 rows wait for the collector that may have them", "flume.wal.resend.elsewhere.millis"]:
            self.page.shows(words, ".reliability .notice[role=status]")
        self.page.shows("19 rows went to another collector and may be stored twice", ".reliability .log .reasons")
        self.page.open("/node/full")
        self.page.shows("Rows waiting", ".reliability")
        for words in ["for the collector that may have them", "went to another collector"]:
            self.assertNotIn(words, self.page.text(".reliability"))

    def test_a_log_in_trouble_says_what_and_where(self):
        self.page.open("/node/full")
        for words in ["full: the source waits", "has 1024 bytes left", "connect to collector2:35853: connection refused", "next try in",
                      "Damaged", "12 events of the log cannot be read", "rows 4000 to 4011", "00000000000000000000.sealed at 130240"]:
            self.page.shows(words, ".reliability")
        meter = self.page.one(".reliability [role=meter]")
        self.assertEqual((meter.get_attribute("aria-valuenow"), meter.get_attribute("aria-valuemax")), (str(10 << 30), str(10 << 30)))
        self.assertGreater(self.page.one(".fill-bad").size["width"], 0.99 * meter.size["width"])
        self.page.shows("3 unexplained", ".equation .verdict.tone-bad")

    def test_a_node_without_logs_has_no_such_section(self):
        self.page.open("/node/web1")
        self.page.shows("0 unexplained", ".equation")
        self.assertEqual(self.page.all(".reliability"), [])

    def test_markup_in_names_and_specifications_is_text(self):
        for place in PLACES:
            self.page.open(place)
        self.page.open("/")
        self.page.shows(fake_master.EVIL)
        self.page.shows("<script>document.body.dataset.pwned=1</script>")
        self.page.one(".nodes a.node-name").click()
        self.page.shows(fake_master.EVIL, "h1")
        self.assertIsNone(self.page.one("body").get_attribute("data-pwned"))
        self.assertEqual(self.page.all("main img, main script"), [])

    def test_no_page_scrolls_sideways_on_a_narrow_screen(self):
        for width in [360, 768]:
            self.page.size(width, 740)
            for place in PLACES:
                self.page.open(place)
                self.assertLessEqual(self.page.width_overflow(), 0, f"{place} at {width}")

    def test_an_error_is_marked_at_its_place_while_typing(self):
        self.page.open("/node/web1")
        self.page.type_into("Sink", 'batch(2) gizp agentBESink("é", 1)')
        self.page.shows("no sink 'gizp'; did you mean 'gzip'?")
        self.assertEqual(self.page.text(".editor-paint .mark-error"), "gizp")
        self.assertEqual(self.page.text(".problem .place"), "1:10")
        self.assertEqual(self.page.text(".source-line").split("\n"), ['batch(2) gizp agentBESink("é", 1)', "         ^~~~"])
        self.assertFalse(self.page.button("Apply").is_enabled())
        self.page.click("use gzip")
        self.page.shows("correct", "#verdict")
        self.assertEqual(self.page.labelled("Sink").get_attribute("value"), 'batch(2) gzip agentBESink("é", 1)')
        self.page.click("Revert")

    def test_a_place_after_characters_outside_the_bmp_is_marked_right(self):
        self.page.open("/node/web1")
        field = self.page.type_into("Sink", "")
        self.page.driver.execute_script(
            "arguments[0].setRangeText(arguments[1], 0, arguments[0].value.length, 'end');"
            "arguments[0].dispatchEvent(new Event('input'))", field, 'text("😀") gizp')
        self.page.shows("no sink 'gizp'")
        self.assertEqual(self.page.text(".editor-paint .mark-error"), "gizp")
        self.page.click("Revert")

    def test_completion_is_chosen_with_the_keyboard(self):
        self.page.open("/node/web1")
        self.page.type_into("Source", "t")
        self.page.wait("completions", lambda: len(self.page.all(".completions li")) == 2)
        field = self.page.labelled("Source")
        self.assertEqual(field.get_attribute("aria-expanded"), "true")
        self.page.press(Keys.ARROW_DOWN, Keys.ENTER)
        self.assertEqual(field.get_attribute("value"), "text")
        self.assertEqual(self.page.all(".completions li"), [])
        self.page.click("Revert")

    def test_a_change_made_elsewhere_appears_by_itself(self):
        self.page.open("/")
        fake_master.WORLD.put("appeared", "console", "null", "default-flow", "test")
        self.page.shows("appeared", seconds=5)

    def test_a_change_made_elsewhere_does_not_take_away_what_is_being_written(self):
        self.page.open("/node/web2")
        self.page.type_into("Sink", "console")
        fake_master.WORLD.put("web2", 'tail("/elsewhere")', "null", "default-flow", "test")
        self.page.shows("/elsewhere")
        self.assertEqual(self.page.labelled("Sink").get_attribute("value"), "console")
        self.page.shows("correct", "#verdict")
        self.page.click("Apply")
        self.page.shows("somebody else changed this node meanwhile")
        self.page.console_errors()  # the refusal's own 409
        self.page.click("Revert")
        self.page.wait("the newer text", lambda: self.page.labelled("Sink").get_attribute("value") == "null")

    def test_commands_take_quoted_arguments(self):
        self.page.open("/commands")
        self.page.wait("the commands", lambda: self.page.all("#command-names option"))
        self.page.type_into("Command", "map web1 'a \"quoted\" name'")
        self.page.press(Keys.ENTER)
        self.page.shows("SUCCEEDED", "#answer")
        self.page.shows('map web1 a "quoted" name')
        self.page.type_into("Command", "confg x")
        self.page.shows("no such command")
        self.page.press(Keys.ENTER)
        self.page.shows("unknown command 'confg'")
        self.page.console_errors()  # the refusal's own 400

    def test_machines_are_mapped_by_form(self):
        self.page.open("/machines")
        self.page.type_into("Machine", "web1")
        self.page.type_into("Logical node", "web1-extra")
        self.page.press(Keys.ENTER)
        self.page.shows("map web1 web1-extra: done")
        self.page.shows("web1-extra", "#mappings")
        self.page.click("Unmap web1-extra from web1")
        self.page.shows("unmap web1 web1-extra: done")

    def test_the_whole_way_without_a_mouse(self):
        self.page.open("/")
        self.page.tab_to(lambda e: e.get_attribute("id") == "new-node-name")
        self.page.press("keyboard-only", Keys.ENTER)
        self.page.shows("keyboard-only", "h1")
        self.page.tab_to(lambda e: e.get_attribute("aria-invalid") or e.tag_name == "textarea")
        self.page.press('text("/k")', Keys.ESCAPE)
        self.page.tab_to(lambda e: e.tag_name == "textarea")
        self.page.press("console", Keys.ESCAPE)
        self.page.shows("correct", "#verdict")
        self.page.chord(Keys.CONTROL, Keys.ENTER)
        self.page.shows("stored as revision", "#answer")
        self.page.open("/")
        self.page.shows("keyboard-only")

    def test_a_master_that_goes_is_said_and_its_return_noticed(self):
        other = fake_master.serve()
        thread = threading.Thread(target=other.serve_forever, daemon=True)
        thread.start()
        port = other.server_address[1]
        page = Page(f"http://127.0.0.1:{port}")
        try:
            page.open("/")
            page.shows("live", "#online")
            other.shutdown()
            other.server_close()
            thread.join()
            fake_master.WORLD.put("wakes-the-poll", "console", "null", "default-flow", "test")
            page.shows("the server does not answer", "#online")
            page.shows("default-flow")  # what was known stays
            other = fake_master.serve(port)
            threading.Thread(target=other.serve_forever, daemon=True).start()
            page.shows("live", "#online")
        finally:
            page.close()
            other.shutdown()
            other.server_close()


if __name__ == "__main__":
    unittest.main()
