"""The story that the page tells of all sections of report.json together, of models of every kind."""

from page_case import PARTS, PageCase
from sample_report import BIG_MODEL, HOSTILE, make_report

# Sections in which something is drawn, and how much of a whole report and of one without spikes and sinks.
FIGURES = {
    "life_cycle": (2, 2),
    "state_picture": (1, 1),
    "spike_tokens": (4, 0),  # the embeddings' collinearity with the first norm is one of them
    "massive_activations": (0, 0),
    "gate_linearity": (2, 2),
    "quadratic_form": (3, 1),
    "vocabulary_probe": (3, 0),
    "self_attention": (2, 2),
    "sparse_constants": (4, 4),
    "sink_geometry": (2, 2),
    "attention_sinks": (1, 1),
    "sinks_anywhere": (1, 0),
    "quantisation": (4, 4),
    "kv_cache": (0, 0),
    "perplexity": (0, 0),
}
# Beside other sections some can draw more: steps to look at, the importance of heads.
TOGETHER = sum(whole for whole, _ in FIGURES.values()) + 3 + 2
NOTHING = {"channels": (), "plateaus": (), "step_up": (), "step_down": (), "sink_of_layer": lambda layer: 0.0}
WRONG = r"NaN(?! or)|Infinity|undefined|null|\[object"
CHAPTERS = [
    "Life cycle of the spikes",
    "Spike tokens",
    "Gate linearity",
    "What the weights say",
    "Which tokens could spike",
    "How tokens get there",
    "Sparse constants",
    "Geometry of the sinks",
    "Attention sinks",
    "What it means in practice",
    "Definitions and configuration",
]


def quiet(**changes):
    """A report without spikes and sinks."""
    report = make_report(**NOTHING, **changes)
    for head in report["attention_sinks"]["heads"]:
        head["importance"] = min(head["importance"], 0.25)
    report["attention_sinks"]["sink_heads"] = []
    return report


def each_value(part, change):
    """`part` with `change` made of every number that is no count, no place and no option."""
    kept = {
        "block",
        "layer",
        "head",
        "key",
        "channel",
        "id",
        "position",
        "sequence",
        "from",
        "to",
        "top",
        "d_model",
        "after_block",
        "options",
        "epsilon",
    }
    if isinstance(part, dict):
        return {key: value if key in kept else each_value(value, change) for key, value in part.items()}
    if isinstance(part, list):
        return [each_value(value, change) for value in part]
    return change(part) if isinstance(part, float) else part


