"""Tables that are made from the code, as Markdown."""

from __future__ import annotations

import importlib
import json
import re
import zipfile
from pathlib import Path

import shrinkops
from shrinkops._target import find_target, operations

ROOT = Path(__file__).parents[2]

# Every environment variable that the sources read; a test finds those that are missing here.
ENVIRONMENT = {
    "SHRINKOPS_BLOCK": ("names of backends, with commas", "leaves these backends out"),
    "SHRINKOPS_DISABLE_PLUGIN_AUTOLOAD": (
        "`1`, or `0`, `false`, `no`, `off` for no",
        "reads no entry point, our own included; only what is registered by hand is there",
    ),
    "SHRINKOPS_PREFER": (
        "names of backends, with commas",
        "asks these first where several take a type; `shrinkops.prefer` says it in Python",
    ),
    "SHRINKOPS_NUMPY_KERNEL": (
        "`pure`, or an instruction set as `shrinkops backends` shows it",
        "makes the NumPy backends compute without the compiled kernel, or with that one",
    ),
    "SHRINKOPS_NUM_THREADS": (
        "a number",
        "on how many threads the NumPy kernels compute; `shrinkops.threads` says it in Python",
    ),
    "SHRINKOPS_BENCH_QUICK": (
        "`1`",
        "airspeed velocity's benchmarks run everything once, on small arrays",
    ),
}
_ELSEWHERE = {
    "NO_COLOR": ("anything", "no colours in the output of any command"),
    "COLUMNS": ("a number", "the width that tables are made for, where no terminal tells it"),
    "OMP_NUM_THREADS": ("a number", "`demo` sets it to 1 unless you did, so that all compare"),
}


def read_by_the_sources() -> set[str]:
    """Return the environment variables that the Python and C sources name."""
    found: set[str] = set()
    for folder in ("shrinkops", "backends", "asv_benchmarks"):
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in (".py", ".c"):
                text = path.read_text("utf-8")
                found |= set(re.findall(r"[\"'`](SHRINKOPS_[A-Z_]+)[\"'`]", text))
    return found


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def environment() -> str:
    """Return every environment variable that has an effect."""
    read = read_by_the_sources()
    ours = {name: row for name, row in ENVIRONMENT.items() if name in read}
    rows = [[f"`{name}`", *row] for name, row in [*ours.items(), *_ELSEWHERE.items()]]
    return _table(["variable", "value", "effect"], rows)


def _backends() -> dict[str, shrinkops.Backend]:
    return {row.name: find_target(row.name).backend for row in shrinkops.backends()}


def _dtype_order(name: str) -> tuple[int, int, str]:
    kinds = ("float", "bfloat", "longdouble", "complex", "int", "uint")
    kind = next((i for i, k in enumerate(kinds) if name.startswith(k)), len(kinds))
    digits = re.search(r"\d+", name)
    return (min(kind, 1) if kind < 3 else kind), int(digits[0]) if digits else 999, name


def dtypes() -> str:
    """Return which backend declares which element type."""
    found = _backends()
    names = sorted({name for b in found.values() for name in b.dtypes}, key=_dtype_order)
    rows = [[f"`{n}`", *("✓" if n in b.dtypes else "" for b in found.values())] for n in names]
    return _table(["dtype", *found], rows)


def features() -> str:
    """Return which backend declares which capability."""
    found = _backends()
    names = sorted({name for b in found.values() for name in b.features})
    rows = [[f"`{n}`", *("✓" if n in b.features else "" for b in found.values())] for n in names]
    return _table(["capability", *found], rows)


