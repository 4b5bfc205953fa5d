"""Uploads and their answers."""

import time
import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from senoscope.clinic.catalogue import Question
from senoscope.clinic.images import is_tiff
from senoscope.clinic.jobs import problem
from senoscope.clinic.routes.responses import PROBLEMS, attachment
from senoscope.clinic.schemas import Answer, PredictionView
from senoscope.clinic.state import Clinic, Here
from senoscope.clinic.uploads import Form, ReceivedFile, receive
from senoscope.core.errors import NotFoundError, SenoscopeError

router = APIRouter(prefix="/api/v1/predictions", tags=["predictions"], responses=PROBLEMS)

FORM_SCHEMA = {
    "type": "object",
    "required": ["files"],
    "properties": {
        "files": {
            "type": "array",
            "items": {"type": "string", "format": "binary"},
            "description": "one or several pictures, or slides as TIFF; behind the other fields",
        },
        "task": {
            "type": "string",
            "description": "the question, where several could be meant",
            "example": "ultrasound",
        },
        "bundle": {"type": "string", "description": "the bundle to answer with; else the task's own"},
        "operating_point": {"type": "string", "description": "the threshold to call labels at; else the bundle's own"},
    },
}
REQUEST_BODY = {"required": True, "content": {"multipart/form-data": {"schema": FORM_SCHEMA}}}


@router.post("", status_code=202, response_model_exclude_unset=True, openapi_extra={"requestBody": REQUEST_BODY})
async def create_predictions(request: Request, here: Here) -> list[PredictionView]:
    """Hand pictures over.

    When this answers, every accepted file is safe on the disk and will be answered even if the service is killed. A
    file that cannot be taken (too large, empty) comes back with state `failed` and its error; the others go on.
    """
    form = await receive(
        request,
        here.images,
        here.settings,
        check=lambda fields: _question(here, fields),
        limit=lambda fields: _limit(here, fields),
    )
    return await run_in_threadpool(_accept, here, form)


def _question(here: Clinic, fields: dict[str, str]) -> Question:
    return here.catalogue.ask(fields.get("task", ""), fields.get("bundle", ""), fields.get("operating_point", ""))


def _limit(here: Clinic, fields: dict[str, str]) -> int:
    """Bytes a file may have: many where the fields before it ask a bundle that may be asked about slides."""
    try:
        tiles = here.catalogue.asks_tiles(_question(here, fields).bundle)
    except SenoscopeError:  # is said once the form is whole
        tiles = False
    return here.settings.max_slide_bytes if tiles else here.settings.max_file_bytes


def _accept(here: Clinic, form: Form) -> list[PredictionView]:
    question = _question(here, form.fields)
    rows = [_row(file, question) for file in form.files]
    tiles = here.catalogue.asks_tiles(question.bundle)
    slides = [row["id"] for row in rows if tiles and row["digest"] and is_tiff(here.images.path(row["digest"]))]
    here.queue.submit(rows, slides)
    for worker in here.workers:
        worker.wake()
    ids = [row["id"] for row in rows]
    for prediction in ids:
        here.changes.publish(prediction)
    return here.records.views(ids)


def _row(file: ReceivedFile, question: Question) -> dict[str, Any]:
    now = time.time()
    refused = file.error is not None
    return {
        "id": uuid.uuid4().hex,
        "filename": file.filename,
        "digest": file.digest,
        "bytes": file.bytes,
        "task": question.task,
        "bundle": question.bundle,
        "operating_point": question.operating_point,
        "state": "failed" if refused else "queued",
        "progress": 1.0 if refused else 0.0,
        "created": now,
        "finished": now if refused else None,
        "error": None if file.error is None else problem(file.error),
    }


@router.get("", response_model_exclude_unset=True)
def list_predictions(here: Here, limit: Annotated[int, Query(ge=1, le=500)] = 50) -> list[PredictionView]:
    """List the newest predictions, newest first."""
    return here.records.newest(limit)


@router.get("/{prediction}", response_model_exclude_unset=True)
def get_prediction(prediction: str, here: Here) -> PredictionView:
    """Return one prediction: how far it is, and its answer or its error."""
    return here.records.view(prediction)


@router.get("/{prediction}/result.json", response_model=Answer)
def download_result(prediction: str, here: Here) -> JSONResponse:
    """Download an answer as JSON."""
    row = here.records.get(prediction)
    if row.result is None:
        said = f"its state is {row.state!r}" if row.slide is None else "it is a slide: see slide/summary.json"
        raise NotFoundError(f"{row.filename} has no answer", said)
    return JSONResponse(row.result, headers=attachment(row.filename, ".json"))
