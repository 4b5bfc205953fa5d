"""The service's tables: predictions, and the jobs that are still to be done for them."""

from typing import Any

from sqlalchemy import JSON, Float, ForeignKey, Index, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """Root of the tables."""


class PredictionRow(Base):
    """One uploaded file and the answer to it.

    Times are seconds since 1970 UTC. `digest` names the picture in the store and is empty where the file was refused.
    `evidence` is the heat map on the network's grid with its placements, from which every view of it is drawn; of a
    slide it names the folder of the results. `work` says how far a slide is, and `slide` what it comes to.
    """

    __tablename__ = "predictions"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(String(32), unique=True)
    filename: Mapped[str] = mapped_column(String(255))
    digest: Mapped[str] = mapped_column(String(64), default="", index=True)
    bytes: Mapped[int] = mapped_column(default=0)
    task: Mapped[str] = mapped_column(String(64))
    bundle: Mapped[str] = mapped_column(String(64))
    operating_point: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(16))
    progress: Mapped[float] = mapped_column(Float, default=0.0)
    created: Mapped[float] = mapped_column(Float)
    finished: Mapped[float | None] = mapped_column(Float, default=None)
    result: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), default=None)
    evidence: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), default=None)
    error: Mapped[dict[str, str] | None] = mapped_column(JSON(none_as_null=True), default=None)
    work: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), default=None)
    slide: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), default=None)


class JobRow(Base):
    """Work that is still to be done; the row goes in the transaction that writes the result.

    A worker that takes it leaves its name and the time until which nobody else may, and counts the attempt before it
    starts, so that a job that brings the process down is counted too.
    """

    __tablename__ = "jobs"
    __table_args__ = (Index("ix_jobs_leased_until", "leased_until", "number"),)

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    kind: Mapped[str] = mapped_column(String(32))
    subject: Mapped[str] = mapped_column(ForeignKey("predictions.id"), unique=True)
    attempts: Mapped[int] = mapped_column(default=0)
    leased_by: Mapped[str] = mapped_column(String(64), default="")
    leased_until: Mapped[float] = mapped_column(Float, default=0.0)
