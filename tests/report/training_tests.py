"""The section of models trained from scratch on the page; included in section_tests.py."""

from sample_report import HOSTILE
from sample_training import ROWS, make_training
from story_tests import WRONG, each_value


class TrainingTests:
    """To be mixed into a PageCase with `open_section`."""

    def test_training(self):
        report = make_training(seeds=3)
        page = self.open(report, width=1200)
        self.assert_well(page, 1)
        rows, runs = report["training"]["rows"], report["training"]["runs"]
        self.assertEqual(self.text(page, "h1"), "4 rows, 12 runs")
        self.assertIn("each run: 1,000 steps, 4,096,000 tokens, 170,000 parameters", self.text(page, "header"))
        sinks = [row["sink_ratio_percent"]["mean"] for row in rows]
        losses = [row["loss"]["mean"] for row in rows]
        text = self.text(page, "#training")
        self.assertIn(f"to {sinks[1]:.3g} % (table5/sandwich, loss +{losses[1] - losses[0]:.3f}), with", text)
        self.assertIn("Compared with the baseline, the sink ratio moves in the same direction as in the paper in 1 of 2 rows and", text)
        cells = self.texts(page, "#training tbody tr:nth-child(2) td")
        low, high = rows[1]["loss"]["low"], rows[1]["loss"]["high"]
        self.assertEqual(cells[:3], ["table5/sandwich", "3", f"{losses[1]:.3f}{low:.3f} – {high:.3f}"])
        massive = rows[1]["massive_channels"]["mean"]
        self.assertTrue(cells[6].startswith(f"{massive:g}"), cells[6])
        self.assertEqual([cell.replace("\u00a0", " ") for cell in cells[7:]], ["9.8", "44.7 %", "520"])
        self.assertEqual(self.texts(page, "#training th.group"), ["Trained here, validation", "Paper, 7B"])
        self.assertEqual(self.texts(page, "#training tbody tr:nth-child(4) td")[7:], ["–"] * 3)

        drawn = self.drawn(page, "training-courses")
        self.assertEqual(len(drawn), 4 * len(runs))
        panels = {"y": "loss", "y2": "sink_ratio_percent", "y3": "spike"}
        validations = [run["validation"] for run in runs if run["row"] == "mine"]
        for axis, field in panels.items():
            lines = [trace for trace in drawn[len(runs) :] if (trace["name"], trace["yaxis"]) == ("mine", axis)]
            self.assertEqual([line["y"] for line in lines], [[state[field] for state in one] for one in validations])
            self.assertEqual(len({line["line"]["color"] for line in lines}), 1, "one colour a row")
        looks = {(trace["line"]["color"], trace["line"].get("dash")) for trace in drawn[len(runs) :]}
        self.assertEqual(len(looks), len(rows))

    def test_rows_of_a_training_hide(self):
        page = self.open(make_training(seeds=2))
        self.assert_well(page, 1)
        data = "document.getElementById('training-courses').data"
        names = f"(some) => [...new Set({data}.filter(some).map((trace) => trace.name))]"
        shown, hidden = f"({names})((trace) => trace.visible)", f"({names})((trace) => !trace.visible)"
        press = "[...document.querySelectorAll('.legend button')].find((node) => node.textContent === '{}').click()"
        page.evaluate(press.format("mine"))
        self.assertEqual(page.evaluate(hidden), ["mine"])
        self.assertEqual(self.texts(page, ".legend [aria-pressed=false]"), ["mine"])
        page.prefer("dark")
        self.assertTrue(page.wait_for(f"{data}.at(-1).line.color === '#e6e9ed'"))
        self.assertEqual(page.evaluate(hidden), ["mine"], "also after a redraw")
        page.evaluate(press.format("none"))
        page.evaluate(press.format("baseline"))
        self.assertEqual(page.evaluate(shown), ["baseline"])
        page.evaluate(press.format("all"))
        self.assertEqual(page.evaluate(hidden), [])
        page.evaluate("Plotly.downloadImage = (figure) => { window.saved = figure; }")
        page.evaluate("document.querySelector('#training-courses .modebar-btn').click()")
        named = "window.saved.data.filter((trace) => trace.showlegend).map((trace) => trace.name)"
        self.assertEqual(sorted(page.evaluate(named)), sorted(name for name, *_ in ROWS), "a saved picture has a legend")

    def test_one_training(self):
        report = make_training(ROWS[:1])
        page = self.open(report)
        self.assert_well(page, 2)
        (run,) = report["training"]["runs"]
        last = run["validation"][-1]
        self.assertEqual(page.evaluate("document.title"), "baseline – spikesink train")
        text = self.text(page)
        self.assertIn(f"“baseline”, seed 0, after 1,000 steps: a validation loss of {last['loss']:.3f}", text)
        ratios = [state["sink_ratio_percent"] for state in run["validation"]]
        half = next(i for i, ratio in enumerate(ratios) if ratio >= ratios[-1] / 2)
        step = run["validation"][half]["step"]
        self.assertIn(f"Validation first shows half of that sink ratio at step {step}", text)
        self.assertEqual(self.texts(page, ".legend"), [])
        sinks, spikes, kurtosis = self.drawn(page, "training-layers")
        states = run["validation"]
        self.assertEqual(sinks["z"], [[state["sink_ratios_percent"][layer] for state in states] for layer in range(3)])
        self.assertEqual(kurtosis["x"], [state["step"] for state in states])
        self.assertAlmostEqual(10 ** spikes["z"][2][-1], last["spikes"][2], places=3)

    def test_trainings_that_are_not_done(self):
        report = make_training(seeds=2)
        rows, runs = report["training"]["rows"], report["training"]["runs"]
        nothing = {field: None for field in ("loss", "perplexity", "sink_ratio_percent", "gu_sink_ratio_percent", "spike")}
        rows[0].update(runs=0, **nothing)
        rows[3]["spike"] = dict.fromkeys(("mean", "low", "high"))
        runs[0].update(steps_done=0, parameters=None, tokens=0, curve=[], validation=[])
        for run in (*runs[1:2], *runs[6:]):
            run["curve"][3]["loss"] = None
            run["validation"][-1].update(nothing, sink_ratios_percent=[None] * 3, spikes=[None] * 3, kurtosis=[])
        for some in (report["training"], {**report["training"], "runs": runs[:1], "rows": rows[:1]}):
            page = self.open_section(report | {"training": some}, "training")
            self.assertNotRegex(self.text(page), WRONG)
        self.assertIn("“baseline”, seed 0, after 0 of 1,000 steps: no validation yet.", self.text(page))
        page = self.open_section(report | {"training": {**some, "runs": runs[1:2]}}, "training")
        self.assertNotRegex(self.text(page), WRONG)
        for lists in ({"rows": [], "runs": []}, {"runs": []}):
            page = self.open_section(report | {"training": report["training"] | lists}, "training")
            self.assertNotRegex(self.text(page), WRONG)
        page = self.open_section(each_value(report, lambda number: None), "training")
        self.assertNotRegex(self.text(page), WRONG)

    def test_hostile_names_of_trainings(self):
        names = [HOSTILE, "<b>bold</b>&lt;", "%{x}${0}", "x" * 300]
        report = make_training([(name, *row[1:]) for name, row in zip(names, ROWS)])
        page = self.open(report, width=390, colour_scheme="dark")
        self.assert_well(page, 1)
        self.assertEqual(self.texts(page, "main img, main b, main script"), [])
        self.assertEqual(self.texts(page, ".legend span"), names)
        self.assertIn("&lt;b&gt;bold", self.drawn(page, "training-courses")[1]["text"][0])
        self.assertEqual(page.evaluate("document.documentElement.scrollWidth"), 390, "nothing sticks out")
        page = self.open(make_training([(HOSTILE, *ROWS[0][1:])]), width=390)
        self.assert_well(page, 2)
        self.assertEqual([self.text(page, "h1"), self.texts(page, "main img")], [HOSTILE, []])

    def test_trainings_of_all_rows(self):
        page = self.open(make_training([(f"row {i}", *ROWS[i % 4][1:]) for i in range(41)]), width=500)
        self.assert_well(page, 1)
        self.assertEqual(page.evaluate("document.documentElement.scrollWidth"), 500, "nothing sticks out")
        lines = self.drawn(page, "training-courses")[41:]
        self.assertEqual(len({(line["line"]["color"], line["line"]["dash"]) for line in lines}), 41)
