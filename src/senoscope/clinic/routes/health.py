"""Whether the service works."""

from fastapi import APIRouter

import senoscope
from senoscope.clinic.routes.responses import PROBLEMS
from senoscope.clinic.schemas import HealthView
from senoscope.clinic.state import Here

router = APIRouter(tags=["health"], responses=PROBLEMS)


@router.get("/healthz")
def get_health(here: Here) -> HealthView:
    """Say that the service works, after asking the database."""
    bundles = [manifest.name for manifest in here.catalogue.manifests()]
    return HealthView(status="ok", version=senoscope.__version__, waiting=here.records.waiting(), bundles=bundles)
