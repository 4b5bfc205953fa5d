"""Reporting checklists, filled from what a run knows of itself; the rest says "not provided".

Numbers are the checklists' own, the wordings ours. CLAIM 2024: Tejani et al., Radiology: Artificial Intelligence 2024,
doi:10.1148/ryai.240300, 44 items. TRIPOD+AI: Collins et al., BMJ 2024, doi:10.1136/bmj-2023-078378, 27 items, 52 with
their parts.
"""

from collections.abc import Mapping
from dataclasses import dataclass

NOT_PROVIDED = "not provided"


@dataclass(frozen=True)
class Item:
    """One line of a filled checklist.

    Args:
        number: as the checklist counts.
        section: heading it stands under.
        asks: what it asks for, in short.
        answer: what the run knows; "" where it does not.
    """

    number: str
    section: str
    asks: str
    answer: str

    @property
    def shown(self) -> str:
        """The answer, or that there is none."""
        return self.answer or NOT_PROVIDED


@dataclass(frozen=True)
class Checklist:
    """A filled checklist with its source."""

    name: str
    source: str
    items: tuple[Item, ...]

    @property
    def provided(self) -> int:
        """Number of items that the run could answer."""
        return sum(bool(item.answer) for item in self.items)


Asked = tuple[tuple[str, str, str, str], ...]
"""Number, section, what is asked, and the name of the known thing that answers it; "" where a run cannot know."""

CLAIM: Asked = (
    ("1", "Title", "Names itself a study of AI, and the kind of AI", "technology"),
    ("2", "Abstract", "Design, methods, results and conclusions in brief", ""),
    ("3", "Introduction", "Background, intended use and role", "use"),
    ("4", "Introduction", "Aims and hypotheses", ""),
    ("5", "Study design", "Looking forward or back in time", "design"),
    ("6", "Study design", "What kind of study it is", "goal"),
    ("7", "Data", "Where the data come from", "source"),
    ("8", "Data", "Who was let in and who was not", "left_out"),
    ("9", "Data", "Preparation of the images", "preparation"),
    ("10", "Data", "Choice of a part of the data", "subset"),
    ("11", "Data", "De-identification", ""),
    ("12", "Data", "What was done about missing data", "missing"),
    ("13", "Data", "How the images were taken", "acquisition"),
    ("14", "Reference standard", "How the truth was established", ""),
    ("15", "Reference standard", "Why in that way", ""),
    ("16", "Reference standard", "Who annotated", ""),
    ("17", "Reference standard", "How the test set was annotated", ""),
    ("18", "Reference standard", "Agreement among and within annotators", ""),
    ("19", "Data partitions", "How samples came into their parts", "partitions"),
    ("20", "Data partitions", "Level at which parts share nothing", "disjoint"),
    ("21", "Testing data", "Size of the test set and its reason", "size"),
    ("22", "Model", "Inputs, outputs and inner build", "model"),
    ("23", "Model", "Software and versions", "software"),
    ("24", "Model", "Starting values of the parameters", "start"),
    ("25", "Training", "How it was trained", "training"),
    ("26", "Training", "How the final model was picked", "selection"),
    ("27", "Training", "Joining of several models", "ensemble"),
    ("28", "Evaluation", "Measures of performance", "measures"),
    ("29", "Evaluation", "Measures of uncertainty", "uncertainty"),
    ("30", "Evaluation", "Robustness and sensitivity", "robustness"),
    ("31", "Evaluation", "Explanations of answers, and whether they were checked", "explanation"),
    ("32", "Evaluation", "Test on data of the training's source", "internal"),
    ("33", "Evaluation", "Test on data of another source", "external"),
    ("34", "Evaluation", "Registration as a clinical trial", ""),
    ("35", "Results: data", "Numbers let in and left out", "numbers"),
    ("36", "Results: data", "Who the patients of each part are", "characteristics"),
    ("37", "Results: performance", "Performance with its uncertainty", "performance"),
    ("38", "Results: performance", "Diagnostic accuracy with its precision", "accuracy"),
    ("39", "Results: performance", "Analysis of wrong answers", "failures"),
    ("40", "Discussion", "Limits of the study", "limits"),
    ("41", "Discussion", "What it means for practice", "practice"),
    ("42", "Other", "Where the protocol or more technical detail is", "detail"),
    ("43", "Other", "Where software, model and data are to be had", "availability"),
    ("44", "Other", "Funding and the funders' part", ""),
)

