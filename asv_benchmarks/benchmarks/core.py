"""What every user pays, whatever the backend."""


class ImportTime:
    """In fresh interpreters. ``timeraw_`` has no setup hook, so nothing caps its samples."""

    version = "1"
    repeat = 15
    rounds = 2

    def timeraw_shrinkops(self):
        return "import shrinkops", "import pluggy"

    def timeraw_pluggy(self):
        return "import pluggy", ""
