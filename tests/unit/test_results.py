import json
import re
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest
from click.testing import CliRunner

from sample_records import measurement
from sample_settings import settings
from simulated_launches import launch
from traingate.cli import main
from traingate.gate.suite import suite_change
from traingate.records import Outcome, Verdict, to_json
from traingate.records.results import SuiteResults
from traingate.report.markdown import code_block, code_span, escaped, to_markdown
from traingate.report.results import (
    failed_result,
    measured_result,
    refused_result,
    suite_results,
)
from traingate.session.results import write_results
from traingate.untrusted.plain_text import without_control_characters


def verdict(outcome=Outcome.PASSED, slowdown=0.0, width=1.0, **changes):
    return Verdict(
        outcome=outcome,
        tolerance_percent=5.0,
        slowdown_percent=slowdown,
        slowdown_percent_interval=(slowdown - width, slowdown + width),
        **{"baseline": "a commit", "samples_per_second": 9.0, "baseline_samples_per_second": 10.0}
        | changes,
    )


def result(test="test_speed.py::test_a", judged=None):
    record = msgspec.structs.replace(measurement([launch([0.1] * 4)]), verdict=judged)
    return measured_result(test, record, "pytest --traingate-against main")


def test_errors_in_results_have_no_secrets_of_a_log():
    """They become a comment on a pull request."""
    error = "launch 1 died.\nLast output:\n  \x1b[31mAPI_TOKEN=q7Zx9Lm2Vb4Nc8Kd"
    for shown in (failed_result("a", None, error), refused_result("a", error)):
        assert "Last output:\n  API_TOKEN=[masked]" in shown.details
        assert shown.sentence == "launch 1 died."
    failed = failed_result("a", result(), "https://user:q7Zx9Lm2Vb4Nc8Kd@host refused")
    assert failed.error == "https://[masked]@host refused"


def test_results_have_no_more_of_a_long_error_than_a_comment_can_show():
    error = f"the dataset has {'x' * 60_000}\nLast output:\n    {'y' * 60_000}"
    for shown in (
        failed_result("a", None, error),
        refused_result("a", error),
        failed_result("a", result(), error),
    ):
        assert len(msgspec.json.encode(shown)) < 9000
        assert shown.sentence.startswith("the dataset has xxx")
        assert shown.sentence.endswith("x [...]")


def session_of(chosen):
    """Return all of a session that writing its results needs, if it has measured nothing."""
    return SimpleNamespace(settings=chosen, rows=[], used_baselines={}, root=Path())


REGRESSED = verdict(Outcome.REGRESSED, 12.0, failed=True)


def test_what_failed_comes_first_and_decides_the_state():
    results = suite_results([result("a", verdict()), result("b", REGRESSED)])
    assert [test.test for test in results.tests] == ["b", "a"]
    assert (results.state, results.title) == ("failed", "1 of 2 training benchmarks failed")


@pytest.mark.parametrize(
    ("tests", "problems", "state"),
    [
        ([result(judged=verdict())], (), "passed"),
        ([result(judged=verdict(Outcome.INCONCLUSIVE, 6.0))], (), "open"),
        ([result()], (), "measured"),
        ([result(judged=verdict())], ("a test is gone",), "failed"),
        ([refused_result("a", "nothing is stored")], (), "failed"),
        ([], (), "measured"),
    ],
)
def test_the_state_of_a_suite(tests, problems, state):
    results = suite_results(tests, problems=problems)
    assert results.state == state
    assert results.title in to_markdown(results).replace("&#58;", ":")


def test_a_failure_is_not_hidden_by_a_later_result_of_the_same_test():
    results = suite_results([result(judged=REGRESSED), result(judged=verdict())])
    (test,) = results.tests
    assert test.failed


def test_the_number_of_a_suite_is_the_geometric_mean_with_the_errors_of_its_tests():
    one = suite_change([verdict(slowdown=10.0)])
    assert one.ratio == pytest.approx(0.9)
    assert one.ratio_interval == pytest.approx((0.89, 0.91), abs=1e-3)
    both = suite_change([verdict(slowdown=10.0), verdict(slowdown=-900.0 / 81)])
    assert both.ratio == pytest.approx((0.9 * (1 + 100 / 1125)) ** 0.5, rel=0.02)
    four = suite_change([verdict(slowdown=10.0)] * 4)
    low, high = four.ratio_interval
    assert high - low == pytest.approx((0.91 - 0.89) / 2, rel=0.05)
    assert suite_change([msgspec.structs.replace(verdict(), slowdown_percent=None)]) is None


