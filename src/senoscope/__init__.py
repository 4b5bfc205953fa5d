"""Senoscope: breast-imaging AI along the triple assessment. Research use only.

    image = senoscope.read("scan.png")                # any supported file -> Image
    model = senoscope.load("ultrasound")              # a shipped bundle, or a path to one -> Model
    answer = model.predict(image)                     # -> Prediction; also a path, or a list of either
    exam = senoscope.Exam("woman 1", (senoscope.View("l_cc.png", {"age": "50"}), senoscope.View("l_mlo.png")))
    answer = model.predict(exam)                      # -> ExamPrediction, of a bundle that was trained on exams
    where = senoscope.load(RUN).predict(image)        # -> OutlinePrediction, of a bundle that marks regions
    report = senoscope.evaluate(model, index)         # figures with intervals -> Evaluation

Names are imported when they are first used, so that `import senoscope` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from senoscope.core.version import __version__

if TYPE_CHECKING:
    from senoscope.core.domain.exam import Exam, View
    from senoscope.core.domain.image import Image
    from senoscope.core.domain.prediction import ExamPrediction, Prediction
    from senoscope.core.errors import SenoscopeError
    from senoscope.core.io import read
    from senoscope.evidence.evaluation.evaluate import evaluate
    from senoscope.runtime.store import load_any as load

__all__ = [
    "Exam",
    "ExamPrediction",
    "Image",
    "Prediction",
    "SenoscopeError",
    "View",
    "__version__",
    "evaluate",
    "load",
    "read",
]

_HOMES = {
    "Exam": "senoscope.core.domain.exam",
    "ExamPrediction": "senoscope.core.domain.prediction",
    "Image": "senoscope.core.domain.image",
    "Prediction": "senoscope.core.domain.prediction",
    "SenoscopeError": "senoscope.core.errors",
    "View": "senoscope.core.domain.exam",
    "evaluate": "senoscope.evidence.evaluation.evaluate",
    "load": "senoscope.runtime.store:load_any",
    "read": "senoscope.core.io",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'senoscope' has no attribute {name!r}")
    module, _, there = _HOMES[name].partition(":")
    return getattr(import_module(module), there or name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
