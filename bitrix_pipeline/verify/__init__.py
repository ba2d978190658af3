"""The independent check: every row of the shop compared with its row in Postgres, value by value.

Deliberately naive: plain SELECTs on both sides, the rules of the data model in plain Python. It
shares no code with the sync, so a mistake there is not repeated here.
"""

from bitrix_pipeline.verify.source import SourceTableMissingError
from bitrix_pipeline.verify.verdict import Difference, Rules, Verdict
from bitrix_pipeline.verify.verification import verify

__all__ = ["Difference", "Rules", "SourceTableMissingError", "Verdict", "verify"]
