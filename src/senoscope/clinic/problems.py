"""Errors to HTTP: one table of status codes, one shape of body."""

import logging

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from senoscope.clinic.headers import HEADERS
from senoscope.clinic.schemas import Problem
from senoscope.core.errors import SenoscopeError

log = logging.getLogger(__name__)

STATUS = {
    "error": 500,
    "input": 422,
    "missing_file": 422,
    "unreadable_image": 422,
    "image_too_large": 413,
    "unsupported_image": 415,
    "not_dicom": 415,
    "burned_in": 422,
    "usage": 400,
    "recipe": 400,
    "bundle": 500,
    "dataset": 500,
    "no_ranking": 500,
    "weights": 500,
    "missing_extra": 501,
    "run": 500,
    "service": 503,
    "not_found": 404,
    "settings": 500,
}
"""HTTP status of every `SenoscopeError.code`."""

HINTS = {404: "the interface is described in /openapi.json", 405: "the interface is described in /openapi.json"}


def respond(status: int, code: str, message: str, hint: str = "") -> JSONResponse:
    """Make the answer to a request that failed."""
    return JSONResponse(Problem(code=code, message=message, hint=hint).model_dump(), status)


async def _senoscope(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, SenoscopeError)
    return respond(STATUS[error.code], error.code, error.message, error.hint)


async def _invalid(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return respond(422, "invalid_request", f"{where}: {first['msg']}", "the interface is described in /openapi.json")


async def _http(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    response = respond(error.status_code, "http", str(error.detail), HINTS.get(error.status_code, ""))
    response.headers.update(error.headers or {})
    return response


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    response = respond(500, "internal", "the service failed on this request", "its log says more; please report it")
    # This answer is made outside every middleware, so outside the guard too.
    response.headers.update(HEADERS)
    return response


def install(app: FastAPI) -> None:
    """Give the application its answers to errors."""
    app.add_exception_handler(SenoscopeError, _senoscope)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)
