"""The HTTP service that takes webhooks: authenticates, commits, answers. Nothing else."""
