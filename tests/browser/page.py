"""A headless Chromium with the page in it: what a person sees and does, nothing behind the page's back."""
import shutil
import tempfile
import time

from selenium import webdriver
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

OPTIONS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run",
           "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions"]


class Page:
    def __init__(self, url):
        self.url = url
        self.profile = tempfile.mkdtemp(prefix="flume-browser-")
        options = webdriver.ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        for option in [*OPTIONS, f"--user-data-dir={self.profile}"]:
            options.add_argument(option)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
        self.size(1280, 900)

    def close(self):
        self.driver.quit()
        shutil.rmtree(self.profile, ignore_errors=True)

    def size(self, width, height):
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                                    {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False})

    def open(self, place="/"):
        """Goes to a place of the page ("/", "/spec", "/node/agent") and waits until it shows data."""
        self.driver.get(f"{self.url}/#{place}")
        self.wait("the page to show data", lambda: self.one("body[data-ready=true]"))

    def wait(self, what, predicate, seconds=20):
        end = time.monotonic() + seconds
        while True:
            try:
                value = predicate()
                if value:
                    return value
            except (NoSuchElementException, StaleElementReferenceException):
                pass
            if time.monotonic() > end:
                raise AssertionError(f"waited {seconds} s for {what}; the page shows:\n{self.text()}")
            time.sleep(0.03)

    def one(self, css):
        return self.driver.find_element(By.CSS_SELECTOR, css)

    def all(self, css):
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def text(self, css="body"):
        return self.one(css).text

    def shows(self, words, css="body", seconds=20):
        self.wait(f"{words!r} in {css}", lambda: words in self.text(css), seconds)

    # Others may be drawn anew while these look, or be those of the page before: then they look again.

    def labelled(self, label):
        """The field with this label, as a screen reader would find it."""
        return self.wait(f"a field {label!r}", lambda: self.find_labelled(label))

    def find_labelled(self, label):
        for caption in self.all("label"):
            if caption.text.strip() == label:
                target = caption.get_attribute("for")
                return self.one(f"#{target}") if target else caption.find_element(By.CSS_SELECTOR, "input")
        return None

    def button(self, name):
        """The button that shows this text, or is called so to a screen reader."""
        return self.wait(f"a button {name!r}", lambda: next(
            (b for b in self.all("button") if b.text.strip() == name or b.get_attribute("aria-label") == name), None))

    def click(self, name):
        self.wait(f"a click on {name!r}", lambda: self.button(name).click() or True)

    def type_into(self, label, text):
        """Clicks into the field, replaces what it holds. The completion list is left alone."""
        field = self.labelled(label)
        field.click()
        field.send_keys(Keys.CONTROL, "a")
        field.send_keys(text)
        return field

    def press(self, *keys):
        """Keys to whatever has the focus."""
        ActionChains(self.driver).send_keys(*keys).perform()

    def chord(self, modifier, key):
        ActionChains(self.driver).key_down(modifier).send_keys(key).key_up(modifier).perform()

    def focused(self):
        return self.driver.switch_to.active_element

    def tab_to(self, wanted, limit=60):
        """Presses Tab until wanted(element) holds for the element with the focus."""
        for _ in range(limit):
            self.press(Keys.TAB)
            element = self.focused()
            if wanted(element):
                return element
        raise AssertionError(f"not reached with {limit} tabs")

    def width_overflow(self):
        return self.driver.execute_script("return document.documentElement.scrollWidth - document.documentElement.clientWidth")

    def console_errors(self):
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]