TRIPOD: Asked = (
    ("1", "Title", "Names itself a prediction model's development or evaluation, for whom and of what", "evaluated"),
    ("2", "Abstract", "Summary after TRIPOD+AI for Abstracts", ""),
    ("3a", "Background", "Health-care setting, reasons, earlier models", ""),
    ("3b", "Background", "For whom, for what and by whom it is used", "use"),
    ("3c", "Background", "Known health inequalities", ""),
    ("4", "Objectives", "Development, evaluation or both", "goal"),
    ("5a", "Data", "Sources of the data, why these, whom they represent", "source"),
    ("5b", "Data", "Dates of collection", "dates"),
    ("6a", "Participants", "Setting, number and place of centres", "centres"),
    ("6b", "Participants", "Who was let in and who was not", "left_out"),
    ("6c", "Participants", "Treatments", ""),
    ("7", "Data preparation", "Preparation and checks of quality", "preparation"),
    ("8a", "Outcome", "What is predicted, how and when it was established", "outcome"),
    ("8b", "Outcome", "Who judged the outcome", ""),
    ("8c", "Outcome", "Blinding of those who judged the outcome", ""),
    ("9a", "Predictors", "Choice of predictors before the model was built", "predictors"),
    ("9b", "Predictors", "Each predictor, and how it was measured", "predictors"),
    ("9c", "Predictors", "Who judged predictors that need judgement", "judged"),
    ("10", "Sample size", "How the size was arrived at", "size"),
    ("11", "Missing data", "What was done about missing data", "missing"),
    ("12a", "Analysis", "How the data were used and divided", "partitions"),
    ("12b", "Analysis", "How predictors entered the model", "scaling"),
    ("12c", "Analysis", "Kind of model, how it was built and tuned", "training"),
    ("12d", "Analysis", "Differences among centres and other clusters: how they were handled", "clusters"),
    ("12e", "Analysis", "Measures and plots of performance", "measures"),
    ("12f", "Analysis", "Updating of the model", "updating"),
    ("12g", "Analysis", "How predictions were calculated", "calculation"),
    ("13", "Class imbalance", "What was done about rare classes", "imbalance"),
    ("14", "Fairness", "What was done for fairness", "fairness"),
    ("15", "Model output", "What the model puts out, and how thresholds were found", "output"),
    ("16", "Training versus evaluation", "Differences between the two sets of data", "differences"),
    ("17", "Ethical approval", "Ethics committee and consent", ""),
    ("18a", "Open science", "Funding", ""),
    ("18b", "Open science", "Conflicts of interest", ""),
    ("18c", "Open science", "Protocol", ""),
    ("18d", "Open science", "Registration", ""),
    ("18e", "Open science", "Availability of the data", "data_available"),
    ("18f", "Open science", "Availability of the code", "code_available"),
    ("19", "Patient and public involvement", "Part that patients and public had", ""),
    ("20a", "Results: participants", "Flow of participants, with and without the outcome", "numbers"),
    ("20b", "Results: participants", "Characteristics of participants", "characteristics"),
    ("20c", "Results: participants", "Comparison with the data of the development", "against_training"),
    ("21", "Results: model development", "Participants and outcomes in each analysis", "analyses"),
    ("22", "Results: model specification", "The whole model, so that others can use it", "specification"),
    ("23a", "Results: performance", "Performance with intervals, also in subgroups", "performance"),
    ("23b", "Results: performance", "Differences of performance among clusters", "cluster_results"),
    ("24", "Results: model updating", "Results of updating", "updating_results"),
    ("25", "Discussion", "Interpretation, fairness included", ""),
    ("26", "Discussion", "Limits of the study", "limits"),
    ("27a", "Discussion", "What to do about poor or missing input", "poor_input"),
    ("27b", "Discussion", "What users have to do and to know", ""),
    ("27c", "Discussion", "Next steps for research", ""),
)

CHECKLISTS = (
    ("CLAIM 2024", "Tejani et al., Radiology: Artificial Intelligence 2024, doi:10.1148/ryai.240300", CLAIM),
    ("TRIPOD+AI", "Collins et al., BMJ 2024, doi:10.1136/bmj-2023-078378", TRIPOD),
)


def fill(known: Mapping[str, str]) -> tuple[Checklist, ...]:
    """Fill both checklists.

    Args:
        known: what the run knows, by the names in `CLAIM` and `TRIPOD`; what is absent or "" is "not provided".
    """
    return tuple(
        Checklist(
            name,
            source,
            tuple(Item(number, section, asks, known.get(key, "")) for number, section, asks, key in asked),
        )
        for name, source, asked in CHECKLISTS
    )