class StoryTest(PageCase):
    """The page as a whole."""

    def assert_told(self, page, figures):
        self.assert_well(page, figures)
        self.assertNotRegex(self.text(page), WRONG)
        labels = "[...document.querySelectorAll('.figure text')].map((node) => node.textContent).join(' ')"
        self.assertNotRegex(page.evaluate(labels), WRONG)

    def test_the_whole_story(self):
        page = self.open(make_report())
        self.assert_told(page, TOGETHER)
        self.assertEqual(self.texts(page, "h2"), ["In short", *CHAPTERS])
        self.assertEqual(self.texts(page, "nav a"), CHAPTERS)
        targets = "[...document.querySelectorAll('main a')].map((link) => document.querySelector(link.hash)?.tagName)"
        self.assertEqual(set(page.evaluate(targets)), {"SECTION"}, "every link leads to a chapter")
        short = self.text(page, ".short")
        self.assertIn("Its greatest step is block 8 (layer 3, feed-forward)", short)
        self.assertIn("10 of 96 tokens (10.4 %) spike.", short)
        self.assertIn("The weights alone predict channels 5, 17, 40, up in block 8, down in blocks 6, 12.", short)
        self.assertIn("Rounding to 8 bits costs ordinary tokens most in the down projection of layer 5: 40 %", short)
        keys = dict(zip(self.texts(page, ".key .name"), self.texts(page, ".key .value")))
        self.assertEqual(keys["Predicted"], "17, 5 and 40")
        self.assertEqual(keys["Vocabulary that spikes"].replace("\u00a0", " "), "99.98 %")

    def test_definitions_of_all_sections(self):
        report = make_report()
        for name, section in report.items():
            if isinstance(section, dict) and "definition" in section and name != "attention_sinks":
                section["definition"] = f"What {name} is."
        page = self.open(
            report
            | {"parity": {"definition": "What parity is.", "options": {"absolute": 1, "relative": 1}, "points": []}}
        )
        self.assertTrue(page.wait_for("document.documentElement.dataset.drawn"))
        told = self.texts(page, "#definitions dd")
        named = [name for name, section in report.items() if isinstance(section, dict) and "definition" in section]
        for name in {*named, "parity"} - {"attention_sinks"}:
            self.assertIn(f"What {name} is.", told)
        self.assertIn(report["quadratic_form"]["prediction"]["rule"], told)
        self.assertIn("bits = 8, outlier_ratio = 20", told)

    def test_hostile_text_everywhere(self):
        report = make_report(words=[HOSTILE, "<b>bold</b>&lt;", "%{x}${0}"])
        path = HOSTILE.replace("/", "")
        for entry in (*report["quantisation"]["inputs"], *report["quantisation"]["keep"]):
            entry["name"] = path
        for norm in report["sparse_constants"]["norms"]:
            norm["name"] = path
        for picture in report["sink_geometry"]["pictures"]:
            picture["role"] = path
        report["quantisation"]["inputs"][0]["reads"] = path
        report["sink_geometry"]["agreement"][path] = report["sink_geometry"]["agreement"]["cosine"]
        page = self.open(report)
        self.assert_well(page, TOGETHER + 1)  # a kind of input of its own
        self.assertEqual(self.texts(page, "main img, main b, main script, svg a"), [])
        self.assertEqual(page.evaluate("document.scripts.length"), 7)
        self.assertIn(HOSTILE.replace(" ", "␣"), self.text(page, "#vocabulary"))
        self.assertIn(path, self.text(page, "#practice"))
        hovers = " ".join(self.drawn(page, "head-picture-0")[0]["text"])
        self.assertNotIn("<img", hovers)

    def test_no_spikes_and_no_sinks(self):
        page = self.open(quiet())
        # The blocks have no step to look at: one panel and the course.
        self.assert_told(page, sum(none for _, none in FIGURES.values()) + 2)
        for sentence in (
            "No token of this text is massive after any block",
            "No gated feed-forward block steps here",
            "No channel’s norm reaches 9 medians of its block",
            "The weights predict no step and no spike.",
            "No spike token stands beyond the first position.",
            "No spike token is there to be placed among them.",
            "There are no spike tokens to follow through the norms",
            "no head is measured to be a sink head, so it cannot be judged",
            "No key that 8 queries may see receives more than 0.3",
            "No input gains enough",
            "No place of the text draws enough heads to be kept",
        ):
            self.assertIn(sentence, self.text(page))

    def test_the_smallest_model(self):
        spike = {"channels": ((0, 1.0),), "plateaus": ((2, 2, 500.0),), "step_up": (2,), "step_down": ()}
        page = self.open(make_report(layers=1, heads=1, length=2, width=3, columns=3, sequences=1, **spike))
        self.assertEqual(self.texts(page, ".alarm"), [])
        self.assertNotRegex(self.text(page), WRONG)
        self.assertIn("Channel 0 exceeds 100 after block 2.", self.text(page))

    def test_nothing_is_known(self):
        report = make_report()
        kept = ("schema", "versions", "repeats_with", "configuration", "model", "life_cycle", "massive_activations", "state_picture")
        report = {
            key: value if key in kept else each_value(value, lambda number: None) for key, value in report.items()
        }
        page = self.open(report)
        self.assertTrue(page.wait_for("document.documentElement.dataset.drawn"))
        self.assertEqual([page.evaluate("document.documentElement.dataset.error"), page.problems], [None, []])
        self.assertNotRegex(self.text(page), WRONG)

    def test_lists_may_be_empty(self):
        report = make_report()
        for name in set(FIGURES) - {"life_cycle", "perplexity", "state_picture"}:
            empty = {key: [] if isinstance(value, list) else value for key, value in report[name].items()}
            with self.subTest(name):
                page = self.open({key: report[key] for key in PARTS} | {name: empty})
                self.assertTrue(page.wait_for("document.documentElement.dataset.drawn"))
                found = [page.evaluate("document.documentElement.dataset.error"), page.problems]
                self.assertEqual(found, [None, []])
                self.assertNotRegex(self.text(page), WRONG)

    def test_each_section_alone(self):
        whole = make_report()
        for name, (figures, _) in FIGURES.items():
            with self.subTest(name):
                page = self.open({key: whole[key] for key in (*PARTS, name)})
                self.assert_told(page, figures)

    def test_a_small_dark_screen(self):
        page = self.open(make_report(), width=360, colour_scheme="dark")
        self.assert_told(page, TOGETHER)
        self.assertEqual(page.evaluate("document.documentElement.scrollWidth"), 360, "nothing sticks out")
        outside = """[...document.querySelectorAll('.figure')].filter((figure) => {
            const frame = figure.getBoundingClientRect();
            return [...figure.querySelectorAll('.xtitle, .ytitle, .legendtext')].some((node) => {
                const box = node.getBoundingClientRect();
                return box.left < frame.left - 2 || box.right > frame.right + 2;
            });
        }).map((figure) => figure.id)"""
        self.assertEqual(page.evaluate(outside), [], "titles and legends are whole")

    def test_a_big_model(self):
        report = make_report(**BIG_MODEL)
        page = self.open(report)
        self.assertLess(self.html.stat().st_size, 12e6)
        self.assertTrue(page.wait_for("document.documentElement.dataset.drawn", patience=120), "drawn in time")
        self.assertEqual([page.evaluate("document.documentElement.dataset.error"), page.problems], [None, []])
        self.assertIn("5,120 heads", self.text(page, "#geometry"))
        self.assertEqual(len(self.trace(page, "form-norms", "outliers")["x"]), 6)
