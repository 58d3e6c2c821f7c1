"""What the tests of reports share: the sizes of the tiny model, one with spikes, and checks of sections."""

import math

from program_case import GOLDEN, ProgramTest
from tiny_models import read_safetensors

LAYERS, HEADS, WIDTH, VOCABULARY_SIZE, CONTEXT = 2, 4, 32, 61, 64
EMBEDDING = "model.embed_tokens.weight"


class ReportTest(ProgramTest):
    """Checks of sections of a report on the tiny model."""

    def check_state(self, state, longest=CONTEXT):
        self.assertGreater(state["median"], 0)
        self.assertGreaterEqual(len(state["top"]), 3)
        magnitudes = [peak["magnitude"] for peak in state["top"]]
        self.assertEqual(magnitudes, sorted(magnitudes, reverse=True))
        self.assertGreater(magnitudes[-1], 0)
        self.assertEqual(len({peak["channel"] for peak in state["top"]}), len(state["top"]))
        for peak in state["top"]:
            self.assertIn(peak["channel"], range(WIDTH))
            self.assertIn(peak["position"], range(longest))
            self.assertGreaterEqual(peak["sequence"], 0)

    def check_life_cycle(self, life_cycle):
        self.assertEqual([block["block"] for block in life_cycle["blocks"]], list(range(1, 2 * LAYERS + 1)))
        for block in life_cycle["blocks"]:
            self.assertEqual(block["layer"], (block["block"] - 1) // 2)
            self.assertEqual(block["kind"], "attention" if block["block"] % 2 else "feed_forward")
            self.check_state(block["hidden_state"])
            self.check_state(block["output"])
        for key in ["step_up", "step_down", "spike_channels"]:
            self.assertIsInstance(life_cycle[key], list)

    def check_attention_sinks(self, sinks):
        self.assertEqual(sinks["definition"], "paper")
        self.assertIn(sinks["epsilon"], [0.2, 0.3])
        self.assertGreaterEqual(sinks["sink_ratio_percent"], 0)
        self.assertLessEqual(sinks["sink_ratio_percent"], 100)
        places = [(head["layer"], head["head"], head["key"]) for head in sinks["heads"]]
        self.assertEqual(places, [(layer, head, 0) for layer in range(LAYERS) for head in range(HEADS)])
        for head in sinks["heads"]:
            self.assertGreater(head["importance"], 0)
            self.assertLessEqual(head["importance"], 1)
        expected = [head for head in sinks["heads"] if head["importance"] > sinks["epsilon"]]
        self.assertEqual(sinks["sink_heads"], expected)

    def check_perplexity(self, perplexity, tokens):
        self.assertEqual(perplexity["tokens"], tokens)
        if perplexity["mean_loss"] > 700:  # past the largest number
            self.assertIsNone(perplexity["perplexity"])
        else:
            self.assertAlmostEqual(perplexity["perplexity"], math.exp(perplexity["mean_loss"]), places=3)

    def model_with_spikes(self):
        """Token 1 carries 3000 in channel 5 and -2000 in channel 9, to which no block adds much."""
        embedding = read_safetensors(GOLDEN / "model.safetensors")[EMBEDDING]
        spiking = embedding.with_values({WIDTH + 5: 3000.0, WIDTH + 9: -2000.0})
        return self.copy_model(tensors={EMBEDDING: spiking})
