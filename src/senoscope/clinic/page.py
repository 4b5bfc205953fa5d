"""The browser app's built files."""

from pathlib import Path

from fastapi import APIRouter, FastAPI, Response
from fastapi.responses import FileResponse, HTMLResponse
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

STATIC = Path(__file__).parent / "static"
NOT_BUILT = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Senoscope: the page is not built</title>
<body><h1>The page is not built</h1>
<p>This is a checkout whose browser app has not been built yet. Run <code>make web</code> in it, then
load this page again.</p>
<p>The interface for programs works without it: <a href="/openapi.json">/openapi.json</a>. Research use only.</p>
"""


class _Assets(StaticFiles):
    """Files whose names carry a hash of their contents, so that browsers may keep them for good."""

    async def check_config(self) -> None:
        """Let a folder that is not built yet be a plain 404."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


def mount(app: FastAPI, static: Path = STATIC) -> None:
    """Serve the page at `/`; where it is not built, say how to build it."""
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    def index() -> Response:
        page = static / "index.html"
        if not page.is_file():
            return HTMLResponse(NOT_BUILT, 503)
        return FileResponse(page, headers={"Cache-Control": "no-cache"})

    @router.get("/icon.svg")
    def icon() -> Response:
        return FileResponse(static / "icon.svg") if (static / "icon.svg").is_file() else Response(status_code=404)

    app.include_router(router)
    app.mount("/assets", _Assets(directory=static / "assets", check_dir=False), "assets")
