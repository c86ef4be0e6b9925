"""Reads a fork server's reply: what the process left behind, nothing of which is trusted."""

from __future__ import annotations

import os
import signal

from burnish.sandbox import values
from burnish.sandbox.execution import ErrorKind, Execution, Limits
from burnish.sandbox.wire import Reply


def execution_of(reply: Reply, limits: Limits) -> Execution:
    """Judge how a program ended; a limit it broke outweighs anything it says."""
    stdout = reply.stdout[: limits.output_bytes].decode("utf-8", "replace")
    exit_signal = os.WTERMSIG(reply.status) if os.WIFSIGNALED(reply.status) else 0
    if reply.timed_out or exit_signal == signal.SIGXCPU:
        error, message = ErrorKind.TIMEOUT, f"stopped after {limits.timeout_s:g} s"
    elif len(reply.stdout) > limits.output_bytes or exit_signal == signal.SIGXFSZ:
        error, message = ErrorKind.OUTPUT, f"wrote more than {limits.output_bytes} bytes"
    else:
        return _told(reply, stdout, exit_signal)
    return Execution(None, error, stdout, reply.seconds, message)


def _told(reply: Reply, stdout: str, exit_signal: int) -> Execution:
    if not reply.result:
        ending = f"ended by signal {exit_signal}" if exit_signal else "exited"
        return _killed(reply, stdout, f"{ending} before it had a value")
    try:
        told = values.decode_bytes(reply.result)
        if "value" in told:
            value = values.decode(told["value"])
            return Execution(value, None, stdout, reply.seconds)
        error = ErrorKind(str(told.get("error")))
    except (values.MalformedValueError, ValueError):
        return _killed(reply, stdout, "wrote to the sandbox's own pipe")
    return Execution(None, error, stdout, reply.seconds, str(told.get("message", ""))[:500])


def _killed(reply: Reply, stdout: str, message: str) -> Execution:
    return Execution(None, ErrorKind.KILLED, stdout, reply.seconds, message)
