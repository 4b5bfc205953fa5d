"""Bundle and image to prediction, without torch."""

from senoscope.runtime.predictor import Failure, Model
from senoscope.runtime.store import load

__all__ = ["Failure", "Model", "load"]
