"""What surrounds the code: workflows, citation, changelog, hooks, agree with the project."""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
GITHUB = ROOT / ".github"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))


def test_zizmor_finds_nothing():
    files = importlib.metadata.files("zizmor")
    (program,) = [f.locate() for f in files if f.name in ("zizmor", "zizmor.exe")]
    options = ["--offline", "--no-progress", "--persona=pedantic", str(GITHUB)]
    done = subprocess.run([program, *options], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda p: p.stem)
def test_workflows_run_what_exists(path):
    """Every extra, file and module that a step names is there."""
    workflow = yaml.safe_load(path.read_text("utf-8"))
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    commands = [step["run"] for step in steps if "run" in step]
    assert commands or path.stem == "publish"
    for command in commands:
        for extras in re.findall(r"\.\[([\w,]+)\]", command):
            assert set(extras.split(",")) <= set(PROJECT["project"]["optional-dependencies"])
        for name in re.findall(r"tests/[\w./]+", command):
            assert (ROOT / name).exists(), name


def test_one_address():
    urls = PROJECT["project"]["urls"]
    home = urls["Homepage"]
    assert urls["Issues"].startswith(home)
    citation = yaml.safe_load((GITHUB / "CITATION.cff").read_text("utf-8"))
    assert citation["repository-code"] == home
    assert citation["license"] == PROJECT["project"]["license"]
    recipe = (GITHUB / "conda" / "meta.yaml").read_text("utf-8")
    assert f"home: {home}\n" in recipe


def test_the_recipe_asks_for_what_the_project_asks_for():
    recipe = (GITHUB / "conda" / "meta.yaml").read_text("utf-8")
    for requirement in (
        *PROJECT["build-system"]["requires"],
        *PROJECT["project"]["dependencies"],
        f"python{PROJECT['project']['requires-python']}",
    ):
        name, bound = re.fullmatch(r"([\w-]+)(>=.*)", requirement).groups()
        assert f"- {name} {bound}\n" in recipe


def test_fragments_of_the_changelog_are_of_a_known_kind():
    kinds = {kind["directory"] for kind in PROJECT["tool"]["towncrier"]["type"]}
    fragments = list((ROOT / "docs" / "changelog.d").glob("*.md"))
    assert fragments
    assert {path.suffixes[0].lstrip(".") for path in fragments} <= kinds
