"""The faults of workers, and what the failure of the test says of each."""

from __future__ import annotations

from dataclasses import dataclass

MIDDLE = r"in step 2 of 4"
LAST_WORDS = "last words of the workload"
HANG_SECONDS = 4
"""Time-out of the runs in which workers hang; in the others, a busy machine may need more."""
NO_ANSWER = rf"launch 1 gave no answer within {HANG_SECONDS} s {MIDDLE}, and was ended"
MOMENT = (
    r"\b(at its start|while it built the training|in its first step|in warm-up step \d|in step \d+ of \d+|"
    r"after its last step|in its profiled steps|beside launch \d)\b"
)
"""Moment that each failure names: a step, or what the worker did before or after the steps."""

WITHOUT_LAST_OUTPUT = {
    "yardstick_killed": "the yardstick has nothing to print, and its failure says so",
}
"""Failures that do not end with the last output of the workload, and why."""

CLOCK = r"launch 1, .* passed on the worker's clock, and .* Something in the worker has changed its clock"


@dataclass(frozen=True)
class Fault:
    """A fault.

    Attributes:
        name: Name of the workload, and of its test after ``test_``.
        module: Module of the workload.
        says: Regular expressions for the text of the failure; empty if the measurement succeeds.
        test: Body of the test; empty for a call of ``training_benchmark``.
        words: Regular expression for the last output, with which each text ends.
    """

    name: str
    module: str
    says: tuple[str, ...] = ()
    test: str = ""
    words: str = LAST_WORDS


def crashing(name: str, *says: str, words: str = LAST_WORDS, test: str = "") -> Fault:
    """Return a fault by which the worker ends, or is ended, after its last words."""
    return Fault(name, "crashing", says, test, words)


def meddling(name: str, *says: str, test: str = "", words: str = LAST_WORDS) -> Fault:
    """Return a fault of what the worker starts, prints or measures."""
    return Fault(name, "meddling", says, test, words)


def answering(name: str, *says: str) -> Fault:
    """Return a fault of what the worker sends."""
    return Fault(name, "answering", says)


def at_start(fault: str, name: str, *says: str) -> Fault:
    """Return a fault before the worker has connected."""
    test = f"training_benchmark(trainings.sleeping, layers=[crashing.AtStart({fault!r})])"
    return crashing(name, *says, words="last words before the start", test=test)


def on_base(fault: str, *says: str) -> Fault:
    """Return a fault of the base's worker in a duet; that of the candidate works."""
    name = "launch 1 of the base, commit "
    test = f"training_benchmark(meddling.on_base, fault={fault!r})"
    return Fault(f"base_{fault}", "meddling", tuple(f"{name}.*{text}" for text in says), test)


def from_outside(name: str, process: str, *says: str, words: str = LAST_WORDS) -> Fault:
    """Return a fault by which something kills a process of the measurement."""
    test = f"with outside.killing(outside.{process}): training_benchmark(crashing.talking)"
    return crashing(name, *says, words=words, test=test)


DEATHS = (
    at_start("killed", "killed_at_start", r"launch 1 was killed by SIGKILL .* at its start"),
    at_start("exits", "exiting_at_start", r"launch 1 exited with status 3 at its start"),
    crashing("killed_while_building", r"launch 1 was killed by SIGKILL .* while it built the training"),
    crashing("killed_in_first_step", r"launch 1 was killed by SIGKILL .* in its first step"),
    crashing("killed_in_warm_up", r"launch 1 was killed by SIGKILL .* in warm-up step 1"),
    crashing("killed_in_step", rf"launch 1 was killed by SIGKILL .* {MIDDLE}"),
    crashing("killed_after_last_step", r"launch 1 was killed by SIGKILL .* after its last step"),
    crashing("killed_in_profile", r"launch 1 was killed by SIGKILL .* in its profiled steps"),
    crashing("terminated", rf"launch 1 was killed by SIGTERM {MIDDLE}"),
    crashing("interrupted", rf"the workload raised in launch 1, {MIDDLE}", "KeyboardInterrupt"),
    crashing(
        "segmentation_fault", rf"launch 1 was killed by SIGSEGV {MIDDLE}",
        r"Fatal Python error: Segmentation fault", r"crashing\.py\", line \d+ in <lambda>",
    ),
    answering("answering_a_damaged_profile", r"launch 1, in its profiled steps: its answer cannot be right: profile"),
    crashing("aborted", rf"launch 1 was killed by SIGABRT {MIDDLE}", r"crashing\.py"),
    crashing("exiting_with_zero", rf"launch 1 exited with status 0 {MIDDLE}, before it had reported"),
    crashing(
        "exiting_with_a_child_that_keeps_the_connection", rf"launch 1 exited with status 7 {MIDDLE}"
    ),
    crashing(
        "raising_something_long", rf"the workload raised in launch 1, {MIDDLE}",
        r"ValueError: xxx", r"\[\.\.\. \d+ characters \.\.\.\]",
    ),
    crashing("raising_something_unprintable", rf"the workload raised in launch 1, {MIDDLE}", "Unprintable"),
    crashing("raising_control_characters", rf"the workload raised in launch 1, {MIDDLE}", r"red  title  nul  lone"),
)  # fmt: skip

