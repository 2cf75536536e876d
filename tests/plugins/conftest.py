"""Distributions of their own live here; tests/packaging builds, installs and tests them."""

collect_ignore_glob = ["*"]
