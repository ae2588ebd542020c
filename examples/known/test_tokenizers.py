"""tokenizers 0.23.3: truncation is state of the shared tokenizer.

Confirmed by hand: with a lock around both calls, or a copy for each thread, lengths are right.
Report: tokenizers #537.
"""

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

TEXTS = [" ".join(f"w{i * j % 1000}" for i in range(300)) for j in range(100)]


@pytest.fixture(scope="module")
def tokenizer():
    vocab = {f"w{i}": i for i in range(1000)} | {"[UNK]": 1000}
    made = Tokenizer(models.WordLevel(vocab, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    return made


@pytest.mark.parwork(backend="threads", workers=2)
@pytest.mark.parametrize("length", [8, 16, 32, 64, 128, 200])
def test_encode(length, tokenizer):
    tokenizer.enable_truncation(length)
    return [len(e.ids) for _ in range(5) for e in tokenizer.encode_batch(TEXTS)]
