"""Become a child that cannot outlive its parent, then run a command: `python -I -S launch.py PARENT SIGNAL ACCOUNT COMMAND...`.

This runs between fork and the real program, in a process of its own, because code that runs in a forked copy of a
threaded parent can hang. ACCOUNT is `-`, or a user that root gives itself up for (PostgreSQL refuses to run as root).
That user is left one right, to read and pass every folder, for the checkout may lie in one that only root may enter.
"""

import ctypes
import os
import pwd
import signal
import sys

# From linux/prctl.h, linux/capability.h and linux/securebits.h.
PR_SET_PDEATHSIG = 1
PR_SET_KEEPCAPS = 8
PR_SET_SECUREBITS = 28
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
SECBIT_NO_SETUID_FIXUP = 4
CAP_DAC_READ_SEARCH = 2
CAPABILITY_VERSION_3 = 0x20080522


class CapabilityHeader(ctypes.Structure):
    """The kernel's `__user_cap_header_struct`: which version of the call, and for which process (0: this one)."""

    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class CapabilitySets(ctypes.Structure):
    """The kernel's `__user_cap_data_struct`: one bit a capability."""

    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


def become(account: str) -> None:
    """Change to `account`, keeping the right to read and search where the kernel lets it be kept."""
    user = pwd.getpwnam(account)
    libc = ctypes.CDLL(None, use_errno=True)
    linux = sys.platform == "linux"
    if linux:
        # access(2) judges by the real user's rights unless this bit is set, and initdb asks it about its own binaries.
        libc.prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0)
        libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)
    if linux:
        header = CapabilityHeader(CAPABILITY_VERSION_3, 0)
        one = 1 << CAP_DAC_READ_SEARCH
        kept = (CapabilitySets * 2)(CapabilitySets(one, one, one), CapabilitySets(0, 0, 0))
        if libc.capset(ctypes.byref(header), kept) != 0:
            # A container may have taken the capability away: go on as a plain user.
            libc.capset(ctypes.byref(header), (CapabilitySets * 2)())
        libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_READ_SEARCH, 0, 0)


def main(parent: int, death_signal: int, account: str, command: list[str]) -> None:
    """Take on `account`, bind this process's life to `parent`'s, and turn into `command`."""
    if account != "-":
        become(account)
    if sys.platform == "linux":
        # After the change of user, which clears it.
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)
    os.execv(command[0], command)  # noqa: S606 - to become the command is the point


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:])
