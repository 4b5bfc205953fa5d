"""What the service may be told: by the environment (`SENOSCOPE_…`), by the command line, by a test."""

import ipaddress
import os
import socket
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from pydantic_settings import SettingsError as EnvironmentValueError

from senoscope.core.errors import SettingsError
from senoscope.core.io import SERVICE

MEGABYTE = 1_000_000
LARGEST_SLIDE = 64_000_000_000
"""Bytes; the largest slides of today's scanners, hardly compressed."""

WILDCARDS = ("0.0.0.0", "::")  # noqa: S104 - named in order to be refused


def default_home() -> Path:
    """Return the folder for records and pictures: `$XDG_DATA_HOME/senoscope`, else `~/.local/share/senoscope`."""
    base = os.environ.get("XDG_DATA_HOME")
    return (Path(base) if base else Path.home() / ".local" / "share") / "senoscope"


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Settings(BaseSettings):
    """Immutable settings of one service.

    There are no users yet, so whoever reaches the port reads every record: a host beyond loopback is refused unless
    `allow_remote` says that this is meant.

    Raises:
        SettingsError: the host reaches beyond this machine without `allow_remote`.
    """

    model_config = SettingsConfigDict(env_prefix="SENOSCOPE_", frozen=True, extra="forbid")

    home: Path = Field(default_factory=default_home, description="folder of the database and the pictures")
    host: Annotated[str, Field(description="address to listen on")] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    allow_remote: Annotated[bool, Field(description="listen beyond this machine, without users or passwords")] = False
    hosts: Annotated[tuple[str, ...], Field(description="further names under which the service is reached")] = ()
    max_file_bytes: Annotated[int, Field(gt=0, le=SERVICE.bytes)] = SERVICE.bytes
    max_slide_bytes: Annotated[int, Field(gt=0, le=LARGEST_SLIDE)] = 8_000_000_000
    max_files: Annotated[int, Field(ge=1, le=1000)] = 100
    max_attempts: Annotated[int, Field(ge=1)] = 3
    lease_seconds: Annotated[float, Field(gt=0)] = 300.0

    @model_validator(mode="after")
    def _stays_home(self) -> "Settings":
        if not self.allow_remote and not is_loopback(self.host):
            raise SettingsError(
                f"{self.host} can be reached from other machines, and the service has no users yet",
                "listen on 127.0.0.1, or pass --allow-remote if everyone who can reach it may read everything",
            )
        return self

    @property
    def allowed_hosts(self) -> list[str]:
        """Values of the `Host` header that are answered; others are DNS rebinding or a wrong address."""
        names = ["localhost", "127.0.0.1", "[::1]", self.host, *self.hosts]
        if self.host in WILDCARDS:
            return [*names, socket.gethostname()] if self.hosts else ["*"]
        return list(dict.fromkeys(names))


def settings(**given: Any) -> Settings:
    """Make settings from the environment and what the caller gives; `None` means not given.

    Raises:
        SettingsError: a value does not fit.
    """
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise SettingsError(f"{name}: {first['msg']}", f"check the option or SENOSCOPE_{name.upper()}") from error
    except EnvironmentValueError as error:
        raise SettingsError(
            f"the environment: {error}", 'SENOSCOPE_HOSTS is a JSON list, as in ["scans.example"]'
        ) from error
