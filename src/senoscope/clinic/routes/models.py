"""The bundles that answer."""

from fastapi import APIRouter

from senoscope.clinic.routes.responses import PROBLEMS
from senoscope.clinic.schemas import ModelCardView, ModelView
from senoscope.clinic.state import Here
from senoscope.core.tasks import TASKS
from senoscope.runtime.store import Manifest

router = APIRouter(prefix="/api/v1/models", tags=["models"], responses=PROBLEMS)


def _view(manifest: Manifest) -> ModelView:
    shown = manifest.model_dump(include=set(ModelView.model_fields))
    return ModelView.model_validate({**shown, "title": TASKS.get(manifest.task).title})


@router.get("")
def list_models(here: Here) -> list[ModelView]:
    """List the bundles that answer here."""
    return [_view(manifest) for manifest in here.catalogue.manifests()]


@router.get("/{name}")
def get_model(name: str, here: Here) -> ModelCardView:
    """Return one bundle with its card."""
    view = _view(here.catalogue.manifest(name))
    return ModelCardView(**view.model_dump(), card=here.catalogue.card(name))
