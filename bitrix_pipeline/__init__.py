"""Keeps a 1C-Bitrix web shop (MySQL) and a CRM on Postgres in step, orchestrated by Dagster."""
