"""The status of a command whose run is ended from inside, interrupted, or left alone."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from shrinkops._commands.supervision import staying

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the parent is made by a fork")

# Where another test of this process has imported JAX, whose threads no fork has.
_FORKS = pytest.mark.filterwarnings("ignore:os.fork:RuntimeWarning")

WAYS = {
    "os._exit": "os._exit(0)",
    "_exit of C": "ctypes.CDLL(None)._exit(0)",
    "exit of C": "ctypes.CDLL(None).exit(0)",
    "another program": "os.execv('/bin/true', ['true'])",
    "a crash": "os.kill(os.getpid(), signal.SIGSEGV)",
    "killed": "os.kill(os.getpid(), signal.SIGKILL)",
    "at exit": "atexit.register(ctypes.CDLL(None)._exit, 0)",
}
PLACES = {
    "module": "{way}",
    "constructor": "class X(Backend):\n    def __init__(self):\n        {way}",
    "handles": "class X(Backend):\n    def handles(self, cls):\n        {way}",
    "kernel": "class X(Backend):\n    def kernel(self, operation):\n"
    "        def kernel(x, lambd, out):\n            {way}\n        return kernel",
}
HEAD = "import atexit, ctypes, os, signal\nfrom wrong import X as Backend\n"
WRONG = """
from shrinkops_numpy import NumpyBackend
class X(NumpyBackend):
    name = "x"
    def kernel(self, operation):
        return lambda x, lambd, out: x.copy()
"""
COMMANDS = {
    "conformance": ("{}:X", "--operation", "hardshrink", "--check", "HS-VAL-1/boundary",
                    "--json", "c.json"),
    "bench": ("{}:X", "--size", "10", "--blocks", "5", "--against", "copy"),
    "explain": ("{}:X",),
}  # fmt: skip


def run(*arguments, folder, **options):
    environment = {**os.environ, "SHRINKOPS_BLOCK": "torch,jax,cupy,dask"}
    return subprocess.run(
        [sys.executable, "-m", "shrinkops", *arguments],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False,
        **options,
    )  # fmt: skip


def _crossed():
    """Yield the pairs of each two: a way, a place and a command."""
    for name, way in WAYS.items():
        yield name, way, "module", "conformance", COMMANDS["conformance"]
    for name, way in list(WAYS.items())[:2]:
        for place in list(PLACES)[1:]:
            yield name, way, place, "conformance", COMMANDS["conformance"]
        for command in ("bench", "explain"):
            yield name, way, "module", command, COMMANDS[command]


@pytest.mark.parametrize(
    ("name", "way", "place", "command", "arguments"),
    [pytest.param(*case, id=" ".join(case[i] for i in (0, 2, 3))) for case in _crossed()],
)
def test_no_way_out_is_a_success(name, way, place, command, arguments, tmp_path):
    (tmp_path / "wrong.py").write_text(WRONG, encoding="utf-8")
    source = HEAD + "class X(Backend): pass\n" + PLACES[place].format(way=way)
    (tmp_path / "target.py").write_text(source, encoding="utf-8")
    done = run(command, *[a.format("target") for a in arguments], folder=tmp_path)
    assert done.returncode in (1, 2, 3), done
    assert done.stdout + done.stderr, "nothing was said"
    certificate = tmp_path / "c.json"
    assert not certificate.exists() or not json.loads(certificate.read_text())["conforms"]


@pytest.mark.parametrize("place", ["module", "kernel"])
def test_no_way_out_of_the_pytest_form_is_a_success(place, tmp_path):
    (tmp_path / "wrong.py").write_text(WRONG, encoding="utf-8")
    source = HEAD + PLACES[place].format(way="os._exit(0)")
    (tmp_path / "target.py").write_text(source, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "shrinkops.conformance.plugin",
         "--pyargs", "shrinkops.conformance", "--backend", "target:X",
         "--operation", "hardshrink"],
        cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode not in (0, 5), done.stdout
    assert "os._exit(0)" in done.stdout + done.stderr


def test_a_verdict_counts_whatever_comes_after_it(tmp_path):
    source = (
        "import atexit, ctypes\nfrom shrinkops_numpy import NumpyBackend as X\n"
        "atexit.register(ctypes.CDLL(None)._exit, 7)"
    )
    (tmp_path / "target.py").write_text(source, encoding="utf-8")
    command = COMMANDS["conformance"]
    done = run("conformance", *[a.format("target") for a in command], folder=tmp_path)
    assert done.returncode == 0, done
    assert json.loads((tmp_path / "c.json").read_text())["conforms"]


SLOW = """
import pathlib, time, os
pathlib.Path("at work").write_text(str(os.getpid()))
try:
    time.sleep(100)
except KeyboardInterrupt:
    with open("interrupts", "a") as file: file.write("x")
    time.sleep(0.5)
    raise
"""


@pytest.fixture
def slow(tmp_path):
    (tmp_path / "slow.py").write_text(SLOW, encoding="utf-8")
    return [sys.executable, "-m", "shrinkops", "conformance", "slow:X"]


def _work(folder: Path) -> int:
    """Wait until the run is at work; return its process."""
    for _ in range(2400):
        with contextlib.suppress(OSError, ValueError):
            return int((folder / "at work").read_text())
        time.sleep(0.05)
    raise AssertionError("it never began")


def _gone(process: int) -> bool:
    for _ in range(600):
        try:
            os.kill(process, 0)
            state = Path(f"/proc/{process}/stat")
            if state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.05)
    return False


@_FORKS
@pytest.mark.parametrize("way", ["a key", "the parent alone", "the run alone"])
def test_an_interrupt_reaches_the_run_once(slow, tmp_path, way):
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        slow, cwd=tmp_path, stdin=follower, stdout=follower, stderr=follower,
        preexec_fn=lambda: _own_terminal(follower),
    )  # fmt: skip
    os.close(follower)
    at_work = _work(tmp_path)
    assert at_work != process.pid
    if way == "a key":
        os.write(leader, b"\x03")
    else:
        os.kill(process.pid if way == "the parent alone" else at_work, signal.SIGINT)
    assert process.wait(120) == 130
    seen = b""
    with contextlib.suppress(OSError):
        while part := os.read(leader, 4096):
            seen += part
    os.close(leader)
    assert (tmp_path / "interrupts").read_text() == "x"
    assert b"interrupted" in seen
    assert b"Traceback" not in seen


def _own_terminal(descriptor: int) -> None:
    import fcntl
    import termios

    os.setsid()
    fcntl.ioctl(descriptor, termios.TIOCSCTTY, 0)


@pytest.mark.skipif(sys.platform != "linux", reason="where SIGIO is not told, the run ends later")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_the_run_does_not_outlive_its_parent(slow, tmp_path, number):
    """Who waits for the pipe's end after a time limit would wait for the run otherwise."""
    process = subprocess.Popen(slow, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    at_work = _work(tmp_path)
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode == -number
    assert _gone(at_work)


def test_somebody_elses_process_is_not_forked(tmp_path):
    code = """
    import os, sys, threading
    from shrinkops.__main__ import main
    def inside(): return main()
    sys.argv = ["shrinkops", "--version"]
    here = os.getpid()
    try: inside()
    except SystemExit: pass
    print(os.getpid() == here)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[1:] == ["True"]


@_FORKS
def test_forks_of_a_kernel_end_as_they_do():
    with staying():
        child = os.fork()
        if child == 0:
            os._exit(7)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        with pytest.raises(SystemExit, match=r"os\._exit\(0\)"):
            os._exit(0)
