"""Benchmarks of this backend for airspeed velocity, all of them made by shrinkops."""

from shrinkops.benchmark import make_suite

globals().update(make_suite(["array_api_strict"]))
