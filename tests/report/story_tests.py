"""The page of all sections of report.json together, for models of every kind."""

from page_case import ALWAYS, PageCase
from sample_report import BIG_MODEL, HOSTILE, make_report

# The figures of each section: of a whole report, and of one without spikes and sinks.
FIGURES = {
    "life_cycle": (2, 2),
    "state_picture": (1, 1),
    "spike_tokens": (3, 0),
    "massive_activations": (0, 0),
    "state_norms": (1, 1),
    "gate_linearity": (2, 2),
    "quadratic_form": (4, 1),
    "vocabulary_probe": (3, 0),
    "self_attention": (2, 2),
    "first_norm": (2, 2),
    "sparse_constants": (4, 4),
    "spike_cosines": (3, 0),
    "sink_geometry": (2, 2),
    "sink_key_span": (2, 0),
    "attention_sinks": (1, 1),
    "sinks_anywhere": (1, 0),
    "attention_locality": (1, 1),
    "effective_sinks": (2, 2),
    "quantisation": (4, 4),
    "kv_cache": (0, 0),
    "perplexity": (0, 0),
}
# Together with other sections some draw more: steps to look at, the importance of heads.
TOGETHER = sum(whole for whole, _ in FIGURES.values()) + 3 + 2
NOTHING = {"channels": (), "plateaus": (), "step_up": (), "step_down": (), "sink_of_layer": lambda layer: 0.0}
WRONG = r"NaN(?! or)|Infinity|undefined|null|\[object"
CHAPTERS = [
    "Life cycle of the spikes",
    "Spike tokens",
    "Gate linearity",
    "Quadratic forms of the weights",
    "Vocabulary probe",
    "Self-attention",
    "Sparse constants",
    "Sink geometry",
    "Attention sinks",
    "Quantisation and key/value cache",
    "Definitions and configuration",
]


def quiet(**changes):
    """A report without spikes and sinks."""
    report = make_report(**NOTHING, **changes)
    for head in report["attention_sinks"]["heads"]:
        head["importance"] = min(head["importance"], 0.25)
    report["attention_sinks"]["sink_heads"] = []
    return report


def each_value(value, change):
    """`value` with `change` applied to every number that is no count, no index and no option."""
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
    if isinstance(value, dict):
        return {key: item if key in kept else each_value(item, change) for key, item in value.items()}
    if isinstance(value, list):
        return [each_value(item, change) for item in value]
    return change(value) if isinstance(value, float) else value


