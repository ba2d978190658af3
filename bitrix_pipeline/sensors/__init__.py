"""What watches.

Here belong cheap looks that may start a run or register a partition; a sensor only reads, because
the UI's preview executes it.
https://docs.dagster.io/guides/automate/sensors
"""

from bitrix_pipeline.sensors.carry_on import carry_on
from bitrix_pipeline.sensors.drain_inbox import drain_inbox
from bitrix_pipeline.sensors.id_ranges import id_ranges

SENSORS = [id_ranges, carry_on, drain_inbox]

__all__ = ["SENSORS", "carry_on", "drain_inbox", "id_ranges"]
