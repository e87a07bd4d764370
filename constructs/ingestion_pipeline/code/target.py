"""Where the zip will run, and the error when it cannot be made."""

import platform
import sys
from dataclasses import dataclass

# glibc of each runtime's system: 2.26 on Amazon Linux 2, 2.34 on Amazon Linux 2023.
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
GLIBC = {"python3.11": ("2014", "_2_17", "_2_24"), "python3.12": ("2014", "_2_17", "_2_28", "_2_34")}
GLIBC["python3.13"] = GLIBC["python3.12"]


class BundleError(RuntimeError):
    """When the zip cannot be made: a wheel is missing, does not match its hash, or there is no network."""


@dataclass(frozen=True)
class Target:
    """Where the zip will run.

    Attributes:
        runtime: Lambda's name, such as ``python3.13``.
        architecture: ``arm64`` or ``x86_64``.
        on_host: True for this machine, with its own wheels.
    """

    runtime: str
    architecture: str
    on_host: bool = False

    @classmethod
    def of(cls, runtime: str, architecture: str) -> "Target":
        """The target of two settings, of which ``host`` stands for this Python and this processor."""
        own_runtime = f"python3.{sys.version_info.minor}"
        own_architecture = "arm64" if platform.machine().lower() in {"arm64", "aarch64"} else "x86_64"
        on_host = "host" in {runtime, architecture}
        return cls(
            own_runtime if runtime == "host" else runtime,
            own_architecture if architecture == "host" else architecture,
            on_host,
        )

    def pip_options(self) -> list[str]:
        """The options of pip for wheels of the target instead of the running Python."""
        if self.on_host:
            return []
        machine = "aarch64" if self.architecture == "arm64" else "x86_64"
        options = ["--implementation", "cp", "--python-version", self.runtime.removeprefix("python")]
        return options + [
            part for libc in GLIBC[self.runtime] for part in ("--platform", f"manylinux{libc}_{machine}")
        ]
