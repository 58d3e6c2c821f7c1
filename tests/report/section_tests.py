"""Each section of report.json on the page: figures and tables show the given values."""

import json
import math
import re

from page_case import PageCase, only
from sample_report import make_report
from story_tests import quiet
from training_tests import TrainingTests


class SectionTest(TrainingTests, PageCase):
    """Section by section, figures and tables show the given values."""

    def open_section(self, report, *names):
        page = self.open(only(report, *names))
        self.assertTrue(page.wait_for("document.documentElement.dataset.drawn"))
        self.assertEqual([page.evaluate("document.documentElement.dataset.error"), page.problems], [None, []])
        return page

    def rows(self, page, selector):
        """The rows of a table, each by its column's title."""
        table = f"document.querySelector({json.dumps(selector)})"
        cells = "[...row.cells].map((cell) => cell.textContent.replace('\\u00a0', ' '))"
        heads, *rows = page.evaluate(f"[...{table}.rows].map((row) => {cells})")
        return [dict(zip(heads, row)) for row in rows]

    def test_episodes_and_steps(self):
        report = make_report()
        page = self.open_section(report, "life_cycle")
        self.assertIn("2 episodes of spikes: after blocks 3–5 (up to 930, in channel 17)", self.text(page))
        rows = self.rows(page, "#life-cycle table")
        self.assertEqual([row["Block"] for row in rows], ["3", "6", "8", "12"])
        self.assertEqual([row["Step"] for row in rows], ["up", "down", "up", "down"])
        shares = [step["share"] for step in report["life_cycle"]["steps"]]
        self.assertEqual(
            [row["Share of the episode’s spike"] for row in rows],
            [f"{100 * share:.{4 if share > 0.99 else 3}g} %" for share in shares],
        )

    def test_the_options_of_every_section_are_among_the_definitions(self):
        report = make_report()
        expected, value = [], 1000
        for section in report.values():
            options = section.get("options") if isinstance(section, dict) else None
            for name in options or ():
                value += 1
                options[name] = value
            if options:
                expected.append(", ".join(f"{name} = {value}" for name, value in options.items()))
        self.assertGreater(len(expected), 8)
        page = self.open(report)
        self.assertTrue(page.wait_for("document.documentElement.dataset.drawn"))
        text = self.text(page, "#definitions")
        self.assertEqual([options for options in expected if options not in text], [])

    def test_state_norms(self):
        report = make_report()
        page = self.open_section(report, "life_cycle", "state_norms")
        blocks = report["state_norms"]["blocks"]
        for kind in ("spike", "ordinary"):
            trace = self.trace(page, "state-norms", f"{kind} tokens")
            self.assertEqual(trace["y"], [block[kind]["mean"] for block in blocks])
        largest = max(blocks, key=lambda block: block["spike"]["mean"] / block["ordinary"]["mean"])
        self.assertIn(f"longest, compared with the others, after block {largest['block']}", self.text(page, "#life-cycle"))

    def test_spike_tokens(self):
        report = make_report()
        page = self.open_section(report, "spike_tokens", "life_cycle")
        text = self.text(page, "#spike-tokens")
        self.assertIn("At position 0 they are 8 of 8 (100 %), elsewhere 2 of 88 (2.27 %).", text)
        self.assertIn("channel 5 is 0.31 ± 0.001 of channel 17 (10 tokens)", text)
        self.assertIn("The first ratio is nearly constant: 0.31 to 0.31 over 7 blocks.", text)
        states = report["spike_tokens"]["states"]
        self.assertEqual(self.drawn(page, "spikes-by-block")[0]["y"], [state["tokens"] for state in states])
        self.assertEqual(self.drawn(page, "spikes-by-position")[0]["y"], [100, 25])
        pair = self.trace(page, "channel-pairs", "40 / 17")
        self.assertEqual([pair["x"], set(pair["y"])], [[3, 4, 5, 8, 9, 10, 11], {0.12}])
        first, second, *_ = self.rows(page, "#spike-tokens table")
        self.assertEqual([first["Spikes at position 0"], first["Spikes elsewhere"]], ["0 of 1", "2 of 39"])
        self.assertEqual([second["Spikes at position 0"], second["Spikes elsewhere"]], ["1 of 1", "0 of 2"])

    def test_most_tokens_spike(self):
        report = make_report()
        report["spike_tokens"].update(spiking=90)
        page = self.open_section(report, "spike_tokens")
        self.assertIn("Most tokens are massive here", self.text(page))
        self.assertIn("are based on 6 tokens", self.text(page))

    def test_ratios_that_move(self):
        report = make_report()
        report["spike_tokens"]["states"][7]["pairs"][0]["mean"] = 0.8
        page = self.open_section(report, "spike_tokens")
        self.assertIn("The first ratio is not constant: 0.31 to 0.8 over 7 blocks.", self.text(page))

    def test_gates(self):
        report = make_report()
        page = self.open_section(report, "gate_linearity", "life_cycle")
        self.assertIn(
            "Spike tokens sit at (1, 1), where the activation is the identity, in blocks 6, 8, 12: there a quadratic form "
            "describes the block well",
            self.text(page),
        )
        self.assertIn("largest output is 805 at its spike tokens and 45 at the others", self.text(page))
        panels = self.texts(page, "#gate-linearity .panels h3")
        self.assertEqual(panels, ["Step-down: block 6", "Step-up: block 8", "Step-down: block 12", "Control: block 10"])
        sample = report["gate_linearity"]["blocks"][3]["spike"]["sample"]
        drawn = self.trace(page, "gate-8", "spike tokens")
        colours = [10**colour for colour in drawn["marker"]["color"]]
        for point, given in zip(zip(drawn["x"], drawn["y"], colours, strict=True), sample, strict=True):
            for got, expected in zip(point, given, strict=True):
                self.assertAlmostEqual(got, expected)
        self.assertEqual(self.trace(page, "gate-course", "ordinary tokens")["y"], [0.5] * 6)

    def test_gates_that_are_not_near_linear(self):
        report = make_report()
        report["gate_linearity"]["blocks"][3]["spike"].update(cosine=0.86, ratio=0.7)
        page = self.open_section(report, "gate_linearity", "life_cycle")
        self.assertIn(
            "Spike tokens do not sit at (1, 1), where the activation is the identity, in block 8: there a quadratic form is "
            "only a rough approximation. They do in blocks 6, 12.",
            self.text(page),
        )
        self.assertIn("the mean for spike tokens is cosine 0.86, ratio 0.7", self.text(page))

    def test_weights(self):
        report = make_report()
        form = report["quadratic_form"]
        page = self.open_section(report, "quadratic_form")
        outliers = self.trace(page, "form-norms", "outliers")
        given = {
            (block["block"], c["frobenius_norm"] / 2)
            for block in form["blocks"]
            for c in block["channels"]
            if c["frobenius_norm"] >= 18
        }
        self.assertEqual(set(zip(outliers["x"], outliers["y"])), given)
        band = self.trace(page, "form-norms", "middle 98 % of the channels")
        self.assertEqual(len(band["y"]), 6)
        self.assertTrue(all(0.5 < edge < 40 for edge in band["y"]))
        spectra = [trace for trace in self.drawn(page, "form-spectra") if trace["name"] == "outliers"]
        given = [c["spectrum"] for block in form["blocks"] for c in block["channels"] if "spectrum" in c]
        self.assertEqual([trace["y"] for trace in spectra], given)
        self.assertEqual(self.drawn(page, "form-triggers")[0]["z"], form["triggers"]["cosines"])
        self.assertIn("The prediction and the measurement agree completely.", self.text(page))
        first, second, third = self.rows(page, "#quadratic-form table")
        self.assertEqual([first["Predicted and measured"], third["Predicted and measured"]], ["5, 17, 40", "6, 12"])
        self.assertEqual(second["Only measured"], "–")

    def test_collinear_rows(self):
        report = make_report()
        blocks = report["quadratic_form"]["blocks"]
        page = self.open_section(report, "quadratic_form")
        carrying = self.trace(page, "collinear-rows", "of an outlier with a dominant eigenvalue")
        outliers = [
            (f"block {block['block']}", channel)
            for block in blocks
            for channel in block["channels"]
            if "super_weights" in channel
        ]
        self.assertEqual(carrying["x"], [block for block, _ in outliers])
        self.assertEqual(carrying["y"], [channel["super_weights"][0]["gate_up_cosine"] for _, channel in outliers])
        others = self.trace(page, "collinear-rows", "middle 98 % of the other units")
        self.assertEqual([others["y"], others["error_y"]["array"]], [[0.05] * 3, [0.25] * 3])
        self.assertEqual(self.trace(page, "collinear-rows", "largest of them")["y"], [0.6] * 3)
        self.assertIn("It holds here: of the outliers with one dominant eigenvalue, 9 of 9 (100 %) are", self.text(page))
        self.assertIn("(median 0.8; other units: 0.05); of the controls 3 of 3 (100 %).", self.text(page))

    def test_rows_that_are_not_collinear(self):
        report = make_report()
        for block in report["quadratic_form"]["blocks"]:
            for number, channel in enumerate(block["channels"]):
                for weight in channel.get("super_weights", ()):
                    weight["gate_up_cosine"] = 0.2
                    channel["dominance"] = 0.9 if number == 0 else 0.5
        page = self.open_section(report, "quadratic_form")
        self.assertIn("It does not hold here: of the outliers with one dominant eigenvalue, 0 of 3 (0 %)", self.text(page))
        self.assertIn("; of the other outliers 0 of 6 (0 %)", self.text(page))
        for block in report["quadratic_form"]["blocks"]:
            for channel in block["channels"][:1]:
                channel["dominance"] = 0.5
        page = self.open_section(report, "quadratic_form")
        self.assertIn("of the outliers, 0 of 9 (0 %)", self.text(page))

    def test_weights_that_miss(self):
        report = make_report()
        report["quadratic_form"]["comparison"]["spike_channels"] = {
            "both": [5],
            "predicted_alone": [7],
            "measured_alone": [17, 40],
        }
        page = self.open_section(report, "quadratic_form")
        self.assertIn("Of 5 predictions 4 are measured too; 2 findings are not predicted.", self.text(page))

    def test_weights_without_a_gate(self):
        report = quiet()
        for block in report["quadratic_form"]["blocks"]:
            block.update(gated=False, has_biases=True)
        page = self.open_section(report, "quadratic_form")
        self.assertIn("have no gate, so they are not a quadratic form and the weights predict nothing", self.text(page))
        self.assertIn("that of the output weights", self.text(page))
        self.assertEqual(self.texts(page, "#quadratic-form table"), [])

    def test_vocabulary(self):
        report = make_report()
        page = self.open_section(report, "vocabulary_probe")
        self.assertIn("49,140 of 49,152 vocabulary entries (99.98 %) spike as the first token", self.text(page))
        self.assertIn("After 4 tokens of text 0 of 4,096 (0 %) do.", self.text(page))
        self.assertIn("the position matters, not the token", self.text(page))
        self.assertEqual(self.trace(page, "vocabulary-magnitudes-0", "spike")["y"], [49140])
        self.assertEqual(self.trace(page, "vocabulary-magnitudes-0", "no spike")["y"], [5, 7])
        course = [entry["state"]["mean"] for entry in report["vocabulary_probe"]["course"]]
        self.assertEqual(self.trace(page, "vocabulary-course", "stream, first token")["y"], course)
        self.assertEqual(len(self.rows(page, "#vocabulary-probe table")), 10)
        report["vocabulary_probe"].update(spiking=3, percent=1.0, course=[])
        page = self.open_section(report, "vocabulary_probe")
        self.assertIn("Hardly any token spikes", self.text(page))
        self.assertIn("no outlier channel, so there is no trigger direction", self.text(page))

    def test_self_attention(self):
        report = make_report()
        heads = report["self_attention"]["heads"]
        page = self.open_section(report, "self_attention")
        ordinary = [sum(head["ordinary"] for head in heads if head["layer"] == layer) / 4 for layer in range(6)]
        for drawn, given in zip(
            self.trace(page, "self-attention-layers", "ordinary tokens")["y"], ordinary, strict=True
        ):
            self.assertTrue(math.isclose(drawn, given, rel_tol=1e-4))
        cell = "document.getElementById('self-attention-map').data[0].z[1][2]"
        head = next(head for head in heads if (head["layer"], head["head"]) == (2, 1))
        self.assertAlmostEqual(page.evaluate(cell), head["spike"], places=5)
        page.evaluate("[...document.querySelectorAll('#self-attention .choice button')].pop().click()")
        self.assertTrue(page.wait_for(f"Math.abs({cell} - {head['ordinary']}) < 1e-5"))

    def test_first_norm(self):
        report = make_report()
        section, heads = report["first_norm"], report["self_attention"]["heads"]
        page = self.open_section(report, "self_attention", "first_norm")
        for figure, field in (("first-norm-lengths", "l2_norm"), ("first-norm-cosines", "cosine")):
            self.assertEqual(self.trace(page, figure, "vocabulary")["x"], section[f"{field}_deciles"])
            marked = self.trace(page, figure, "delimiter")
            self.assertEqual(marked["x"], [token[field] for token in section["tokens"][1:]])
            self.assertIn(f"{section['tokens'][1][f'{field}_percentile']} % of the vocabulary", marked["text"][0].replace("\u00a0", " "))
            self.assertEqual(self.trace(page, figure, "spikes elsewhere")["x"], [section["tokens"][1][field]])
        text = self.text(page)
        self.assertIn("have an L2 norm of 4.1 to 4.9. It is elevated for delimiters, as the paper says", text)
        self.assertIn("they have 1.2 times the median of the vocabulary. The tokens at position 0 have 0.8 times", text)
        first = [head for head in heads if head["layer"] == 0]
        own, others = (sum(head[kind] for head in first) / len(first) for kind in ("delimiter", "ordinary"))
        self.assertIn(
            f"In agreement, in layer 0 delimiters give themselves {100 * own:.3g} % of their attention and ordinary tokens "
            f"{100 * others:.3g} %",
            text,
        )
        self.assertEqual([row["Id"] for row in self.rows(page, "#self-attention table")], ["33", "40", "5"])

    def test_a_first_norm_that_does_not_elevate_delimiters(self):
        report = make_report()
        report["first_norm"].update(norm="embed.ln")
        report["first_norm"]["groups"]["delimiter"].update(l2_norm=4.2, l2_norm_ratio=4.2 / 4.5)
        page = self.open_section(report, "self_attention", "first_norm")
        self.assertIn("After the norm of the embedding with its learned scale", self.text(page))
        self.assertIn("but here it is not: they have 0.933 times the median", self.text(page))
        self.assertIn("Nevertheless, in layer 0 delimiters", self.text(page))

    def test_an_encoder(self):
        report = make_report()
        report["model"]["causal"] = False
        page = self.open_section(report, "self_attention")
        self.assertNotIn("sees no other", self.text(page))

    def test_sparse_constants(self):
        report = make_report()
        page = self.open_section(report, "sparse_constants")
        norms = report["sparse_constants"]["norms"]
        for side in ("before", "after"):
            drawn = self.trace(page, "norm-cosine", f"spike tokens, {side}")
            self.assertEqual(drawn["x"], [norm["after_block"] for norm in norms])
            self.assertEqual(drawn["y"], [norm[side]["spike"]["cosine"] for norm in norms])
        self.assertEqual(self.trace(page, "norm-top-share", "ordinary tokens, after")["y"], [0.2] * 13)
        self.assertIn(
            "are nearly one and the same vector: their mean pairwise cosine is 0.995 (ordinary tokens: 0.2)",
            self.text(page),
        )

    def test_spike_cosines(self):
        report = make_report()
        section = report["spike_cosines"]
        page = self.open_section(report, "spike_cosines")
        self.assert_well(page, 3)
        self.assertEqual(self.texts(page, "#sparse-constants .panels h3"), ["Before the block", "After the block", "After the next norm"])
        for sentence in (
            "In block 3 (layer 1, attention), which creates the largest spike, 10 spike tokens become nearly one vector",
            "their median pairwise cosine is 0.25 before the block (5 % to 95 %: 0.25), 0.995 after it "
            "(5 % to 95 %: 0.995) and 0.995 after the next norm (blocks.1.ln2).",
            "Of 10 ordinary tokens it is 0.2 before and 0.21 after.",
        ):
            self.assertIn(sentence, self.text(page))
        drawn = "document.getElementById('spike-cosines-{}').data[0].z[2][1]"
        self.assertEqual(page.evaluate(drawn.format("before")), 0.25)
        self.assertEqual(page.evaluate(drawn.format("normalized")), 0.995)
        self.assertEqual([row["Median"] for row in self.rows(page, "#sparse-constants table")], ["0.25", "0.995", "0.995", "0.2", "0.21", "0.21"])
        page.evaluate("[...document.querySelectorAll('#sparse-constants .choice button')].pop().click()")
        self.assertTrue(page.wait_for(f"{drawn.format('after')} === 0.21"))
        section["spike"]["normalized"]["percentile_5"] = 0.5
        section["norm"]["after_block"] = 4
        page = self.open_section(report, "spike_cosines")
        self.assertIn("10 spike tokens do not become one vector", self.text(page))
        self.assertIn("(blocks.1.ln2, which reads the stream after block 4)", self.text(page))

    def test_spike_cosines_without_a_norm_or_a_pair(self):
        report = make_report()
        section = report["spike_cosines"]
        section["norm"] = None
        nothing = {"matrix": []} | dict.fromkeys(("minimum", "percentile_5", "median", "percentile_95", "maximum"))
        for kind in ("spike", "ordinary"):
            section[kind]["normalized"] = nothing
        page = self.open_section(report, "spike_cosines")
        self.assert_well(page, 2)
        self.assertIn("0.995 after it (5 % to 95 %: 0.995). Of 10 ordinary tokens", self.text(page))
        for kind in ("spike", "ordinary"):
            section[kind] = {"tokens": [], "before": nothing, "after": nothing, "normalized": nothing}
        page = self.open_section(report, "spike_cosines")
        self.assertIn("Too few spike tokens pass through block 3", self.text(page))

    def test_sink_geometry(self):
        report = make_report()
        page = self.open_section(report, "sink_geometry", "attention_sinks")
        heads = report["sink_geometry"]["heads"]
        self.assertIn("precision 0.9 and recall 1 against a base rate of 0.46, so the rule is informative", self.text(page))
        named = self.trace(page, "logit-gap", "named by the rule")
        self.assertEqual(named["y"], [head["logit_gap"] for head in heads if head["named"]])
        picture = report["sink_geometry"]["pictures"][0]
        xs = "document.getElementById('head-picture-0').data.find((trace) => trace.name === 'sink keys').x"
        self.assertEqual(page.evaluate(xs), [x for x, _ in picture["tsne"][-4:]])
        page.evaluate("[...document.querySelectorAll('#sink-geometry .choice button')].pop().click()")
        self.assertTrue(
            page.wait_for(
                f"JSON.stringify({xs}) === '{json.dumps([x for x, _ in picture['pca'][-4:]], separators=(',', ':'))}'"
            )
        )

    def test_a_rule_no_better_than_chance(self):
        report = make_report()
        report["sink_geometry"]["agreement"]["euclidean"].update(precision=0.77, base_rate=0.77)
        page = self.open_section(report, "sink_geometry")
        self.assertIn("base rate of 0.77, so the rule is hardly better than the base rate", self.text(page))
        report["sink_geometry"]["heads"] = []
        report["sink_geometry"]["agreement"] = None
        page = self.open_section(report, "sink_geometry")
        self.assertIn("The text does not have both sink keys and other keys", self.text(page))

    def test_sinks_anywhere(self):
        report = make_report()
        page = self.open_section(report, "sinks_anywhere")
        positions = report["sinks_anywhere"]["positions"]
        self.assertEqual(self.drawn(page, "sink-positions")[0]["y"], [position["count"] for position in positions])
        self.assertRegex(self.text(page), r"8 tokens of the text are sinks of some head .* 1 per sequence\.")
        self.assertEqual([row["Occurrences that are sinks"] for row in self.rows(page, "#attention-sinks table")], ["8", "1"])

    def test_sink_key_span(self):
        report = make_report()
        page = self.open_section(report, "sink_key_span", "life_cycle")
        heads = report["sink_key_span"]["heads"]
        self.assertIn("3 spike channels (17, 5 and 40), whose rows of W_K span at most 3 dimensions", self.text(page))
        self.assertIn("In layers that read the spike 0.95 of the squared norm of sink keys", self.text(page))
        self.assertEqual(self.trace(page, "sink-key-share", "sink keys")["y"], [head["sinks"]["share"] for head in heads])
        self.assertEqual(self.trace(page, "sink-key-rank", "other queries")["y"], [7.5] * 6)
        report["sink_key_span"]["heads"] = []
        page = self.open_section(report, "sink_key_span")
        self.assertIn("The text does not have both sink keys and other keys", self.text(page))

    def test_attention_locality(self):
        report = make_report()
        page = self.open_section(report, "attention_locality")
        section = report["attention_locality"]
        for sentence in (
            "The claim that sinks bias heads toward short-range dependencies holds on this text",
            "nearer keys than another head with a probability of 1 (chance: 0.5)",
            "sink heads 1.5 tokens (evenly spread attention: 4) and other heads 3.15 tokens",
        ):
            self.assertIn(sentence, self.text(page))
        self.assertEqual(self.trace(page, "attention-locality", "sink heads")["y"], [None, None, 1.5, 1.5, 1.5, 1.5])
        ys = "JSON.stringify(document.getElementById('attention-locality').data[1].y.slice(0, 2))"
        self.assertEqual(page.evaluate(ys), "[3.15,3.15]")
        page.evaluate("document.querySelectorAll('#attention-sinks .choice button')[1].click()")
        self.assertTrue(page.wait_for(f"{ys} === '[4.15,4.15]'"))
        self.assertEqual([row["Number"] for row in self.rows(page, "#attention-sinks table")], ["16", "8", "16", "8"])
        section["all"]["without_common_sinks"]["area"] = 0.4
        page = self.open_section(report, "attention_locality")
        self.assertIn("toward short-range dependencies does not hold on this text", self.text(page))

    def test_effective_sinks(self):
        report = make_report()
        page = self.open_section(report, "effective_sinks")
        for sentence in ("The heads pay the sinks", "16 heads give the sinks more than half; of these, 16 take less than a tenth"):
            self.assertIn(sentence, self.text(page))
        self.assertEqual(self.texts(page, "#attention-sinks table"), [])
        report["model"] = report.get("model", {}) | {"attention_gate": "hidden", "norm_placement": "sandwich"}
        for head in report["effective_sinks"]["heads"]:
            head.update(gate=0.25, gate_at_sinks=0.5)
        page = self.open_section(report, "effective_sinks", "attention_sinks")
        self.assertIn("The gates let through 25 % of the outputs, at the sinks themselves 50 %.", self.text(page))
        self.assertIn("This model has such norms and gates.", self.text(page))

    def test_quantisation(self):
        report = make_report()
        page = self.open_section(report, "quantisation")
        section = report["quantisation"]
        down = [entry["errors"] for entry in section["inputs"] if entry["reads"] == "feed_forward_output"]
        self.assertEqual(
            self.trace(page, "quantisation-3", "both kept")["y"], [errors["per_tensor"]["both"] for errors in down]
        )
        page.evaluate("document.querySelectorAll('#quantisation .choice button')[1].click()")
        ys = "JSON.stringify(document.getElementById('quantisation-3').data[0].y)"
        given = json.dumps([errors["per_token"]["plain"] for errors in down], separators=(",", ":"))
        self.assertTrue(page.wait_for(f"{ys} === '{given}'"))
        self.assertIn("largest in the down projection of layer 5: 40 % of the vector’s length", self.text(page))
        (row,) = self.rows(page, "#quantisation table")
        self.assertEqual([row["Gain"], row["Channels to keep"], row["Spike tokens to keep"]], ["6.8", "17", "yes"])

    def test_cache(self):
        report = make_report(words=["The", " cat", "\n"])
        page = self.open_section(report, "kv_cache")
        self.assertIn(
            "Keep position 0 and ⏎: 1.25 tokens of 12 in a sequence receive 61 % of the attention", self.text(page)
        )
        first, second = self.rows(page, "#quantisation table")
        self.assertEqual([first["Token"], first["Id"]], ["any first token", "–"])
        self.assertEqual([second["Occurrences that spike"], second["Heads with a sink there"]], ["2", "2.5"])

    def test_interventions(self):
        place = {"block": 24, "layer": 11, "kind": "feed_forward", "channel": 507, "position": 0}
        losses = [{"first": 1, "last": 8, "loss": 5.5}, {"first": 9, "last": 16, "loss": 3.5}]
        clean = {"name": "clean", "perplexity": 20.0, "interval": [18.0, 22.0], "mean_loss": 3.0, "tokens": 800}
        clean |= {"by_position": losses, "sink_ratio_percent": 47.0, "spike": 27600.0, "spike_place": place, "kl": 0.0}
        clean |= {"next_key": 1, "next_sink_ratio_percent": 0.0, "norms": []}
        zero = clean | {"name": "spikes/zero", "perplexity": 1e7, "interval": [8e6, 2e7], "kl": 13.0}
        mask = clean | {"name": "sinks/mask", "perplexity": 21.0, "interval": [19.0, 23.0], "sink_ratio_percent": 0.0}
        broken = clean | {"name": "broken", "perplexity": None, "interval": [None, None], "spike": None}
        moved = mask | {"name": "moved", "next_sink_ratio_percent": 45.0}
        fitted = [{"site": "output", "becomes": "rms", "alpha": None, "gain": 2.0, "error": error} for error in (0.1, 0.5)]
        moved |= {"norms": fitted}
        broken |= {"spike_place": None, "kl": None, "by_position": [{"first": 1, "last": 16, "loss": None}]}
        report = make_report() | {"interventions": [clean, zero, mask, moved, broken]}
        page = self.open_section(report, "interventions")
        self.assert_well(page, 2)
        for sentence in (
            "The unchanged model has a perplexity of 20 (95 % interval: 18 to 22, over 800 tokens).",
            "Perplexity more than 10 times as large: spikes/zero and broken.",
            "At most 15 % larger: sinks/mask and moved.",
            "Without sinks at key 0 the spike remains under sinks/mask and moved: 27,600 (clean 27,600).",
            "The sink moves to the next key under moved: it does not vanish.",
            "moved: 2 norms fitted, with a relative error of 10 % to 50 %.",
        ):
            self.assertIn(sentence, self.text(page))
        rows = self.rows(page, "#interventions table")
        self.assertEqual([row["Perplexity"] for row in rows], ["20", "1.00e+7", "21", "21", "–"])
        self.assertEqual(rows[0]["Spike"], "27,600 (channel 507, block 24)")
        (points,) = self.drawn(page, "intervention-perplexity")
        self.assertEqual((points["x"], points["error_x"]["array"]), ([21, 21, 1e7, 20], [2, 2, 1e7, 2]))

    def test_streams(self):
        stretches = [{"first": 0, "last": 63, "loss": 2.0, "perplexity": 7.4}, {"first": 64, "last": 99, "loss": None}]
        window = {"name": "window only", "first": 0, "window": 64, "kept": [], "most_kept": 0, "capacity": 64}
        window |= {"cache_bytes": 2e6, "tokens": 100, "perplexity": 9.0, "perplexity_before": 7.4}
        window |= {"perplexity_after": 40.0, "by_position": [stretches[0], stretches[1] | {"perplexity": 40.0}]}
        kept = [{"id": 3, "text": "\n"}, {"id": 5}]
        aware = window | {"name": "aware", "first": 1, "kept": kept, "most_kept": 8, "perplexity_after": 10.0}
        aware |= {"by_position": [stretches[0], stretches[1] | {"perplexity": None}]}
        page = self.open_section(make_report() | {"streams": [window, aware]}, "streams")
        self.assert_well(page, 1)
        for sentence in (
            "100 predicted tokens through caches of bounded size.",
            "While the cache contains the whole text, the perplexity is 7.4.",
            "“aware” has a perplexity of 10 and “window only” of 40, 4 times as much.",
        ):
            self.assertIn(sentence, self.text(page))
        first, second = self.rows(page, "#streams table")
        self.assertEqual([first["Tokens in the cache"], first["Cache, MB"]], ["the last 64", "2"])
        self.assertEqual(second["Tokens in the cache"], "the first token, up to 8 of ⏎ and id 5, the last 64")
        self.assertEqual(self.trace(page, "streams-curve", "window only")["y"], [7.4, 40])

    def test_watched_keys(self):
        report = make_report()
        last = {"key": -1, "sequences": 8, "tokens": [], "ratios": {"gu": 0.0}, "sink_heads": 3}
        report["attention_sinks"]["keys"].append(last)
        page = self.open_section(report, "attention_sinks")
        self.assertTrue(
            re.search(r"Key 0 is always The\. Each sequence’s last key has 3 sink heads\.", self.text(page))
        )
