from traingate.worker.profiling.names import MODULE_PREFIX, PHASE_PREFIX, STEP
from traingate.worker.profiling.trace import PYTHON, read_trace

BACKWARD = "autograd::engine::evaluate_function: ConvolutionBackward0"


def event(name, start, end, *, category="cpu_op", thread=1, **arguments):
    return {"ph": "X", "cat": category, "name": name, "ts": start, "dur": end - start, "tid": thread,
            "args": arguments}  # fmt: skip


def note(name, start, end):
    return event(name, start, end, category="user_annotation")


def conv(start, end, number):
    return event(
        "aten::conv2d", start, end, **{
            "Sequence number": number,
            "Input type": ["float", "Scalar", "float"],
            "Input Dims": [[8, 3, 4, 4], [], [2, 3, 1, 1]],
            "Input Strides": [[48, 1, 12, 3], [], [3, 1, 1, 1]],
        }
    )  # fmt: skip


ONE_STEP = [
    note(STEP, 0, 100),
    note(PHASE_PREFIX + "data", 10, 10),
    note(MODULE_PREFIX + "(model)", 12, 42),
    note(MODULE_PREFIX + "layer1.0", 14, 30),
    conv(16, 26, 7),
    event("aten::relu", 32, 36, **{"Sequence number": 8}),
    note(PHASE_PREFIX + "forward", 50, 50),
    event(BACKWARD, 52, 80, **{"Sequence number": 7}),
    event("aten::convolution_backward", 54, 78),
    note(PHASE_PREFIX + "backward", 82, 82),
    note("Optimizer.step#SGD.step", 84, 94),
    note(PHASE_PREFIX + "optimizer", 96, 96),
    event("aten::add", 20, 40, thread=2),
]


def seconds(table):
    return {key[:3]: cell.microseconds for key, cell in table.cells.items()}


def test_an_operator_belongs_to_the_innermost_module_and_to_its_phase():
    cells = seconds(read_trace(ONE_STEP))
    assert cells["forward", "layer1.0", "aten::conv2d"] == 10
    assert cells["forward", "(model)", "aten::relu"] == 4
    assert cells["optimizer", "", "Optimizer.step#SGD.step"] == 10


def test_an_operator_of_backward_belongs_to_the_module_of_its_forward_operator():
    cells = seconds(read_trace(ONE_STEP))
    assert cells["backward", "layer1.0", "aten::convolution_backward"] == 24
    assert cells["backward", "layer1.0", BACKWARD] == 4


def test_the_last_operator_with_a_sequence_number_is_the_one_of_backward():
    earlier = [
        note(MODULE_PREFIX + "early", 13, 14),
        event("aten::empty", 13.2, 13.4, **{"Sequence number": 7}),
    ]
    cells = seconds(read_trace([*ONE_STEP, *earlier]))
    assert cells["backward", "layer1.0", "aten::convolution_backward"] == 24


def test_time_between_operators_is_that_of_python_in_its_module_and_phase():
    cells = seconds(read_trace(ONE_STEP))
    assert cells["forward", "layer1.0", PYTHON] == 6
    assert cells["forward", "(model)", PYTHON] == 10
    assert cells["data", "", PYTHON] == 10
    assert cells["other", "", PYTHON] == 4


def test_all_cells_add_up_to_the_step_and_other_threads_are_left_out():
    table = read_trace(ONE_STEP)
    assert sum(cell.microseconds for cell in table.cells.values()) == table.microseconds == 100
    assert not any(key[2] == "aten::add" for key in table.cells)


def test_inputs_have_types_shapes_and_layouts():
    table = read_trace(ONE_STEP)
    inputs = next(key[3] for key in table.cells if key[2] == "aten::conv2d")
    assert inputs == "float[8, 3, 4, 4] channels_last, float[2, 3, 1, 1]"
    assert table.input_types["aten::conv2d"] == {"float"}


def test_the_peak_of_memory_is_that_over_the_start_of_the_step():
    def memory(time, change, total):
        arguments = {"Device Type": 0, "Bytes": change, "Total Allocated": total}
        return {"ph": "i", "name": "[memory]", "ts": time, "args": arguments}

    events = [
        memory(-5, 9, 9999),
        memory(15, 100, 1100),
        memory(55, 400, 1500),
        memory(60, -500, 1000),
    ]
    assert read_trace([*ONE_STEP, *events]).peak_bytes == {"forward": 100, "backward": 500}