def test_one_unknown_interval_leaves_that_of_the_suite_unknown():
    unknown = msgspec.structs.replace(verdict(), slowdown_percent_interval=None)
    assert suite_change([verdict(), unknown]).ratio_interval is None


HOSTILE = (
    "<script>alert(1)</script>",
    "[click](javascript:alert(1))",
    "![x](https://example.org/x.png)",
    "@maintainer https://example.org #1",
    "a | b |\n## heading\n```",
    "</details><h1>",
    "*bold* _it_ `code` ~~gone~~",
    "\x1b[31mred\x1b]8;;https://example.org\x07link\x1b]8;;\x07",
    "\u202egnp.exe",
)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_nothing_but_text(name):
    judged = msgspec.structs.replace(REGRESSED, baseline=name, evidence=(name,))
    page = to_markdown(suite_results([result(name, judged)], problems=[name]))
    outside = re.sub(r"(?ms)^(`{3,})text\n.*?^\1$", "", page)
    outside = re.sub(r"(`+)[^`].*?[^`]\1", "", outside)
    for markup in ("<script", "<h1", "](", "@maintainer", "://", "## heading", "\x1b", "\u202e"):
        assert markup not in outside
    assert outside.count("<details>") == outside.count("</details>")
    assert sum(line.startswith("| ") for line in outside.splitlines()) == 2


def test_code_keeps_backticks_inside():
    assert code_span("a") == "`a`"
    assert code_span("a`b") == "`` a`b ``"
    assert code_block("```\n</details>").startswith("````text\n")


def test_escaped_text_is_one_line_and_reads_the_same():
    import html

    text = "a<b> & [c](d) `e` |"
    assert html.unescape(escaped(text)).replace("\u200b", "") == text
    assert "\n" not in escaped("a\nb")


def test_control_sequences_are_dropped():
    assert without_control_characters("\x1b[1;31mred\x1b[0m\tx\n\x07") == "red\tx\n"


def test_results_are_written_where_the_user_or_the_job_wants_them(tmp_path):
    page, tables, summary = tmp_path / "a.md", tmp_path / "a.json", tmp_path / "summary.md"
    summary.write_text("earlier\n")
    results = suite_results([result(judged=REGRESSED)], counts={"compared": 1})
    chosen = settings(markdown=str(page), json=str(tables))
    assert write_results(results, session_of(chosen), {"GITHUB_STEP_SUMMARY": str(summary)}) == []
    assert summary.read_text() == "earlier\n" + page.read_text()
    assert msgspec.json.decode(tables.read_bytes(), type=SuiteResults) == results
    assert "Reproduce: `pytest --traingate-against main test_speed.py::test_a`" in page.read_text()


def test_names_and_texts_with_surrogates_are_written_as_escapes(tmp_path):
    """They stand for bytes that are not UTF-8, as in the name of a test's file."""
    judged = msgspec.structs.replace(REGRESSED, evidence=("\udcff there", "\ud800"))
    results = suite_results([result("\udcff.py::test_a", judged)], problems=["lone \udcff"])
    files = {name: tmp_path / name for name in ("json", "markdown", "html")}
    chosen = settings(**{name: str(file) for name, file in files.items()}, storage=str(tmp_path))
    summary = {"GITHUB_STEP_SUMMARY": str(tmp_path / "summary")}
    assert write_results(results, session_of(chosen), summary) == []
    content = msgspec.json.decode(files["json"].read_bytes(), type=SuiteResults)
    assert content.tests[0].test == "\\udcff.py::test_a"
    assert content.tests[0].verdict.evidence == ("\\udcff there", "\\ud800")
    assert content.problems == ("lone \\udcff",)
    assert all("udcff" in (tmp_path / name).read_text() for name in (*files, "summary"))


def test_a_file_that_cannot_be_written_is_an_error(tmp_path):
    chosen = settings(markdown=str(tmp_path / "missing" / "a.md"))
    (message,) = write_results(suite_results([]), session_of(chosen), {})
    assert "--traingate-markdown" in message


