"""What goes wrong around a command: targets that exit, plugins that print, disks that are full.

Each stands for a kind of public report; the status and the result must be right in all of them.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

ACME = """
import shrinkops
class Acme(shrinkops.Backend):
    name = "acme"
    framework = "array_api_strict"
    dtypes = frozenset({"float32", "float64", "int8", "int32"})
    features = frozenset({"array_lambd"})
    def handles(self, cls):
        import array_api_strict
        return issubclass(cls, type(array_api_strict.empty(0)))
    def namespace(self):
        import array_api_strict
        return array_api_strict
"""

MODULES = {
    "acme": ACME,
    "exits": "import sys; sys.exit(0)",
    "divides": "1 / 0",
    "syntax": "def",
    "init": """
        from acme import Acme
        class Init(Acme):
            def __init__(self):
                raise OSError("libacme.so: cannot open")
        class InitExits(Acme):
            def __init__(self):
                raise SystemExit(0)
        """,
    "leaves": """
        from acme import Acme
        import sys
        class Leaves(Acme):
            def native(self, operation, *_):
                return lambda x, *p: sys.exit(0)
        class Skips(Acme):
            def native(self, operation, *_):
                import pytest
                return lambda x, *p: pytest.skip("needs a GPU")
        class Handles(Acme):
            def handles(self, cls):
                sys.exit(0)
        class Excuses(Acme):
            def native(self, operation, *_):
                from shrinkops.conformance._model import NotApplicable
                def native(x, *p):
                    raise NotApplicable("nothing to try it on")
                return native
        class Kernel(Acme):
            def kernel_in_use(self):
                raise RuntimeError("no device any more")
        class Surrogate(Acme):
            def native(self, operation, *_):
                def native(x, *p):
                    raise ValueError("\\udc80 \\x1b[2J \\u202e")
                return native
        """,
    "markup": """
        from acme import Acme
        class G(Acme): name = "acme[gpu]"
        class B(Acme): name = "acme[/gpu]"
        class C(Acme): name = "acme\\x1b]0;title\\x07\\u202e"
        """,
}

ONE = ("--check", "HS-VAL-1/boundary")


@pytest.fixture
def folder(tmp_path):
    for name, source in MODULES.items():
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(source), encoding="utf-8")
    return tmp_path


@pytest.fixture
def shrinkops(folder):
    """Run the command in a process of its own."""

    def run(*arguments, **variables):
        environment = {**os.environ, "SHRINKOPS_BLOCK": "torch,jax,cupy", **variables}
        return subprocess.run(
            [sys.executable, "-m", "shrinkops", *arguments],
            cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip

    return run


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("conformance", "exits:X"), 2, "SystemExit: 0"),
        (("bench", "exits:X", "--size", "10"), 2, "SystemExit: 0"),
        (("explain", "exits:X"), 2, "SystemExit: 0"),
        (("conformance", "divides:X"), 2, "ZeroDivisionError"),
        (("conformance", "syntax:X"), 2, "SyntaxError"),
        (("conformance", "init:Init"), 2, "libacme.so: cannot open"),
        (("conformance", "init:InitExits"), 2, "SystemExit: 0"),
        (("conformance", "leaves:Leaves", *ONE), 1, "SystemExit: 0"),
        (("conformance", "leaves:Skips", *ONE), 1, "needs a GPU"),
        (("conformance", "leaves:Excuses", *ONE), 1, "itself declared the check not applicable"),
        (("conformance", "leaves:Handles", *ONE), (1, 2), "SystemExit"),
        (("bench", "leaves:Leaves", "--size", "10", "--against", "copy"), (1, 2, 3), ""),
        (("conformance", "acme:Acme", *ONE), 0, "CONFORMS"),
    ],
    ids=lambda value: (
        value
        if isinstance(value, str)
        else "-".join(map(str, value[1:2]))
        if isinstance(value, tuple)
        else str(value)
    ),
)
def test_only_the_verdict_is_a_success(shrinkops, arguments, status, words):
    done = shrinkops(*arguments)
    assert done.returncode in (status if isinstance(status, tuple) else (status,)), done
    assert words in done.stdout + done.stderr
    assert done.stdout + done.stderr != ""


class TestFiles:
    @pytest.mark.parametrize("option", ["--json", "--html", "--junit"])
    def test_a_bad_path_is_refused_before_the_run(self, shrinkops, option, folder):
        for path, words in (("nowhere/c", "there is no folder"), (".", "this is a folder")):
            done = shrinkops("conformance", "acme:Acme", option, path)
            assert done.returncode == 2
            assert words in done.stderr
            assert done.stdout == ""
        assert not (folder / "nowhere").exists()

    def test_one_file_for_two_results(self, shrinkops):
        done = shrinkops("conformance", "acme:Acme", "--json", "c", "--html", "./c")
        assert done.returncode == 2
        assert "two results would go to" in done.stderr

    def test_dash_is_stdout_alone(self, shrinkops):
        done = shrinkops("conformance", "acme:Acme", *ONE, "--json", "-")
        assert done.returncode == 0
        assert json.loads(done.stdout)["conforms"]
        assert "CONFORMS" in done.stderr

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's full device")
    def test_a_full_disk_is_no_success(self, shrinkops):
        done = shrinkops("conformance", "acme:Acme", *ONE, "--json", "/dev/full")
        assert done.returncode == 2
        assert "CONFORMS" in done.stdout
        assert "Traceback" not in done.stderr

    def test_what_was_there_stays_where_writing_fails(self, folder, monkeypatch):
        from shrinkops._commands import whole

        path = folder / "c.json"
        path.write_text("whole", encoding="utf-8")
        path.chmod(0o640)
        monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "full")))
        with pytest.raises(OSError, match="full"):
            whole.write_whole(path, b"new")
        assert path.read_text(encoding="utf-8") == "whole"
        monkeypatch.undo()
        link = folder / "link"
        link.symlink_to(path)
        whole.write_whole(link, b"new")
        assert link.is_symlink()
        assert path.read_bytes() == b"new"
        assert path.stat().st_mode & 0o777 == 0o640
        assert [p for p in folder.iterdir() if p.name.startswith(".shrinkops")] == []

    def test_messages_that_no_encoding_has(self, shrinkops, folder):
        files = ("--json", "c.json", "--html", "c.html", "--junit", "c.xml")
        done = shrinkops("conformance", "leaves:Surrogate", *ONE, *files)
        assert done.returncode == 1, done.stderr
        assert "\\udc80" in done.stdout
        assert "\x1b" not in done.stdout
        assert "\u202e" not in done.stdout
        from xml.etree import ElementTree

        json.loads((folder / "c.json").read_text(encoding="utf-8"))
        ElementTree.parse(folder / "c.xml")
        assert "</html>" in (folder / "c.html").read_text(encoding="utf-8")

    def test_a_description_that_fails_is_no_verdict(self, shrinkops, folder):
        done = shrinkops("conformance", "leaves:Kernel", *ONE, "--json", "c.json")
        assert done.returncode == 0, done.stderr
        assert "CONFORMS" in done.stdout
        assert "RuntimeError: no device any more" in (folder / "c.json").read_text("utf-8")

    @pytest.mark.skipif(sys.platform == "win32", reason="its folders in use cannot be removed")
    @pytest.mark.parametrize("command", [("conformance", "numpy"), ("bench", "numpy"), ("demo",)])
    def test_a_current_folder_that_is_gone(self, folder, command):
        gone = folder / "gone"
        gone.mkdir()
        words = " ".join([sys.executable, "-m", "shrinkops", *command])
        done = subprocess.run(
            ["sh", "-c", f"rmdir ../gone && {words}"],
            cwd=gone, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 2
        assert "the current folder is not there any more" in done.stderr
        assert "Traceback" not in done.stderr


class TestStreams:
    PRINTS = """
        import ctypes, os, sys
        print("acme: 4 threads")
        os.write(1, b"acme: from a descriptor\\n")
        ctypes.CDLL(None).printf(b"acme: from C\\n")
        """

    @pytest.fixture
    def prints(self, folder):
        """Install a plugin that prints when it is imported."""
        hook = "@shrinkops.hookimpl\ndef shrinkops_backends():\n    return [Acme()]\n"
        (folder / "acme_prints.py").write_text(
            textwrap.dedent(self.PRINTS) + ACME + hook, encoding="utf-8"
        )
        info = folder / "acme_prints-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.4\nName: acme-prints\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("[shrinkops]\nacme = acme_prints\n")
        return {"PYTHONPATH": str(folder)}

    @pytest.mark.parametrize(
        "arguments",
        [
            ("backends", "--json"),
            ("explain", "numpy:ndarray", "--json"),
            ("bench", "numpy", "--size", "10", "--blocks", "5", "--against", "copy", "--json", "-"),
            ("conformance", "numpy", *ONE, "--json", "-"),
        ],
        ids=lambda a: a[0],
    )
    def test_a_plugin_that_prints_spoils_no_json(self, shrinkops, prints, arguments):
        done = shrinkops(*arguments, **prints)
        assert done.returncode == 0, done.stderr
        json.loads(done.stdout, parse_constant=pytest.fail)
        for text in ("4 threads", "from a descriptor", "from C"):
            assert f"acme: {text}" in done.stderr

    def test_json_has_no_nan(self, shrinkops):
        done = shrinkops("bench", "numpy", "--size", "1", "--blocks", "5", "--against", "copy",
            "--json", "-")  # fmt: skip
        json.loads(done.stdout, parse_constant=pytest.fail)

    @pytest.mark.parametrize("closed", ["2>&-", ">&-", "<&-", ">&- 2>&-", "<&- >&- 2>&-"])
    def test_closed_streams(self, folder, closed):
        command = f"{sys.executable} -m shrinkops conformance acme:Acme --check HS-VAL-1 {closed}"
        done = subprocess.run(
            ["sh", "-c", command], cwd=folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done
        if ">&-" not in closed.replace("2>&-", ""):
            assert "CONFORMS" in done.stdout

    @pytest.mark.parametrize(("name", "shown"), [("G", "acme[gpu]"), ("B", "acme[/gpu]")])
    def test_names_are_printed_as_they_are(self, shrinkops, name, shown):
        done = shrinkops("conformance", f"markup:{name}", *ONE)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith(f"{shown} from markup")

    def test_a_name_that_a_terminal_would_obey(self, shrinkops):
        done = shrinkops("conformance", "markup:C", *ONE)
        assert done.returncode == 2
        assert r"acme\x1b]0;title\x07\u202e" in done.stderr.replace("\\\\", "\\")
        assert "\x1b" not in done.stderr

    def test_a_reader_that_has_gone(self, folder):
        command = [sys.executable, "-m", "shrinkops", "conformance", "acme:Acme", *ONE]
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run(
            command, cwd=folder, stdout=writer, stderr=subprocess.PIPE, text=True, check=False
        )
        os.close(writer)
        assert done.returncode == 141
        assert done.stderr == ""


@pytest.mark.parametrize("command", [("conformance", "numpy"), ("bench", "numpy")])
def test_an_interrupt_is_no_verdict(folder, command):
    process = subprocess.Popen(
        [sys.executable, "-m", "shrinkops", *command],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    time.sleep(1.5)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, (out, err)
    assert "Traceback" not in err


def test_a_swallowed_interrupt_is_one_all_the_same():
    from shrinkops._commands.command import Command

    def swallow():
        with contextlib.suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        from shrinkops._commands.status import Exit

        return Exit.CONFORMS

    with pytest.raises(SystemExit) as ended:
        Command("swallow", callback=swallow).main([])
    assert ended.value.code == 130


@pytest.mark.parametrize("returned", [None, 0, True, "done"])
def test_a_command_that_forgets_its_status_has_none_of_success(returned):
    from shrinkops._commands.command import Command

    with pytest.raises(SystemExit) as ended:
        Command("forgets", callback=lambda: returned).main([])
    assert ended.value.code == 2
