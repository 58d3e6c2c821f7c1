"""The common base of the tests of the page: opens reports in a browser and finds what is wrong."""

import json
import pathlib
import subprocess
import tempfile
import unittest

from browser import Browser, find_chromium
from sample_report import make_report

# For every figure: its id, whether it is drawn with WebGL, and the number of its marks; a few small ones, such as
# the points of a curve, count as a large one.
FIGURES = """
[...document.querySelectorAll('.figure')].map((figure) => ({
  id: figure.id,
  is_webgl: figure.querySelector('canvas') !== null,
  marks: [...figure.querySelectorAll('.overplot path, .overplot image')]
    .map((node) => node.getBBox())
    .reduce((sum, {width, height}) =>
      sum + (width > 20 && height > 5 ? 1 : 0) + (width > 2 && height > 2 ? 0.4 : 0), 0),
}))
"""
LEAST_COLOURS = 1000  # of a shaded surface; axes and labels alone show some 300

ALWAYS = ("schema", "program", "versions", "repeats_with")  # of every report
SHOWN = ("life_cycle", "massive_activations", "attention_sinks", "perplexity", "state_picture")


def blank_figures(page):
    def is_blank(figure):
        if figure["is_webgl"]:
            return page.colours(f"#{figure['id']}") < LEAST_COLOURS
        return figure["marks"] < 1

    return [figure["id"] for figure in page.evaluate(FIGURES) if is_blank(figure)]


def complaints(page, figures):
    """All that is wrong with a page that should show this number of figures."""
    found = []
    if not page.wait_for("document.documentElement.dataset.drawn"):
        found.append("not drawn in time")
    drawn = page.evaluate("document.documentElement.dataset.drawn")
    if drawn != str(figures):
        found.append(f"{drawn} figures drawn, expected {figures}")
    found += [f"{figure} is blank" for figure in blank_figures(page)]
    error = page.evaluate("document.documentElement.dataset.error")
    if error:
        found.append(error)
    local = ("file://", "data:", "blob:")
    found += [f"request: {url}" for url in page.requested if not url.startswith(local)]
    return found + page.problems


def only(report, *names):
    return {key: report[key] for key in (*ALWAYS, "configuration", "model", *names) if key in report}


def spikes_shown(**changes):
    """A report of spikes and sinks, without the sections that explain them."""
    return only(make_report(**changes), *SHOWN)


class PageCase(unittest.TestCase):
    renderer = None  # a program: RENDER REPORT.json OUT.html

    @classmethod
    def setUpClass(cls):
        cls.browser = Browser(find_chromium())
        cls.addClassCleanup(cls.browser.close)

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.json = pathlib.Path(folder.name, "report.json")
        self.html = pathlib.Path(folder.name, "report.html")

    def open_file(self, **look):
        page = self.browser.open(self.html.as_uri(), **look)
        self.addCleanup(page.close)
        return page

    def render(self, report):
        self.json.write_text(json.dumps(report, ensure_ascii=False), encoding="utf-8")
        subprocess.run([PageCase.renderer, self.json, self.html], check=True)

    def open(self, report, **look):
        self.render(report)
        return self.open_file(**look)

    def open_changed(self, old, new, section="attention_sinks"):
        """A page of one figure after a change of its text."""
        self.render({key: make_report()[key] for key in (*ALWAYS, section)})
        text = self.html.read_text(encoding="utf-8")
        self.assertTrue(old in text, f"the page has no {old}")
        self.html.write_text(text.replace(old, new, 1), encoding="utf-8")
        return self.open_file()

    def open_with(self, markup):
        return self.open_changed("</body>", f"{markup}</body>")

    def assert_well(self, page, figures=4):
        self.assertEqual(complaints(page, figures), [])

    def assert_seen(self, complaint, page, figures=1):
        self.assertRegex("\n".join(complaints(page, figures)), complaint)

    def text(self, page, selector="main"):
        """Without the blanks at which no line may end."""
        node = f"document.querySelector({json.dumps(selector)})"
        return page.evaluate(f"{node}.innerText").replace("\u00a0", " ")

    def texts(self, page, selector):
        nodes = f"document.querySelectorAll({json.dumps(selector)})"
        return page.evaluate(f"[...{nodes}].map((node) => node.textContent)")

    def drawn(self, page, figure):
        """The traces of a figure, as plotly has them."""
        return page.evaluate(f"document.getElementById({json.dumps(figure)}).data")

    def trace(self, page, figure, name):
        return next(trace for trace in self.drawn(page, figure) if trace.get("name") == name)
