"""What keeps other web sites out: headers on every answer, and no writing from foreign pages."""

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from senoscope.clinic.headers import HEADERS
from senoscope.clinic.problems import respond

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


class Guard:
    """ASGI layer: a page of another origin may neither read (no CORS, CORP) nor upload."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if scope["path"].startswith("/api/"):
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        if scope["method"] not in SAFE_METHODS and _is_foreign(Headers(scope=scope)):
            refusal = respond(403, "foreign_origin", "another web site may not use this service", "open its own page")
            await refusal(scope, receive, guarded)
            return
        await self._app(scope, receive, guarded)


def _is_foreign(headers: Headers) -> bool:
    """Whether a browser says that another site's page sent the request; programs other than browsers say nothing."""
    origin = headers.get("origin")
    if origin is not None:
        return urlsplit(origin).netloc != headers.get("host")
    return headers.get("sec-fetch-site", "none") not in ("same-origin", "none")
