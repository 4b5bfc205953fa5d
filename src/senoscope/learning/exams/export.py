"""An exam's network to a bundle's `model.onnx`, checked against torch before it is believed."""

import torch
from torch import Tensor, nn

from senoscope.learning.exams.network import ExamClassifier, Pictures, PicturesAndRecords, Records
from senoscope.learning.models.export import Stored, compare, written
from senoscope.runtime.session import PARTS, ExamSession


def export_exams(classifier: ExamClassifier, size: int, scale: float = 255.0, stored: Stored = "single") -> bytes:
    """Write the network as ONNX with any number of images, and run it against torch on noise.

    Args:
        classifier: in evaluation mode.
        size: side of the square input.
        scale: the number full scale has in the input.
        stored: precision of the weights in the file.

    Raises:
        BundleError: the exported network does not answer as torch does.
    """
    classifier.eval()
    random = torch.Generator().manual_seed(0)
    images = torch.rand(3, 3, size, size, generator=random) * scale
    records = torch.rand(3, classifier.head.packing.columns, generator=random)
    whole: nn.Module
    if classifier.backbone is None:
        whole, given = Records(classifier), {"metadata": records}
    elif classifier.head.records is None:
        whole, given = Pictures(classifier), {"image": images}
    else:
        whole, given = PicturesAndRecords(classifier), {"image": images, "metadata": records}
    content = written(whole, given, PARTS, most=64, stored=stored)
    for count in (1, min(2, classifier.head.packing.views)):
        _check(classifier, content, images[:count], records[:count], stored)
    return content


def _check(classifier: ExamClassifier, content: bytes, images: Tensor, records: Tensor, stored: Stored) -> None:
    with torch.inference_mode():
        maps = None if classifier.backbone is None else classifier.maps(images)
        expected = [value.numpy() for value in classifier.answer(maps, records)]
    session = ExamSession(content, classifier.head.packing.columns)
    found = session.run(None if classifier.backbone is None else images.numpy(), records.numpy())
    compare(PARTS, expected, [getattr(found, name) for name in PARTS], stored)
