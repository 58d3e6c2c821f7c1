#!/usr/bin/env python3
"""Opens report pages in a headless Chromium, from disk and offline, and looks at what they show.

    page_test.py RENDER [options of unittest]

RENDER is a program: RENDER REPORT.json OUT.html. Exits with 77 when there is no Chromium.
"""

import pathlib
import sys
import unittest

from browser import find_chromium
from page_case import PageCase, complaints, only, spikes_shown
from sample_report import BIG_MODEL, HOSTILE
from section_tests import SectionTest  # noqa: F401 (unittest finds it here)
from story_tests import StoryTest  # noqa: F401

DRAW_SINK_MAP = "drawSinkMap(container, sinks)"


class PageTest(PageCase):
    # -- reports of every kind

    def test_a_whole_report(self):
        page = self.open(spikes_shown())
        self.assert_well(page)
        self.assertEqual(page.evaluate("document.title"), "tiny-sample.gguf – spikesink anatomy")
        titles = [
            "Summary",
            "Life cycle of the spikes",
            "Spike tokens",
            "Attention sinks",
            "Definitions and configuration",
        ]
        self.assertEqual(self.texts(page, "h2"), titles)
        self.assertIn("3 spike channels: 17, 5 and 40.", self.text(page))
        self.assertIn("Channel 17 exceeds 100 after blocks 3–5, 8–11.", self.text(page))
        self.assertEqual(self.texts(page, ".alarm"), [])

    def test_hostile_text_stays_text(self):
        words = [HOSTILE, "<b>bold</b>&lt;", "${0}{{page.css}}", "\u2028\u2029"]
        report = spikes_shown(words=words)
        report["configuration"]["model"] = f"models/{HOSTILE.replace('/', '')}"
        page = self.open(report)
        self.assert_well(page)
        seen = HOSTILE.replace(" ", "␣")
        tokens = {seen, "<b>bold</b>&lt;", "${0}{{page.css}}", "\\u{2028}\\u{2029}"}
        self.assertEqual(set(self.texts(page, "td code")), tokens)
        self.assertIn(HOSTILE.replace("/", ""), self.text(page, "h1"))
        self.assertIn(seen[:20], "".join(self.texts(page, "#state-picture text")))
        self.assertEqual(self.texts(page, "img, b, main script, svg a"), [])
        self.assertEqual(page.evaluate("document.scripts.length"), 3)

    def test_values_that_are_not_finite(self):
        report = spikes_shown()
        nothing = [{"channel": c, "magnitude": 0.0, "sequence": 0, "position": 0} for c in range(3)]
        lost = {"top": nothing, "median": None, "not_finite": 4608}
        for block in report["life_cycle"]["blocks"][8:]:
            block.update(hidden_state=lost, output=lost)
        for course in report["life_cycle"]["courses"]:
            course["hidden_state"][9:] = course["output"][8:] = [0.0] * 4
        sinks = report["attention_sinks"]
        for head in sinks["heads"][16:]:
            head.update(importance=None, share_of_sequences=0.0)
        sinks["sink_heads"] = [head for head in sinks["sink_heads"] if head["importance"]]
        report["perplexity"].update(mean_loss=None, perplexity=None)
        report["state_picture"]["magnitudes"][3] = [None] * 48
        channel = report["massive_activations"]["blocks"][0]["channels"][0]
        channel.update(mean=None, largest=None, mean_at_start=None)
        page = self.open(report)
        self.assert_well(page)
        alarm = self.text(page, ".alarm")
        self.assertIn("36,864 values of the hidden states and block outputs are NaN", alarm)
        self.assertIn("first in the output of block 9 (layer 4, attention)", alarm)
        self.assertIn("The importance of 8 heads is not finite", alarm)
        self.assertIn("The perplexity is not finite", alarm)
        self.assertNotRegex(self.text(page), r"NaN(?! or)|Infinity|undefined|null")

    def test_where_the_numbers_end(self):
        report = spikes_shown()
        report["life_cycle"]["blocks"][6]["output"]["not_finite"] = 6
        first = {"point": "blocks.3.hook_attn_out", "sequence": 2, "index": [3, 17], "nan": 1, "infinite": 5}
        later = first | {"point": "blocks.3.hook_resid_mid"}
        report["not_finite"] = {"definition": "", "points": [first, later]}
        page = self.open(report)
        self.assert_well(page)
        first_point = "not finite is blocks.3.hook_attn_out, [3, 17] of sequence 2: 5 infinite, 1 NaN."
        self.assertIn(first_point, self.text(page, ".alarm"))

        first.update(point="blocks.3.mlp.experts.1.hook_post", sequence=None, index=[])
        page = self.open(report)
        first_point = "not finite is blocks.3.mlp.experts.1.hook_post: 5 infinite, 1 NaN."
        self.assertIn(first_point, self.text(page, ".alarm"))

    def test_what_float16_cannot_hold(self):
        sentence = "float16, which ends at 65,504, overflows."
        page = self.open(spikes_shown(plateaus=((3, 5, 930.0), (8, 11, 257000.0))))
        self.assert_well(page)
        self.assertIn(sentence, self.text(page))
        self.assertNotIn(sentence, self.text(self.open(spikes_shown())))

    def test_nothing_finite_at_all(self):
        report = spikes_shown(channels=(), plateaus=(), step_up=(), step_down=())
        life = report["life_cycle"]
        outputs = [block["output"] for block in life["blocks"]]
        hidden_states = [block["hidden_state"] for block in life["blocks"]]
        for state in [life["embedding"], *outputs, *hidden_states]:
            state.update(top=[], median=None, not_finite=1)
        del report["state_picture"]  # there is no most extreme state
        page = self.open(report)
        blank = ["life-hidden-state is blank", "life-output is blank"]
        self.assertEqual(complaints(page, figures=3), blank)
        self.assertIn("25 values", self.text(page, ".alarm"))

    def test_no_spikes_and_no_sinks(self):
        none = {"channels": (), "plateaus": (), "step_up": (), "step_down": ()}
        page = self.open(spikes_shown(**none, sink_of_layer=lambda layer: 0.1))
        self.assert_well(page)
        self.assertIn("No channel is a spike channel", self.text(page))
        self.assertIn("No activation of this run is massive", self.text(page))
        self.assertIn("No head gives key 0 a mean importance above ε = 0.3.", self.text(page))

    def test_token_ids_without_text(self):
        page = self.open(spikes_shown(words=None))
        self.assert_well(page)
        self.assertEqual(set(self.texts(page, "td code")), {"–"})
        self.assertIn("id 5", "".join(self.texts(page, "#state-picture text")))

    def test_learned_sinks(self):
        report = spikes_shown()
        heads = report["attention_sinks"]["heads"]
        masses = [0.25 + 0.5 * (head["layer"] == 4 and head["head"] == 2) for head in heads]
        report["attention_sinks"]["learned"] = [
            {"layer": head["layer"], "head": head["head"], "mass": mass} for head, mass in zip(heads, masses)
        ]
        page = self.open(report)
        self.assert_well(page, figures=5)
        self.assertIn("Learned sinks", self.texts(page, "h3"))
        self.assertIn("27.1 % on average, 75 % in head 2 of layer 4.", self.text(page))
        drawn = page.evaluate("document.getElementById('learned-map').data[0].z")
        self.assertEqual(drawn[2][4], 0.75)
        self.assertEqual([len(drawn), *{len(row) for row in drawn}], [4, 6])

    def test_parity(self):
        report = only(spikes_shown())
        good = {
            "point": "blocks.0.hook_resid_pre",
            "shape": [2, 11, 32],
            "outside": 0,
            "error": 0.25,
            "largest_difference": 1e-5,
            "scale": 1.5,
            "worst": [0, 3, 7],
            "got": 0.5,
            "expected": 0.50001,
        }
        bad = good | {"point": "blocks.1.hook_resid_pre", "outside": 3, "error": None, "largest_difference": None}
        limits = {"absolute": 1e-4, "relative": 1e-3}
        report["parity"] = {"definition": "A value agrees when ...", "options": limits, "points": [good]}
        page = self.open(report)
        self.assert_well(page, figures=0)
        self.assertIn("1 hook point compared, within 0.0001 + 0.001 × |reference|: none differs.", self.text(page))

        report["parity"]["points"].append(bad)
        page = self.open(report)
        self.assert_well(page, figures=0)
        self.assertIn(": 1 outside the limits, the first of them blocks.1.hook_resid_pre.", self.text(page))
        self.assertEqual(self.texts(page, "td:nth-child(1)"), [good["point"], bad["point"]])
        self.assertEqual(self.texts(page, "td:nth-child(2)"), ["2 × 11 × 32"] * 2)
        self.assertEqual(self.texts(page, "td:nth-child(3)"), ["0.25", "∞"])
        self.assertEqual(self.texts(page, "td:nth-child(6)"), ["0", "3"])
        self.assertNotRegex(self.text(page), "NaN(?! or)|Infinity|undefined|null")

    def test_exported_activations(self):
        report = only(spikes_shown())
        name = "blocks.0.hook_resid_post"
        report["activations"] = [{"name": name, "shape": [1, 64, 576], "dtype": "F32"}]
        page = self.open(report)
        self.assert_well(page, figures=0)
        titles = ["Exported activations", "Definitions and configuration"]
        self.assertEqual(self.texts(page, "h2"), titles)
        self.assertIn("1 × 64 × 576", self.text(page))

    def test_a_key_beyond_every_sequence(self):
        report = only(spikes_shown(), "attention_sinks")
        ratios = {"paper": None, "gu": None, "mean-first": None}
        report["attention_sinks"].update(
            key=99, sequences=0, heads=[], sink_heads=[], ratios=ratios, sink_ratio_percent=None
        )
        page = self.open(report)
        self.assert_well(page, figures=0)
        self.assertIn("No sequence is long enough to have key 99.", self.text(page))

    def test_the_smallest_model(self):
        report = spikes_shown(
            layers=1,
            heads=1,
            length=2,
            width=3,
            columns=3,
            sequences=1,
            channels=((0, 1.0),),
            plateaus=((2, 2, 500.0),),
            step_up=(2,),
            step_down=(),
        )
        report["perplexity"].update(mean_loss=None, perplexity=None, tokens=0)
        page = self.open(report)
        self.assert_well(page)
        self.assertIn("Channel 0 exceeds 100 after block 2.", self.text(page))
        self.assertEqual(self.texts(page, ".alarm"), [])

    def test_a_big_model(self):
        report = spikes_shown(**BIG_MODEL)
        page = self.open(report)
        self.assert_well(page)
        self.assertIn("80 layers · 64 heads · 8,192 channels", self.text(page))
        rows = "[...document.querySelectorAll('table')].pop().tBodies[0].rows.length"
        self.assertEqual(page.evaluate(rows), 10)
        page.evaluate("[...document.querySelectorAll('.more')].pop().click()")
        self.assertEqual(page.evaluate(rows), len(report["attention_sinks"]["sink_heads"]))

    # -- what readers do

    def test_colours_and_size_may_change(self):
        page = self.open(spikes_shown(), width=1400)
        self.assert_well(page)
        ink = "document.querySelector('#sink-map .xtick text').style.fill"
        before = page.evaluate(ink)
        page.prefer("dark")
        self.assertTrue(page.wait_for(f"{ink} !== '{before}'"))
        self.assert_well(page)
        page.resize(420, 800)
        fits = """[...document.querySelectorAll('.figure')].every((figure) => {
            const frame = figure.getBoundingClientRect();
            const drawing = figure.querySelector('.main-svg').getBoundingClientRect();
            return ['width', 'height'].every((side) => Math.abs(frame[side] - drawing[side]) < 2);
        })"""
        self.assertTrue(page.wait_for(fits), "figures fill their frames")
        width = page.evaluate("document.documentElement.scrollWidth")
        self.assertEqual(width, 420, "nothing sticks out")
        self.assert_well(page)

    def test_the_picture_has_two_scales(self):
        page = self.open(spikes_shown())
        self.assert_well(page)
        scale = "document.getElementById('state-picture').layout.scene.zaxis.type"
        self.assertEqual(page.evaluate(scale), "linear")
        page.evaluate("document.querySelector('.choice button:last-child').click()")
        self.assertEqual(page.evaluate(scale), "log")
        self.assert_well(page)

    def test_figures_can_be_saved(self):
        page = self.open(spikes_shown())
        self.assert_well(page)
        for figure in ("life-output", "sink-map", "state-picture"):
            start = page.evaluate(f"Plotly.toImage('{figure}').then((url) => url.slice(0, 14))")
            self.assertEqual(start, "data:image/png")
        self.assert_well(page)

    def test_tables_sort(self):
        page = self.open(spikes_shown())
        self.assert_well(page)
        table = "document.querySelector('#spike-tokens table')"
        first = f"[...{table}.tBodies[0].rows].map((row) => row.cells[0].textContent)"
        self.assertEqual(page.evaluate(first), ["17", "5", "40"])
        page.evaluate(f"{table}.querySelector('button').click()")
        self.assertEqual(page.evaluate(first), ["40", "17", "5"])
        page.evaluate(f"{table}.querySelector('button').click()")
        self.assertEqual(page.evaluate(first), ["5", "17", "40"])

    # -- the checks themselves: each kind of fault is seen

    def test_sees_an_exception(self):
        page = self.open_with("<script>throw new Error('unheard of')</script>")
        self.assert_seen("unheard of", page)

    def test_sees_a_console_error(self):
        page = self.open_with("<script>console.error('oh dear')</script>")
        self.assert_seen("oh dear", page)

    def test_sees_a_dialog(self):
        page = self.open_with("<script>alert(1)</script>")
        self.assert_seen("dialog: 1", page)

    def test_sees_what_the_security_policy_forbids(self):
        page = self.open_with("<img src='https://example.org/a.png'>")
        self.assert_seen("Content Security Policy", page)

    def test_sees_a_request(self):
        markup = "<html data-drawn=0><img src='https://example.org/a.png'>"
        self.html.write_text(markup, encoding="utf-8")
        page = self.open_file()
        self.assert_seen("request: https://example.org/a.png", page, figures=0)

    def test_sees_a_missing_figure(self):
        page = self.open_changed('document.querySelectorAll(".figure")', "[]")
        self.assert_seen("0 figures drawn, expected 1\nsink-map is blank", page)

    def test_sees_a_failed_figure(self):
        page = self.open_changed(DRAW_SINK_MAP, "drawSinkMap(container, null)")
        self.assert_seen("0 figures drawn, expected 1\nsink-map is blank\nTypeError", page)

    def test_sees_a_blank_svg(self):
        page = self.open_changed(DRAW_SINK_MAP, "draw(container, 300, [], {})")
        self.assert_seen("^sink-map is blank$", page)

    def test_sees_a_blank_canvas(self):
        trace = "[stateTrace(picture, floor, spikes)]"
        page = self.open_changed(trace, "[{type: 'surface'}]", section="state_picture")
        self.assert_seen("^state-picture is blank$", page)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    if not find_chromium():
        print("no Chromium: skipped")
        sys.exit(77)
    PageCase.renderer = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()
