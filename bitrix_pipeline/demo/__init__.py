"""The demo: a private shop, a private CRM, and a day in their life."""
