"""What the tests with hostile tokenizers share: models with changed ones."""

import json
import re

from hostile_case import HostileTest


class TokenizerCase(HostileTest):
    def setUp(self):
        super().setUp()
        self.good = json.loads((self.model / "tokenizer.json").read_text())

    def model_with(self, tokenizer):
        """A model with this object, or these bytes, as its tokenizer."""
        model = self.copy_model()
        content = tokenizer if isinstance(tokenizer, bytes) else json.dumps(tokenizer).encode()
        (model / "tokenizer.json").write_bytes(content)
        return model

    def check(self, words, tokenizer, *arguments):
        model = self.model_with(tokenizer)
        self.assert_refused([*self.patterns(words), re.escape(str(model))], "--model", model, *arguments)

    def with_model(self, **changes):
        return self.good | {"model": self.good["model"] | changes}

    def with_ids(self, **ids):
        return self.with_model(vocab=self.good["model"]["vocab"] | ids)

    def with_steps(self, key, inside, step, count=65):
        return self.good | {key: {"type": "Sequence", inside: [step] * count}}

    def splitting(self, pattern):
        split = {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}
        return self.good | {"pre_tokenizer": split}

    def plain(self, **changes):
        """A tokenizer that takes all of a text as one word."""
        return self.good | {"pre_tokenizer": None, "decoder": None, "post_processor": None} | changes
