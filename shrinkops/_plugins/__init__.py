"""Backends and the plugins that bring them: class, hooks, registry, status, targets."""
