"""What every `report.json` says alike, whatever was measured."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from senoscope import __version__
from senoscope.evidence.report.checklists import Checklist
from senoscope.evidence.report.disclosed import AnyEvaluation
from senoscope.evidence.report.plain import plain_checklist


def plain_subject(evaluation: AnyEvaluation) -> dict[str, Any]:
    """What was measured, on which data, and how they were divided."""
    return {
        "senoscope": __version__,
        "title": evaluation.title,
        "research_use_only": True,
        "bundle": {"name": evaluation.bundle, "version": evaluation.version},
        "dataset": evaluation.dataset.model_dump(),
        "protocol": evaluation.protocol,
        "leaky": evaluation.leaky,
        "leak": evaluation.leak,
    }


def plain_bootstrap(evaluation: AnyEvaluation) -> dict[str, Any]:
    """How the intervals were drawn."""
    return {
        "level": 0.95,
        "replicates": evaluation.replicates,
        "resampled": evaluation.unit,
        "seed": evaluation.seed,
    }


def plain_remarks(evaluation: AnyEvaluation, checklists: Sequence[Checklist]) -> dict[str, Any]:
    """What must be said beside the figures."""
    return {
        "notes": list(evaluation.notes),
        "unread": [asdict(item) for item in evaluation.unread],
        "checklists": [plain_checklist(checklist) for checklist in checklists],
    }
