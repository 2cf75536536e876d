"""Run the examples of Markdown pages as a reader would, in a new interpreter.

Called as ``python run_page.py PAGE``; prints the failures and exits with their number.
A page is one session: what an example defines, the next ones see.
"""

from __future__ import annotations

import doctest
import re
import sys
from pathlib import Path

FENCE = re.compile(r"^```(?:python|pycon)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
FLAGS = doctest.ELLIPSIS


def main(page: Path) -> int:
    text = page.read_text("utf-8")
    # Line numbers in reports are the page's own: what is no example becomes blank lines.
    lines = [""] * (text.count("\n") + 1)
    for match in FENCE.finditer(text):
        if ">>>" in match[1]:
            first = text.count("\n", 0, match.start()) + 1
            block = match[1].splitlines()
            lines[first : first + len(block)] = block
    test = doctest.DocTestParser().get_doctest("\n".join(lines), {}, page.name, str(page), 0)
    runner = doctest.DocTestRunner(optionflags=FLAGS)
    runner.run(test)
    print(f"{page.name}: {len(test.examples)} examples, {runner.failures} failed")
    return runner.failures


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