def test_a_summary_that_github_would_refuse_goes_without_details(tmp_path):
    long = msgspec.structs.replace(REGRESSED, evidence=("x" * 1_000_000,))
    summary = tmp_path / "summary.md"
    results = suite_results([result(judged=long)])
    assert (
        write_results(results, session_of(settings()), {"GITHUB_STEP_SUMMARY": str(summary)}) == []
    )
    assert summary.stat().st_size < 900_000


def save(path, seconds, names=("test_a",), commit=""):
    factors = (0.999, 1.0, 1.001, 1.0)
    record = measurement([launch([seconds * factor] * 5) for factor in factors])
    benchmarks = [
        {"fullname": f"bench.py::{name}", "extra_info": {"traingate": to_json(record)}}
        for name in names
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"benchmarks": benchmarks, "commit_info": {"id": commit}}))


def test_all_forms_of_a_comparison_have_the_same_figures(tmp_path):
    save(tmp_path / "a.json", 0.1)
    save(tmp_path / "b.json", 0.2)

    def output(form):
        arguments = ["compare", str(tmp_path / "a.json"), str(tmp_path / "b.json")]
        outcome = CliRunner().invoke(main, [*arguments, f"--format={form}"])
        assert outcome.exit_code == 1
        return outcome.stdout

    results = msgspec.json.decode(output("json"), type=SuiteResults)
    slowdown = results.tests[0].verdict.slowdown_percent
    assert slowdown == pytest.approx(50.0, abs=0.1)
    assert f"throughput is {slowdown:.1f} % lower" in output("text")
    assert f"{-slowdown:+.1f} %" in output("markdown")


def test_a_verdict_of_the_gate_is_not_computed_anew(tmp_path):
    save(tmp_path / "a.json", 0.1)
    save(tmp_path / "b.json", 0.2)
    file = tmp_path / "b.json"
    content = json.loads(file.read_text())
    record = content["benchmarks"][0]["extra_info"]["traingate"]
    earlier = verdict(Outcome.INCONCLUSIVE, 12.3, baseline="a.json")
    record["verdict"] = msgspec.to_builtins(earlier)
    file.write_text(json.dumps(content))

    def outcome_of(*options):
        arguments = ["compare", str(tmp_path / "a.json"), str(file), "--format=json", *options]
        text = CliRunner().invoke(main, arguments).stdout
        return msgspec.json.decode(text, type=SuiteResults).tests[0].verdict.outcome

    assert outcome_of() is Outcome.INCONCLUSIVE
    assert outcome_of("--tolerance=10") is Outcome.REGRESSED


def test_runs_are_named_by_number_or_storage(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save(tmp_path / ".benchmarks" / "machine" / "0001_base.json", 0.1)
    save(tmp_path / "other" / "machine" / "0001_now.json", 0.1)
    assert CliRunner().invoke(main, ["compare", "0001", "other"]).exit_code == 0
    outcome = CliRunner().invoke(main, ["compare", "0001", "0002"])
    assert outcome.exit_code == 2
    assert "0002 is no file, no storage, no saved run in .benchmarks" in outcome.output


def test_a_test_that_is_gone_is_in_all_forms(tmp_path):
    save(tmp_path / "a.json", 0.1, ("test_a", "test_b"))
    save(tmp_path / "b.json", 0.1)
    arguments = ["compare", str(tmp_path / "a.json"), str(tmp_path / "b.json")]
    outcome = CliRunner().invoke(main, [*arguments, "--format=json"])
    assert outcome.exit_code == 2
    results = msgspec.json.decode(outcome.stdout, type=SuiteResults)
    assert (results.counts["compared"], results.counts["gone"]) == (1, 1)
    assert "is in" in results.tests[0].details


def test_a_job_can_check_that_two_saved_runs_were_compared(tmp_path):
    files = [str(tmp_path / name) for name in ("a.json", "b.json")]
    for file in files:
        save(Path(file), 0.1, ("test_a", "test_b"))
    outcome = CliRunner().invoke(main, ["compare", *files, "--format=json"])
    counts = msgspec.json.decode(outcome.stdout, type=SuiteResults).counts
    assert counts["compared"] == counts["passed"] + counts["open"] == 2
    results = tmp_path / "results.json"
    results.write_text(outcome.stdout)
    assert CliRunner().invoke(main, ["ci", "check", str(results)]).exit_code == 0