class StoryTest(PageCase):
    """The page as a whole."""

    def assert_complete(self, page, figures):
        self.assert_well(page, figures)
        self.assertNotRegex(self.text(page), WRONG)
        labels = "[...document.querySelectorAll('.figure text')].map((node) => node.textContent).join(' ')"
        self.assertNotRegex(page.evaluate(labels), WRONG)

    def test_the_whole_story(self):
        page = self.open(make_report())
        self.assert_complete(page, TOGETHER)
        self.assertEqual(self.texts(page, "h2"), ["Summary", *CHAPTERS])
        self.assertEqual(self.texts(page, "nav a"), CHAPTERS)
        targets = "[...document.querySelectorAll('main a')].map((link) => document.querySelector(link.hash)?.tagName)"
        self.assertEqual(set(page.evaluate(targets)), {"SECTION"}, "every link leads to a chapter")
        summary = self.text(page, ".summary")
        self.assertIn("Its largest step is block 8 (layer 3, feed-forward)", summary)
        self.assertIn("10 of 96 tokens (10.4 %) spike.", summary)
        self.assertIn("The weights alone predict channels 5, 17, 40, up in block 8, down in blocks 6, 12.", summary)
        self.assertIn("When rounded to 8 bits, the error of ordinary tokens is largest in the down projection of layer 5: 40 %", summary)
        keys = dict(zip(self.texts(page, ".key .name"), self.texts(page, ".key .value")))
        self.assertEqual(keys["Predicted spike channels"], "17, 5 and 40")
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
        definitions = self.texts(page, "#definitions dd")
        named = [name for name, section in report.items() if isinstance(section, dict) and "definition" in section]
        for name in {*named, "parity"} - {"attention_sinks"}:
            self.assertIn(f"What {name} is.", definitions)
        self.assertIn(report["quadratic_form"]["prediction"]["rule"], definitions)
        self.assertIn("bits = 8, outlier_ratio = 20", definitions)

    def test_hostile_text_everywhere(self):
        report = make_report(words=[HOSTILE, "<b>bold</b>&lt;", "%{x}${0}"])
        path = HOSTILE.replace("/", "")
        for entry in (*report["quantisation"]["inputs"], *report["quantisation"]["keep"]):
            entry["name"] = path
        for norm in report["sparse_constants"]["norms"]:
            norm["name"] = path
        report["spike_cosines"]["norm"]["name"] = path
        for picture in report["sink_geometry"]["pictures"]:
            picture["role"] = path
        report["quantisation"]["inputs"][0]["reads"] = path
        report["sink_geometry"]["agreement"][path] = report["sink_geometry"]["agreement"]["cosine"]
        page = self.open(report)
        self.assert_well(page, TOGETHER + 1)  # a kind of input of its own
        self.assertEqual(self.texts(page, "main img, main b, main script, svg a"), [])
        self.assertEqual(page.evaluate("document.scripts.length"), 3)
        self.assertIn(HOSTILE.replace(" ", "␣"), self.text(page, "#vocabulary-probe"))
        self.assertIn(path, self.text(page, "#quantisation"))
        hovers = " ".join(self.drawn(page, "head-picture-0")[0]["text"])
        self.assertNotIn("<img", hovers)
        self.assertNotIn("<img", str(self.drawn(page, "spike-cosines-after")[0]["text"]))

    def test_no_spikes_and_no_sinks(self):
        page = self.open(quiet())
        # The blocks have no step to look at: one panel and the course.
        self.assert_complete(page, sum(none for _, none in FIGURES.values()) + 2)
        for sentence in (
            "No token of this text is massive after any block",
            "No gated feed-forward block is a step-up or step-down block",
            "No channel’s norm reaches the limit of outliers of its block",
            "The weights predict no step and no spike.",
            "No spike token is beyond the first position.",
            "It is elevated for delimiters, as the paper says: they have 1.2 times the median",
            "There are no spike tokens, so the figures show ordinary tokens only.",
            "no head is measured to be a sink head, so it cannot be evaluated",
            "No channel of the stream spikes on this text",
            "No key that 8 queries may see receives more than 0.3",
            "toward short-range dependencies cannot be tested: 0 sink heads",
            "No input gains enough",
            "No token of the text spikes or is a sink of enough heads",
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
                page = self.open({key: report[key] for key in ALWAYS} | {name: empty})
                self.assertTrue(page.wait_for("document.documentElement.dataset.drawn"))
                found = [page.evaluate("document.documentElement.dataset.error"), page.problems]
                self.assertEqual(found, [None, []])
                self.assertNotRegex(self.text(page), WRONG)

    def test_each_section_alone(self):
        whole = make_report()
        for name, (figures, _) in FIGURES.items():
            with self.subTest(name):
                page = self.open({key: whole[key] for key in (*ALWAYS, name)})
                self.assert_complete(page, figures)

    def test_a_small_dark_screen(self):
        page = self.open(make_report(), width=360, colour_scheme="dark")
        self.assert_complete(page, TOGETHER)
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
        self.assertLess(self.html.stat().st_size, 12.5e6)  # of 5,120 heads
        self.assertTrue(page.wait_for("document.documentElement.dataset.drawn", patience=120), "drawn in time")
        self.assertEqual([page.evaluate("document.documentElement.dataset.error"), page.problems], [None, []])
        self.assertIn("5,120 heads", self.text(page, "#sink-geometry"))
        self.assertEqual(len(self.trace(page, "form-norms", "outliers")["x"]), 6)
