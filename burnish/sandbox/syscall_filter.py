"""A short seccomp deny-list for one program's process, where the kernel offers it.

Refused with EPERM: new processes and program execution, signals to any other process, tracing and
writing to others' memory, changing others' limits. Threads stay allowed. It holds for root too,
which RLIMIT_NPROC does not. It is no isolation: files and the network stay open.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct
import sys

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
_CLONE_THREAD = 0x10000
_X32_CALLS = 0x40000000
_PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS, _MODE_FILTER = 22, 38, 2

# Linux system call numbers: AUDIT_ARCH, then those refused always, then those with an argument.
_AUDIT = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_REFUSED = {  # fork, vfork, execve, execveat, ptrace, process_vm_*, pidfd_send_signal, io_uring_*
    "x86_64": (57, 58, 59, 322, 101, 310, 311, 424, 425, 426, 427),
    "aarch64": (221, 281, 117, 270, 271, 424, 425, 426, 427),
}
_TO_SELF_ONLY = {  # kill, tkill, tgkill, rt_sigqueueinfo, rt_tgsigqueueinfo
    "x86_64": (62, 200, 234, 129, 297),
    "aarch64": (129, 130, 131, 138, 240),
}
_ZERO_ONLY = {"x86_64": (302,), "aarch64": (261,)}  # prlimit64 of the caller itself
_CLONE = {"x86_64": 56, "aarch64": 220}
_CLONE3 = 435  # refused as unknown, so that the C library falls back to clone


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def is_available() -> bool:
    """Whether this kernel and processor take the filter; forbids new privileges on the way."""
    if sys.platform != "linux" or platform.machine() not in _AUDIT:
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return False
    libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, None, 0, 0)
    return ctypes.get_errno() == errno.EFAULT  # it looked for a filter: it knows the mode


def install(own_pid: int) -> None:
    """Put the calling process under the filter, for good. Raises OSError."""
    code = _filter(platform.machine(), own_pid)
    buffer = ctypes.create_string_buffer(code, len(code))
    program = _Program(len(code) // 8, ctypes.cast(buffer, ctypes.c_void_p))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(program), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "seccomp")


def _filter(machine: str, own_pid: int) -> bytes:
    steps = [
        _step(_LOAD, _ARCHITECTURE),
        _step(_EQUAL, _AUDIT[machine], 1, 0),
        _step(_RETURN, _KILL),
        _step(_LOAD, _NUMBER),
    ]
    if machine == "x86_64":
        steps += [_step(_AT_LEAST, _X32_CALLS, 0, 1), _step(_RETURN, _KILL)]
    steps += [_step(_EQUAL, _CLONE3, 0, 1), _step(_RETURN, _REFUSE | errno.ENOSYS)]
    for number in _REFUSED[machine]:
        steps += [_step(_EQUAL, number, 0, 1), _step(_RETURN, _REFUSE | errno.EPERM)]
    steps += _allowed_if(_CLONE[machine], _ANY_BIT, _CLONE_THREAD)
    for number in _TO_SELF_ONLY[machine]:
        steps += _allowed_if(number, _EQUAL, own_pid)
    for number in _ZERO_ONLY[machine]:
        steps += _allowed_if(number, _EQUAL, 0)
    return b"".join([*steps, _step(_RETURN, _ALLOW)])


def _allowed_if(number: int, test: int, operand: int) -> list[bytes]:
    """Allow a call only where the low word of its first argument passes the test."""
    return [
        _step(_EQUAL, number, 0, 4),
        _step(_LOAD, _FIRST_ARGUMENT),
        _step(test, operand, 0, 1),
        _step(_RETURN, _ALLOW),
        _step(_RETURN, _REFUSE | errno.EPERM),
    ]


def _step(code: int, operand: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, operand & 0xFFFFFFFF)
