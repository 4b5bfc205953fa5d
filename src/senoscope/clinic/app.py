"""The service put together: its routes, its page, its guards."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext

from fastapi import FastAPI
from starlette.middleware.trustedhost import TrustedHostMiddleware

import senoscope
from senoscope.clinic import page, problems
from senoscope.clinic.guard import Guard
from senoscope.clinic.routes import events, health, models, pictures, predictions, slides
from senoscope.clinic.settings import Settings
from senoscope.clinic.state import Clinic, open_clinic

DESCRIPTION = """Breast-imaging AI: an image goes in; a calibrated probability, its evidence and its doubts come out.

Research use only; not for diagnosis."""


def create_app(settings: Settings, clinic: Clinic | None = None) -> FastAPI:
    """Make the ASGI application.

    Args:
        settings: of the service.
        clinic: its parts, where the caller has opened them and will close them. Else the application's lifespan does,
            and raises `SettingsError` where the home cannot be used. Nothing is opened before.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with open_clinic(settings) if clinic is None else nullcontext(clinic) as opened:
            app.state.clinic = opened
            yield

    app = FastAPI(
        title="Senoscope",
        version=senoscope.__version__,
        description=DESCRIPTION,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        generate_unique_id_function=lambda route: route.name,
    )
    problems.install(app)
    for router in (predictions.router, events.router, pictures.router, slides.router, models.router, health.router):
        app.include_router(router)
    page.mount(app)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=settings.allowed_hosts, www_redirect=False)
    app.add_middleware(Guard)
    return app