OUTSIDE = (
    from_outside(
        "killed_while_stopped", "a_stopped_worker",
        r"launch 1 was killed by SIGKILL .*\bin (its first step|warm-up step \d|step [1-4] of 4)",
    ),
    from_outside(
        "killed_between_launches", "the_next_worker",
        r"launch 3 was killed by SIGKILL .*\bin its first step",
    ),
    from_outside(
        "yardstick_killed", "the_yardstick_beside_a_worker",
        r"the yardstick was killed by SIGKILL .*\bbeside launch 1", words="",
    ),
    meddling(
        "changing_its_batches",
        "launch 2, while it built the training: it has batches of 8, and launch 1 had 4",
    ),
)  # fmt: skip

SHORTAGES = (
    crashing("out_of_address_space", rf"the workload raised in launch 1, {MIDDLE}", "MemoryError"),
    crashing("out_of_descriptors", rf"the workload raised in launch 1, {MIDDLE}", "Too many open files"),
    crashing(
        "out_of_descriptors_unnoticed", rf"the workload raised in launch 1, {MIDDLE}",
        "Too many open files: the workload must close what it has opened",
    ),
    Fault("without_temporary_folder", "crashing"),
    crashing(
        "killed_without_temporary_folder", rf"launch 1 was killed by SIGKILL .* {MIDDLE}", words="words without a folder"
    ),
    Fault("killed_in_unasked_profile", "crashing"),
)  # fmt: skip

HANGS = (
    crashing("hanging_in_python", NO_ANSWER, r"Where process \d+ was:", "in wait_for_a_lock_that_nobody_releases"),
    crashing("hanging_in_python_while_printing", NO_ANSWER, words="more of the same"),
    crashing("hanging_without_temporary_folder_while_printing", NO_ANSWER, words="more of the same"),
    crashing("hanging_in_c", NO_ANSWER, r"crashing\.py\", line \d+ in <lambda>"),
    crashing("hanging_in_dataset", NO_ANSWER, r"in __getitem__"),
    crashing(
        "hanging_while_building", rf"launch 1 gave no answer within {HANG_SECONDS} s while it built the training",
        "in hanging_while_building",
    ),
    crashing("stopping_itself", NO_ANSWER),
    answering("answering_never", NO_ANSWER),
)  # fmt: skip

CHILDREN = (
    meddling("forking"),
    meddling("forking_into_a_session"),
    meddling("forking_without_environment"),
    meddling("leaving_a_daemon"),
    meddling("leaving_a_daemon_without_environment"),
    meddling("leaving_a_daemon_and_dying", rf"launch 1 was killed by SIGKILL .* {MIDDLE}"),
    meddling("leaving_processes_that_start_each_other"),
    meddling("forking_the_worker"),
    meddling("sharing_memory"),
    meddling("sharing_memory_and_dying", rf"launch 1 was killed by SIGKILL .* {MIDDLE}"),
)

OUTPUT = (
    meddling(
        "printing_100_megabytes", rf"the workload raised in launch 1, {MIDDLE}", LAST_WORDS, words="a line of text"
    ),
    meddling("printing_100_megabytes_without_a_line_end"),
    meddling("printing_binary", rf"the workload raised in launch 1, {MIDDLE}", LAST_WORDS, words="ABCDEF"),
    meddling("closing_its_output"),
)  # fmt: skip

