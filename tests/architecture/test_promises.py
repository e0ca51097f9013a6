"""Every job that is promised exists, and takes what it is promised with."""

import ast
import inspect
from pathlib import Path

from app.factory import load_jobs
from app.foundation.job_queue import JOBS

APP = Path(__file__).resolve().parents[2] / "app"
NOT_ARGUMENTS = {"subject", "queue"}


def promises(source):
    """Return (name, keyword names) of each `….promise("name", …)` in a module."""
    return [
        (call.args[0].value, {keyword.arg for keyword in call.keywords if keyword.arg} - NOT_ARGUMENTS)
        for call in ast.walk(ast.parse(source))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr == "promise"
        and call.args
        and isinstance(call.args[0], ast.Constant)
    ]


def test_every_promise_has_a_job_that_takes_its_arguments():
    load_jobs()
    found = [(file, *each) for file in APP.rglob("*.py") for each in promises(file.read_text(encoding="utf-8"))]
    assert found, "somebody promises something"
    for file, name, given in found:
        assert name in JOBS, f"{file} promises {name}, which nobody does"
        taken = set(inspect.signature(JOBS[name].function).parameters)
        assert given <= taken, f"{file} promises {name} with {given - taken}, which it does not take"


def test_a_promise_is_recognised():
    assert promises('uow.promise("stock.sweep", subject=("lot", 7), lot_id=7)') == [("stock.sweep", {"lot_id"})]
