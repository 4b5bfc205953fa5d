"""Progress as server-sent events."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from senoscope.clinic.changes import Changes
from senoscope.clinic.routes.responses import PROBLEMS
from senoscope.clinic.schemas import PredictionView
from senoscope.clinic.state import Here

router = APIRouter(prefix="/api/v1", tags=["events"], responses=PROBLEMS)

HEARTBEAT_SECONDS = 15.0
ENDS = ("done", "failed")
STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
        "description": "events named `prediction`, each a Prediction as JSON",
    }
}

Views = Callable[[Sequence[str]], list[PredictionView]]


def _event(view: PredictionView) -> str:
    return f"event: prediction\ndata: {view.model_dump_json(exclude_unset=True)}\n\n"


async def _follow(changes: Changes, views: Views, only: str | None) -> AsyncIterator[str]:
    """Tell of changes; of one prediction: how it is now, then every change until it ends."""
    subscription = changes.subscribe()
    try:
        yield ": listening\n\n"
        if only is not None:
            view = (await run_in_threadpool(views, [only]))[0]
            yield _event(view)
            if view.state in ENDS:
                return
        async for ids in subscription.batches(HEARTBEAT_SECONDS):
            wanted = ids if only is None else [prediction for prediction in ids if prediction == only]
            for view in await run_in_threadpool(views, wanted) if wanted else []:
                yield _event(view)
                if only is not None and view.state in ENDS:
                    return
            if not ids:
                yield ": still here\n\n"
    finally:
        changes.unsubscribe(subscription)


def _stream(events: AsyncIterator[str]) -> StreamingResponse:
    return StreamingResponse(events, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


@router.get("/predictions/{prediction}/events", response_class=StreamingResponse, responses=STREAM)
async def follow_prediction(prediction: str, here: Here) -> StreamingResponse:
    """Follow one prediction until it is done or failed."""
    await run_in_threadpool(here.records.view, prediction)
    return _stream(_follow(here.changes, here.records.views, prediction))


@router.get("/events", response_class=StreamingResponse, responses=STREAM)
async def follow_all(request: Request, here: Here) -> StreamingResponse:
    """Follow every prediction, in one stream: browsers allow only six at a time."""
    return _stream(_follow(here.changes, here.records.views, None))
