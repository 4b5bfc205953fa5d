"""Pictures of a prediction."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from sqlalchemy import Row

from senoscope.clinic.pictures import Evidence
from senoscope.clinic.routes.responses import PROBLEMS, attachment
from senoscope.clinic.schemas import ContourView
from senoscope.clinic.state import Here
from senoscope.core.errors import NotFoundError

router = APIRouter(prefix="/api/v1/predictions/{prediction}", tags=["pictures"], responses=PROBLEMS)

PNG: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/png": {"schema": {"type": "string", "format": "binary"}}}, "description": "A PNG"}
}
KEEP = {"Cache-Control": "private, max-age=86400, immutable"}
Side = Annotated[int | None, Query(ge=16, le=16384, description="longer side at most, pixels; full size if left out")]


def _evidence(row: Row[Any]) -> dict[str, Any]:
    if row.slide is not None:
        raise NotFoundError(f"{row.filename} is a slide", "see slide/map.png")
    if row.evidence is None:
        raise NotFoundError(f"{row.filename} has no answer, so there is no evidence", f"its state is {row.state!r}")
    evidence: dict[str, Any] = row.evidence
    return evidence


@router.get("/image.png", response_class=Response, responses=PNG)
def get_image(prediction: str, here: Here, side: Side = None) -> Response:
    """Return the upload as an 8-bit PNG."""
    row = here.records.get(prediction)
    if not row.digest:
        raise NotFoundError(f"{row.filename} was not stored", "see its error")
    return Response(here.pictures.display(row.digest, side), media_type="image/png", headers=KEEP)


@router.get("/heat.png", response_class=Response, responses=PNG)
def get_heat(prediction: str, here: Here, side: Side = None) -> Response:
    """Return the evidence alone, transparent where there is none, to be laid over the image."""
    row = here.records.get(prediction)
    return Response(here.pictures.heat(_evidence(row), side), media_type="image/png", headers=KEEP)


@router.get("/outlines.json")
def get_outlines(prediction: str, here: Here, response: Response) -> list[ContourView]:
    """Return the outlines of what is marked; none where nothing is, and where the bundle does not mark."""
    row = here.records.get(prediction)
    response.headers.update(KEEP)
    return Evidence.model_validate(_evidence(row)).contours


@router.get("/overlay.png", response_class=Response, responses=PNG)
def download_overlay(prediction: str, here: Here, opacity: Annotated[float, Query(ge=0, le=1)] = 0.45) -> Response:
    """Download the upload with the evidence laid over it."""
    row = here.records.get(prediction)
    content = here.pictures.overlay(row.digest, _evidence(row), opacity)
    return Response(content, media_type="image/png", headers=attachment(row.filename, ".evidence.png"))
