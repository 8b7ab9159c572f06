"""Access logs as scenarios read them."""
import json

from wire import wait_for


def lines_of(file):
    return file.read_text().splitlines() if file.exists() else []


def read(file, n=1):
    """The lines, once there are so many."""
    wait_for(lambda: len(lines_of(file)) >= n)
    return lines_of(file)


def objects(file, n=1):
    return [json.loads(line) for line in read(file, n)]


def log(path="access.log", **options):
    """An entry of `access_log` whose lines are soon there."""
    return {"path": path, "flush": "0s", **options}