def kinds() -> str:
    """Return which operation is defined for which kinds of element types."""
    rows = [
        [
            f"[{o.name}](/operations/{o.name}.md)",
            ", ".join(f"`{p.name}={p.default}`" for p in o.parameters),
            *("✓" if kind in o.kinds else "" for kind in ("float", "integer", "complex")),
            {"exact": "bit for bit", "rounded": "one rounding"}.get(
                str(o.accuracy), f"within {o.accuracy} ulp of the exact value"
            ),
        ]
        for o in operations().values()
    ]
    head = ["operation", "parameters", "floats", "integers", "complex", "outside the band"]
    return _table(head, rows)


def changelog() -> str:
    """Return what is not released yet, from the fragments."""
    kinds: dict[str, list[str]] = {"added": [], "changed": [], "fixed": [], "removed": []}
    for path in sorted((ROOT / "docs" / "changelog.d").glob("*.md")):
        kinds[path.suffixes[0].lstrip(".")].append("- " + path.read_text("utf-8").strip())
    parts = [f"**{kind.capitalize()}**\n\n" + "\n".join(x) for kind, x in kinds.items() if x]
    return "\n\n".join(parts)


# Pages


def more_pages(docs: Path) -> str:
    """Return the pages at the top of docs that no other page lists."""
    listed = set()
    for page in docs.rglob("*.md"):
        if "_generated" not in page.parts:
            for block in re.findall(r"```\{toctree\}(.*?)```", page.read_text("utf-8"), re.DOTALL):
                entries = (line.strip().rpartition("<")[2] for line in block.splitlines())
                listed |= {entry.rstrip(">").lstrip("/") for entry in entries}
    top = sorted(p.stem for p in docs.glob("*.md") if p.stem != "index")
    return "\n".join(f"/{name}" for name in top if name not in listed)


def _sections(text: str) -> list[tuple[str, str, str]]:
    """Return operation, library and text of every section about a library."""
    found = []
    for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        operation = part.splitlines()[0].strip()
        for section in re.split(r"^### ", part, flags=re.MULTILINE)[1:]:
            library, _, rest = section.partition("\n")
            found.append((operation, library.strip(), rest.strip()))
    return found


def _slug(library: str) -> str:
    return re.sub(r"\W+", "-", library.lower()).strip("-")


def write_deviations(page: Path, folder: Path) -> None:
    """Write a page per library from the page that the kit makes."""
    folder.mkdir(exist_ok=True)
    pages: dict[str, list[str]] = {}
    for operation, library, text in _sections(page.read_text("utf-8")):
        pages.setdefault(library, []).append(f"## {operation}\n\n{text}\n")
    for old in folder.glob("*.md"):
        old.unlink()
    for library, parts in pages.items():
        head = (
            f"# {library}\n\nWhere {library} departs from the specification, by the conformance "
            f"kit: the first failure of each check, and the element types that fail. The summary "
            f"of all libraries: [What people use today](/deviations.md).\n\n"
        )
        body = re.sub(r"\]\(spec/", "](/spec/", "\n".join(parts))
        body = re.sub(r"\b(([A-Z]{2})-[A-Z]{3}-\d+)(/[\w-]+)", _clause, body)
        (folder / f"{_slug(library)}.md").write_text(head + body, "utf-8")


def _clause(match: re.Match[str]) -> str:
    return f"[{match[1]}](#{match[1].lower()}){match[3]}"


def deviations_summary(text: str) -> str:
    """Return the page without what stands on the pages of the libraries, which it lists."""
    kept = re.sub(r"^### .*?(?=^## |\Z)", "", text, flags=re.MULTILINE | re.DOTALL)
    libraries = dict.fromkeys(library for _, library, _ in _sections(text))
    names = "\n".join(f"/_generated/deviations/{_slug(library)}" for library in libraries)
    return f"{kept}\n## By library\n\n```{{toctree}}\n:maxdepth: 1\n\n{names}\n```\n"


