"""Two linked programs talk over one line, and neither outlives the other by much."""

import os
import signal
import threading
import time

import pytest

from burnish.sandbox.execution import ErrorKind, Limits
from burnish.sandbox.pool import Sandbox
from burnish.sandbox.settings import SandboxConfig

LIMITS = Limits(timeout_s=30.0)
ASK = "import os\nos.write(4, {question!r})\nos.read(4, 99)"
ECHO = "import os\nquestion = os.read(4, 99)\nos.write(4, question.upper())\nlen(question)"


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox(SandboxConfig(num_servers=1)) as sandbox:
        yield sandbox


def ask(question: bytes) -> str:
    return ASK.format(question=question) + ".decode()"


def test_linked_programs_talk_and_each_has_an_execution_of_its_own(sandbox):
    pairs = [(ask(b"hello"), ECHO), (ask(b"you"), ECHO)]
    (hello, five), (you, three) = sandbox.execute_linked(pairs, LIMITS)
    assert [hello.value, five.value] == ["HELLO", 5]
    assert [you.value, three.value] == ["YOU", 3]
    assert sandbox.execute_linked([], LIMITS) == []


def test_linked_programs_stand_under_different_servers():
    with Sandbox(SandboxConfig(num_servers=1)) as sandbox:
        sandbox.execute_linked([("1", "2")], LIMITS)
        assert [server.num_programs for server in sandbox.servers()] == [1, 1]


def test_a_program_of_its_own_has_no_link(sandbox):
    execution = sandbox.execute("import os; os.fstat(4)", LIMITS)
    assert execution.message.startswith("OSError")


@pytest.mark.parametrize("ending", ["os._exit(0)", "1 / 0", "os.kill(os.getpid(), 9)"])
def test_a_program_reads_the_end_of_its_stream_when_the_other_has_ended(sandbox, ending):
    ends = f"import os\nos.write(4, b'x')\n{ending}"
    reads = "import os\n[os.read(4, 9) == b'x', os.read(4, 9) == b'']"
    for pair in ((ends, reads), (reads, ends)):
        (executions,) = sandbox.execute_linked([pair], LIMITS)
        assert executions[pair.index(reads)].value == [True, True]
        assert executions[pair.index(ends)].error is not None


def test_a_program_that_ignores_the_others_end_is_ended(sandbox):
    started = time.monotonic()
    ((_, endless),) = sandbox.execute_linked([("1", "while True: pass")], LIMITS)
    assert endless.error is ErrorKind.KILLED
    assert time.monotonic() - started < LIMITS.timeout_s / 2


def test_a_time_out_of_one_program_ends_the_other(sandbox):
    waits = "import os\nos.read(4, 9) == b''"
    (executions,) = sandbox.execute_linked([("while True: pass", waits)], Limits(timeout_s=0.5))
    assert executions[0].error is ErrorKind.TIMEOUT
    assert executions[1].value is True or executions[1].error is ErrorKind.TIMEOUT


def test_many_pairs_come_back_in_order():
    pairs = [(ask(b"x" * n), ECHO) for n in range(1, 30)]
    with Sandbox(SandboxConfig(num_servers=2)) as sandbox:
        ended = sandbox.execute_linked(pairs, LIMITS)
    assert [second.value for _, second in ended] == list(range(1, 30))


def test_a_pair_whose_server_dies_is_run_again(sandbox):
    with Sandbox(SandboxConfig(num_servers=2)) as sandbox:
        sandbox.execute_linked([("1", "2")] * 2, LIMITS)
        victim = sandbox.servers()[0].pid
        killer = threading.Timer(0.2, os.kill, (victim, signal.SIGKILL))
        killer.start()
        waits = "import time; time.sleep(0.6); 7"
        ended = sandbox.execute_linked([(waits, waits), (ask(b"x"), ECHO)], LIMITS)
        killer.join()
    assert [e.value for pair in ended for e in pair] == [7, 7, "X", 1]
