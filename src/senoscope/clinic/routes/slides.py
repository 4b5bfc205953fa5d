"""Whole slides: tiles to look at, the map over them, and files to keep."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from fastapi.responses import FileResponse, JSONResponse
from sqlalchemy import Row

from senoscope.clinic.routes.pictures import KEEP, PNG
from senoscope.clinic.routes.responses import PROBLEMS, attachment
from senoscope.clinic.state import Clinic, Here
from senoscope.core.errors import NotFoundError
from senoscope.runtime.slides.writing import MAP, REGIONS

router = APIRouter(prefix="/api/v1/predictions/{prediction}/slide", tags=["slides"], responses=PROBLEMS)

JPEG: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}, "description": "A JPEG"}
}
TIFF: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/tiff": {"schema": {"type": "string", "format": "binary"}}}, "description": "An OME-TIFF"}
}
GEOJSON: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/geo+json": {"schema": {"type": "object"}}}, "description": "A GeoJSON"}
}
Place = Annotated[int, Path(ge=0, le=1_000_000)]


def _slide(here: Clinic, prediction: str) -> Row[Any]:
    row = here.records.get(prediction)
    if row.slide is None:
        raise NotFoundError(f"{row.filename} is no slide that is answered", f"its state is {row.state!r}")
    return row


@router.get("/tiles/{zoom}/{column}_{row}.jpeg", response_class=Response, responses=JPEG)
def get_tile(prediction: str, zoom: Place, column: Place, row: Place, here: Here) -> Response:
    """Return a deep-zoom tile; zoom 0 is one pixel, each further zoom twice as large."""
    found = _slide(here, prediction)
    content = here.slides.tile(found.digest, found.filename, zoom, column, row)
    return Response(content, media_type="image/jpeg", headers=KEEP)


@router.get("/map.png", response_class=Response, responses=PNG)
def get_map(prediction: str, here: Here) -> Response:
    """Return the probability map, transparent where there is none, to be laid over the slide."""
    row = _slide(here, prediction)
    content = here.slides.map(row.evidence, (row.slide["map_width"], row.slide["map_height"]))
    return Response(content, media_type="image/png", headers=KEEP)


@router.get("/probability.ome.tiff", response_class=FileResponse, responses=TIFF)
def download_map(prediction: str, here: Here) -> FileResponse:
    """Download the probability map as OME-TIFF: 0 is no answer, 1 + 254 p a probability p."""
    row = _slide(here, prediction)
    headers = attachment(row.filename, ".probability.ome.tiff")
    return FileResponse(here.slides.file(row.evidence, MAP), media_type="image/tiff", headers=headers)


@router.get("/regions.geojson", response_class=FileResponse, responses=GEOJSON)
def download_regions(prediction: str, here: Here) -> FileResponse:
    """Download regions at or above the threshold, and hot spots, in pixels of the slide, as QuPath takes them."""
    row = _slide(here, prediction)
    headers = attachment(row.filename, ".regions.geojson")
    return FileResponse(here.slides.file(row.evidence, REGIONS), media_type="application/geo+json", headers=headers)


@router.get("/summary.json", response_class=JSONResponse)
def download_summary(prediction: str, here: Here) -> JSONResponse:
    """Download what the slide comes to: areas, fraction, tiles by what became of them, hot spots."""
    row = _slide(here, prediction)
    content = here.slides.summary(row.evidence, row.filename)
    return JSONResponse(content, headers=attachment(row.filename, ".summary.json"))