def statuses() -> str:
    """Return the exit statuses of every command, from their one definition."""
    from shrinkops._commands.status import Exit

    text = re.sub(r"\s+", " ", (Exit.__doc__ or "").split("----------")[1])
    names = [status.name for status in Exit]
    parts = re.split(rf"\b({'|'.join(names)})\b", text)[1:]
    said = dict(zip(parts[::2], parts[1::2], strict=True))
    rows = [[str(int(status)), said[status.name].strip()] for status in Exit]
    return _table(["status", "meaning"], rows)


_STRIP = ("np.where", "PyWavelets", "torch", "jax", "Keras", "ONNX Runtime")
_CORNERS = (
    "x equal to λ", "NaN in x", "zeroed negative", "float32 1e-40, λ = 0",
    "16 bits, λ rounded once", "float32, a np.float64 as λ", "masks and subclasses",
)  # fmt: skip


def strip() -> str:
    """Return how libraries fill some corners, from the page that the kit makes."""
    lines = (ROOT / "docs" / "deviations.md").read_text("utf-8").splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("| corner |"))
    cells = [[c.strip() for c in line.strip("|").split("|")] for line in lines[start:]]
    head = cells[0]
    columns = [head.index(name) for name in _STRIP]
    rows = {row[0]: row for row in cells[2:] if row[0] in _CORNERS}
    return _table(
        ["corner", "shrinkops", *_STRIP],
        [[name, "✓", *(rows[name][i] for i in columns)] for name in _CORNERS if name in rows],
    )


def demo_picture() -> str:
    """Return the picture that the demo made at the beginning of the build."""
    return (
        "```{image} /_generated/demo.png\n:alt: The electrocardiogram noisy, denoised and clean, "
        "a photograph, and the curve of hardshrink.\n```"
    )


def rest(module: str) -> str:
    """Return the entries of public names that the module's page does not list itself."""
    page = (ROOT / "docs" / "reference" / f"{module.rpartition('.')[2]}.md").read_text("utf-8")
    listed = set(re.findall(r"^\.\. \w+:: (\w+)", page, re.MULTILINE))
    lines = [f".. currentmodule:: {module}"]
    namespace = importlib.import_module(module)
    for name in namespace.__all__:
        value = getattr(namespace, name)
        kind = "class" if isinstance(value, type) else "function" if callable(value) else "data"
        if name not in listed and name != "Format":
            lines += ["", f".. auto{kind}:: {name}", "   :members:" if kind == "class" else ""]
    return "\n".join(["```{eval-rst}", *lines, "```"])


def performance(text: str) -> str:
    """Return the page of the records: the verdicts first, charts, and every table folded."""
    recorded = {
        json.loads(path.read_text("utf-8"))["operation"]
        for path in (ROOT / "docs" / "records").glob("goals*.json")
    }
    top, *parts = re.split(r"^## (\w+), (.*)$", text, flags=re.MULTILINE)
    head, title, how = top.partition("Measure them on yours:\n")
    records = list(zip(parts[::3], parts[1::3], parts[2::3], strict=True))
    records.sort(key=lambda record: record[0] != "hardshrink")  # the others as they are
    out = [head, "## Verdicts\n", _verdicts({name: body for name, _, body in records})]
    for operation, date, body in records:
        out.append(f"## {operation}\n\nRecorded {date}.\n")
        if operation in recorded:
            out.append(
                f"```{{eval-rst}}\n.. plot:: figures/performance.py {operation}\n"
                f"   :alt: Time over that of a copy, over the number of elements, for each backend "
                f"and what users call instead.\n```\n"
            )
        out.append(folded(body, "Goals", "Against what users call", "Every figure"))
    return "\n".join([*out, "## " + title.rstrip(":\n") + "\n", how])


