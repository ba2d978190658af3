"""Examines both databases, the REST webhook and the settings, and says what to do about each finding."""

from bitrix_pipeline.doctor.examination import examine
from bitrix_pipeline.doctor.finding import Finding, Level

__all__ = ["Finding", "Level", "examine"]