MESSAGES = (
    at_start(
        "other version", "of_another_version",
        r"launch 1, at its start: it speaks version 999 of the protocol, and this controller \d+\.",
    ),
    meddling(
        "closing_its_connection", rf"launch 1 exited with status 1 {MIDDLE}",
        r"descriptor \d+.* the connection to traingate's controller, has been closed in this process",
    ),
    meddling(
        "closing_its_connection_and_opening_files", rf"launch 1 exited with status 1 {MIDDLE}",
        r"descriptor \d+.* the connection to traingate's controller, has been closed in this process",
        test="""try: training_benchmark(meddling.closing_its_connection_and_opening_files)
    finally: assert pathlib.Path(meddling.OPENED).read_bytes() == b''""",
    ),
    crashing(
        "shutting_its_connection_down",
        rf"launch 1 ended itself since its connection to traingate's controller, .* had ended {MIDDLE}",
    ),
    crashing(
        "shutting_its_connection_down_before_it_answers", rf"launch 1 (ended itself|exited with status 1) .*{MIDDLE}",
        "the connection to traingate's controller was closed, or has been shut down",
    ),
    answering("answering_garbage", rf"launch 1 sent an answer {MIDDLE} that cannot be read"),
    answering("answering_a_deep_list", rf"launch 1 sent an answer {MIDDLE} that cannot be read"),
    answering("answering_a_wrong_type", rf"launch 1 sent an answer {MIDDLE} that cannot be read"),
    answering("answering_not_a_number", rf"launch 1 sent an answer {MIDDLE} that cannot be read"),
    answering("answering_a_negative_number", r"launch 1 sent an answer after its last step .* peak_rss_bytes is -"),
    answering("answering_without_phases", rf"launch 1 sent an answer {MIDDLE} .* phase_seconds has no data"),
    answering("answering_phases_without_end", rf"launch 1 sent an answer {MIDDLE} .* phase_seconds has 1e\+200 s in all"),
    answering("answering_a_negative_phase", rf"launch 1 sent an answer {MIDDLE} .* phase_seconds has a phase of -0\.5 s"),
    answering("answering_no_environment", r"launch 1, after its last step: its answer cannot be right: environment"),
    answering("answering_too_many_values", rf"launch 1 sent an answer {MIDDLE} .* more than 1,000,000 values"),
    answering("answering_too_many_nested_values", rf"launch 1 sent an answer {MIDDLE} .* more than 1,000,000 values"),
    answering("answering_a_long_message", rf"launch 1 sent an answer {MIDDLE} .* message has 10,000,000 characters"),
    answering("answering_a_long_traceback", rf"launch 1 sent an answer {MIDDLE} .* traceback has 10,000,000 characters"),
    answering("answering_long_reasons", r"launch 1 sent an answer after its last step .* reasons has 10,000,000"),
    answering("answering_a_long_environment", r"launch 1 sent an answer after its last step .* environment has 10,000,000"),
    answering("answering_a_batch_of_nothing", r"launch 1 sent an answer while it built .* batch_size is 0"),
    answering("answering_batches_without_end", r"launch 1 sent an answer while it built .* prefetched_batches is 9000000"),
    answering("answering_another_form", r"launch 1, while it built the training: its answer cannot be right: form"),
    answering("answering_something_else", rf"launch 1 answered WarmUp {MIDDLE}, not Stepped"),
    answering("answering_with_a_huge_length", rf"launch 1 sent an answer {MIDDLE} that cannot be read, longer than 64 MiB"),
    answering("answering_half", rf"launch 1 sent an answer {MIDDLE} that cannot be read, a message broke off"),
    answering("answering_twice", r"launch 1, in step 3 of 4: the answer is that of step 2"),
)  # fmt: skip

CLOCKS = (
    meddling("clock_standing_still", CLOCK),
    meddling("clock_of_half_speed", CLOCK),
    meddling("clock_of_double_speed", CLOCK),
    meddling("clock_that_stops_in_measured_steps", CLOCK),
    meddling("clock_moved_by_sleeping", CLOCK),
)

DATA = (
    meddling("losing_numbers"),
    meddling("losing_bounds"),
    meddling("losing_plain_numbers"),
    meddling(
        "ending_early",
        r"launch 1, in step 3 of 4: .*the dataset ended, and gave no batch when it was read again",
    ),
    meddling(
        "ending_before_a_batch",
        r"launch 1, in its first step: .*the dataset has no whole batch of 4 samples",
    ),
    meddling(
        "ending_before_its_length",
        rf"the workload raised in launch 1, {MIDDLE}",
        "sample 14 is not there",
    ),
)

DUETS = (
    on_base("killed_in_step", "was killed by SIGKILL"),
    on_base("hanging_in_python", rf"gave no answer within {HANG_SECONDS} s"),
    on_base("shutting_its_connection_down", "ended itself since its connection"),
    on_base("answering_half", "a message broke off"),
    on_base("answering_without_phases", "phase_seconds has no data"),
    on_base("answering_phases_without_end", r"phase_seconds has 1e\+200 s in all"),
    on_base("clock_of_half_speed", "passed on the worker's clock"),
    on_base("forking_into_a_session"),
    on_base("leaving_a_daemon"),
    on_base("sharing_memory"),
)

GROUPS = {
    "hangs": HANGS,
    "deaths": DEATHS,
    "outside": OUTSIDE,
    "resources": SHORTAGES + CHILDREN,
    "output": OUTPUT + MESSAGES,
    "numbers": CLOCKS + DATA,
    "duets": DUETS,
}
"""Faults by group; those of a group happen in one run of pytest, one after the other."""

OPTIONS = {
    "hangs": (f"--traingate-timeout={HANG_SECONDS}",),
    "deaths": ("--traingate-profile=profiles",),
    "outside": ("--traingate-launches=3",),
    "duets": (
        "--traingate-against=HEAD",
        "--traingate-launches=2",
        f"--traingate-timeout={HANG_SECONDS}",
    ),
}
"""Further options of the runs of some groups."""


def source_of(faults: tuple[Fault, ...]) -> str:
    """Return tests with these faults, and after them one of a training that works."""
    lines = ["import pathlib, answering, crashing, meddling, outside, trainings", ""]
    for fault in faults:
        body = fault.test or f"training_benchmark({fault.module}.{fault.name})"
        lines += [f"def test_{fault.name}(training_benchmark):", f"    {body}", ""]
    lines += [
        "def test_sound(training_benchmark):",
        "    training_benchmark(trainings.sleeping)",
        "",
    ]
    return "\n".join(lines)