def _verdicts(bodies: dict[str, str]) -> str:
    """Return the worst verdict of each goal and operation, of the pages' tables of goals."""
    order = ("missed", "open", "not measured", "met")
    found: dict[str, dict[str, str]] = {}
    for operation, body in bodies.items():
        goal = ""
        for line in body.split("### Goals\n")[1].split("\n###")[0].splitlines()[3:]:
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            if len(cells) == 6:
                goal = cells[0] or goal
                row = found.setdefault(goal, {})
                worst = (row.get(operation, "met"), cells[-1].strip("*"))
                row[operation] = min(worst, key=order.index)
    bold = {"missed": "**missed**", "open": "**open**"}
    cells = {goal: [row.get(name, "") for name in bodies] for goal, row in found.items()}
    rows = [[goal, *(bold.get(cell, cell) for cell in row)] for goal, row in cells.items()]
    return _table(["goal", *bodies], rows) + "\n"


def folded(text: str, *headings: str) -> str:
    """Return the text with these sections of the third level folded up."""
    names = "|".join(map(re.escape, headings))
    return re.sub(rf"^### ({names})\n(.*?)(?=^#{{2,3}} |\Z)", _folded, text, flags=re.M | re.S)


def _folded(match: re.Match[str]) -> str:
    body = re.sub(r"^#### (.*)$", r"**\1**", match[2], flags=re.MULTILINE)
    return f":::{{dropdown}} {match[1]}\n{body}\n:::\n"


_TEMPLATE = ROOT / "tests" / "plugins" / "shrinkops-array-api-strict"
_FILES = {
    "src/shrinkops_array_api_strict/__init__.py": "The class and the hook",
    "pyproject.toml": "The project, with the entry point that makes it a plugin",
    "tests/test_array_api_strict.py": "Its tests: the conformance kit, and what it lacks",
    "benchmarks/hardshrink.py": "Its benchmarks, for airspeed velocity",
    "asv.conf.json": "Their configuration",
    "README.md": "What a reader sees first",
    "LICENSE": "The licence",
}


def template() -> str:
    """Return every file of the template in full, each to download, and all of them in one."""
    files = sorted(p for p in _TEMPLATE.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    names = [p.relative_to(_TEMPLATE).as_posix() for p in files]
    unknown = {n for n, p in zip(names, files, strict=True) if p.stat().st_size} - set(_FILES)
    if unknown:
        raise ValueError(f"the template has files that its page does not explain: {unknown}")
    archive = ROOT / "docs" / "_generated" / f"{_TEMPLATE.name}.zip"
    archive.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(archive, "w") as packed:
        for name, path in zip(names, files, strict=True):  # without times: the same bytes again
            packed.writestr(zipfile.ZipInfo(f"{_TEMPLATE.name}/{name}"), path.read_bytes())
    languages = {".py": "python", ".toml": "toml", ".json": "json", ".md": "markdown"}
    parts = [f"All files: {{download}}`{archive.name} </_generated/{archive.name}>`.\n"]
    for name, said in _FILES.items():
        place = f"/../{_TEMPLATE.relative_to(ROOT).as_posix()}/{name}"
        language = languages.get(Path(name).suffix, "text")
        block = (
            f"{said}, {{download}}`{name} <{place}>`:\n\n"
            f"```{{literalinclude}} {place}\n:language: {language}\n```\n"
        )
        first = name.endswith("__init__.py") or name == "pyproject.toml"
        parts.append(block if first else f":::{{dropdown}} {name}\n{block}:::\n")
    empty = ", ".join(f"`{n}`" for n in names if n not in _FILES)
    return "\n".join([*parts, f"Beside them lie empty files: {empty}.\n"])


def operation_file() -> str:
    """Return a link to the module that the page of declaring an operation shows line by line."""
    page = (ROOT / "docs" / "add-an-operation.md").read_text("utf-8")
    shown = page.partition("```python\n")[2].partition("```")[0]
    lines = [line[4:] if line.startswith((">>> ", "... ")) else "" for line in shown.splitlines()]
    path = ROOT / "docs" / "_generated" / "elastic.py"
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(lines).strip() + "\n", "utf-8")
    return "Here without prompts, to download: {download}`elastic.py </_generated/elastic.py>`."
