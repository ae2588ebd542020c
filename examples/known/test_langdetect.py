"""langdetect 1.0.9: the factory of the module is published before its profiles are loaded.

Confirmed by hand: after one call that comes before the threads, all results are right. Reports:
langdetect #30 and #65.
"""

import langdetect
import pytest

langdetect.DetectorFactory.seed = 0
TEXTS = {
    "de": "Das ist ein ganz normaler deutscher Satz.",
    "en": "This is a plain English sentence.",
    "fr": "Ceci est une phrase tout a fait normale.",
    "it": "Questa frase e scritta in italiano.",
}


@pytest.mark.parwork(backend="threads", workers=2)
@pytest.mark.parametrize("lang", TEXTS)
def test_detect(lang):
    return langdetect.detect(TEXTS[lang])
