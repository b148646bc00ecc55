"""A report in which every text that a stranger can choose is the same hostile text."""

from __future__ import annotations

import msgspec

from sample_history import history_of
from sample_report import duet_of, explanation, profile_of, record_of, results_of, verdict_of
from traingate.records import Acceptance, LayerRecord, Outcome, Published
from traingate.records.history import History
from traingate.records.profile import Profile
from traingate.report.html import render_report

HOSTILE = (
    "<script>window.ran = true</script>",
    "</script><img src=x onerror='window.ran = true'>",
    "<!--<script>",
    "\"' onmouseover=window.ran=true x='",
    "{{ 7 * 7 }}{% raw %}",
    "&lt;b&gt; &amp; ]]>",
    "url(#x) red var(--loss)",
    "a\u2028b\u2029c",
    "\x1b[31mred\x1b]8;;x\x07link\u202egnp.exe\u2066",
    "\ud800 alone",
)


def hostile_page(text: str) -> str:
    """Return a page with *text* for each name, reason, subject and value."""
    stack = (LayerRecord(text, {"count": 4}), LayerRecord("scope", {text: text}))
    explained = msgspec.structs.replace(
        explanation(), sentence=text, facts=(text,), files=(text,),
        causes=tuple(msgspec.structs.replace(cause, title=text) for cause in explanation().causes),
    )  # fmt: skip
    verdict = verdict_of(
        Outcome.REGRESSED, 18.8, failed=True, baseline=text, reason=text, evidence=(text,),
        broken_limits=(text,), explanation=explained, accepted=Acceptance(text, text), changed_steps=text,
    )  # fmt: skip
    record = record_of(
        478.1, stack, seed=1, launches=2, workload=f"{text}.py::{text}", scale=text,
        verdict=verdict, duet=msgspec.structs.replace(duet_of(), base=text), profile=_profile(text),
        environment={"python": text, "torch": text, "packages": {"torch": text}, text: text},
        environment_name=text, yardstick=text, precision=text, bound=text,
        counters={text: 3}, reasons={text: (text,)},
        published=(Published(9.0, text, machine=text, usd_per_hour=0.3),),
    )  # fmt: skip
    other = msgspec.structs.replace(
        record, verdict=None, stack=(LayerRecord(text, {"count": 8}), stack[1])
    )
    measurements = {f"{text}::{text}": record, f"other {text}": other}
    results = msgspec.structs.replace(
        results_of(measurements), title=text, problems=(text,), counts={text: 1}, machine=text
    )
    return render_report(
        results, measurements, _history(text), baselines=measurements, created=text
    )


def _profile(text: str) -> Profile:
    cells = tuple(
        msgspec.structs.replace(cell, module=f"{text}.{text}", operator=text, phase=text)
        for cell in profile_of().cells
    )
    return msgspec.structs.replace(profile_of(), cells=cells, module_types={text: text})


def _history(text: str) -> History:
    history = history_of(40, 1)
    replace = msgspec.structs.replace
    commits = tuple(
        replace(each, hash=text, date=text, subject=text, tags=(text,)) for each in history.commits
    )
    series = history.series[0]
    points = tuple(
        replace(each, accepted=text, environment_changes=(text,)) for each in series.points
    )
    series = replace(
        series, test=text, stack=text, scale=text, environment_name=text, machine=text, points=points,
        changes=tuple(replace(each, accepted=text) for each in series.changes),
        since_anchor=replace(series.since_anchor, reason=text),
    )  # fmt: skip
    return replace(history, reference=text, commits=commits, series=(series,), left_out={text: 2})
