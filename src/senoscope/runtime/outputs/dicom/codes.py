"""What tasks, labels and figures are called in coded terms; where no standard term says the same, in our own.

Standard terms are of DICOM (PS3.16 Annex D), SNOMED CT and UCUM as PS3.16 uses them. None is stretched: `sick` and
`abnormal` have no code that means no more than they do, and so keep their own.
"""

from pydicom.sr.coding import Code

from senoscope.core.domain.prediction import Answer
from senoscope.core.tasks import TASKS

OWN = "99SENOSCOPE"
"""Designator of our own coding scheme; the codes are the words of `docs/reference/dicom-conformance.md`."""
OWN_NAME = "Senoscope labels, doubts and figures"

LABELS = {
    "malignant": Code("21594007", "SCT", "Malignant"),
    "benign": Code("30807003", "SCT", "Benign"),
    "normal": Code("17621005", "SCT", "Normal"),
    "lesion": Code("52988006", "SCT", "Lesion"),
    "tumor": Code("108369006", "SCT", "Neoplasm"),
    "fat": Code("55603005", "SCT", "Fat"),
    "blood": Code("87612001", "SCT", "Blood"),
    "blood_vessel": Code("59820001", "SCT", "Blood Vessel"),
    "nerve": Code("91728009", "SCT", "Nerve"),
}
"""Labels that a standard term says (PS3.16 CID 6063 and 7151)."""

CANCER = frozenset({"malignant", "cancer", "invasive", "idc_positive", "tumor"})
"""Labels whose probability is one of cancer."""

PROBABILITY_OF_CANCER = Code("111047", "DCM", "Probability of cancer")
PROBABILITY = Code("probability", OWN, "Probability")
WITHHELD = Code("withheld", OWN, "Probability of an answer that is withheld")
SCORE = Code("score", OWN, "Probability that the region is such a lesion")
PREVALENCE = Code("prevalence", OWN, "Prevalence that probabilities are calibrated to")
THRESHOLD = Code("threshold", OWN, "Probability from which the label is called")
PERCENTILE = Code("percentile", OWN, "Reference images that are less unusual")
DISTANCE = Code("distance", OWN, "Unusualness by the limit")
PIXELS = Code("pixels", OWN, "Pixels of the region")
POINT = Code("point", OWN, "Operating point")
TASK = Code("task", OWN, "Task")
WARNING = Code("warning", OWN, "Doubt about the answer")
ABSTENTION = Code("abstention", OWN, "Why the answer is withheld")
LABEL = Code("label", OWN, "Label")
POSITIVE = Code("positive", OWN, "Label that the question is about")
NOTICE = Code("notice", OWN, "Notice")
EVIDENCE = Code("evidence", OWN, "Evidence, relative to its own peak")

FINDING = Code("121071", "DCM", "Finding")
COMMENT = Code("121106", "DCM", "Comment")
UNITLESS = Code("1", "UCUM", "no units")
PERCENT = Code("%", "UCUM", "Percent")
BREAST = Code("76752008", "SCT", "Breast")
SIDES = {"L": Code("80248007", "SCT", "Left breast"), "R": Code("73056007", "SCT", "Right breast")}
ABNORMAL = Code("49755003", "SCT", "Morphologically Abnormal Structure")
TISSUE = Code("85756007", "SCT", "Tissue")
SPATIAL = Code("309825002", "SCT", "Spatial and Relational Concept")
ARTIFICIAL_INTELLIGENCE = Code("123110", "DCM", "Artificial Intelligence")

PROCEDURES = {
    "mammography": Code("71651007", "SCT", "Mammography"),
    "ultrasound": Code("47079000", "SCT", "Ultrasonography of breast"),
    "MRI": Code("241615005", "SCT", "MRI of breast"),
    "histopathology": Code("252416005", "SCT", "Histopathology"),
}
OTHER_PROCEDURE = Code("363679005", "SCT", "Imaging procedure")


def label_code(label: str) -> Code:
    """What a label is called: by a standard term where one says the same, else by the label itself."""
    return LABELS.get(label) or Code(label, OWN, label.replace("_", " "))


def label_of(code: Code) -> str:
    """The label that `label_code` gave this code."""
    if code.scheme_designator == OWN:
        return str(code.value)
    return next((label for label, known in LABELS.items() if known.value == code.value), str(code.meaning))


def procedure_of(answer: Answer) -> Code:
    """The imaging procedure that a task is asked about."""
    return PROCEDURES.get(TASKS.get(answer.task).modality, OTHER_PROCEDURE)


def probability_code(answer: Answer, label: str) -> Code:
    """What the probability of a label is called; that of a withheld answer by no name that others count."""
    if answer.abstained:
        return WITHHELD
    return PROBABILITY_OF_CANCER if label in CANCER else PROBABILITY


def category_of(label: str) -> Code:
    """What kind of thing a marked region of this label is."""
    return ABNORMAL if label in CANCER or label == "lesion" else TISSUE
