"""python -m bitrix_pipeline.cli."""

from bitrix_pipeline.cli import main

main()
