"""jsii's Node process, which runs CDKTF: started early, and given less to do.

jsii starts Node for the first package that is loaded and waits for it and for each that follows. Here
they load in a thread, while Python reads settings and makes its own classes.
"""

import hashlib
import sys
from collections.abc import Callable, Collection
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread, main_thread
from typing import Any

from ingestion_pipeline.synth_speed import node_hook

PACKAGE = "cdktf_cdktf_provider_aws"
NPM_PACKAGE = "@cdktf/provider-aws"
TRIMMED = Path(sys.prefix, "share", "ingestion-pipeline")
"""Where packages with only the used modules lie; in the environment that the whole ones are installed in."""


def start() -> None:
    """Start Node and return at once; a second time does nothing."""
    if LoadsAhead.started:
        return
    runs = "jsii" in sys.modules
    import jsii

    begin = node_hook.load if runs or not node_hook.FILE.is_file() else node_hook.start_with
    jsii.kernel.provider = LoadsAhead(jsii.kernel, begin)  # type: ignore[assignment]


class LoadsAhead:
    """Stands in for jsii's provider until the first call that needs an answer, which waits for all loads.

    Args:
        kernel: Whose provider it is; it gets it back.
        begin: Called with that provider before anything is loaded.

    Attributes:
        started: Whether there is or was one: Node needs its hook once.
    """

    started = False

    def __init__(self, kernel: Any, begin: Callable[[Any], None]) -> None:
        LoadsAhead.started = True
        self.kernel = kernel
        self.provider = kernel.provider
        self.begin = begin
        self.bindings: Any = None
        self.requests = SimpleQueue[Any]()
        self.failure: Exception | None = None
        self.thread = Thread(target=self.run, name="jsii-loads-ahead")
        self.thread.start()

    def load(self, request: Any) -> None:
        """Have the thread load a package, after those before it; the next call raises what went wrong."""
        if Path(request.tarball).parent.name != "_jsii":
            # Unpacked from a zipped package, and only for as long as this call takes.
            self.__getattr__("load")(request)
        elif request.name == NPM_PACKAGE:
            # Which of its modules are used is known when all have been imported.
            self.bindings = request
        else:
            self.requests.put(request)

    def run(self) -> None:
        """Load what is asked for, until nothing more is or something fails."""
        try:
            self.begin(self.provider)
            while request := self.next_request():
                self.provider.load(request)
        except Exception as error:
            self.failure = error

    def next_request(self) -> Any:
        """What to load next; None when that is all, or when the program ends before it needs Node."""
        while main_thread().is_alive():
            try:
                return self.requests.get(timeout=0.05)
            except Empty:
                continue
        return None

    def __getattr__(self, name: str) -> Any:
        if self.bindings:
            self.requests.put(trimmed(self.bindings))
        self.requests.put(None)
        self.thread.join()
        self.kernel.provider = self.provider
        if self.failure:
            raise self.failure
        return getattr(self.provider, name)


def trimmed(request: Any) -> Any:
    """The request for the package of only the modules that Python has imported, if somebody has made it."""
    file = trimmed_file(request.tarball, used_modules())
    return type(request)(request.name, request.version, str(file)) if file.is_file() else request


def trimmed_file(tarball: str, modules: Collection[str]) -> Path:
    """Where the package with only ``modules`` of ``tarball`` would be; another set is another file."""
    digest = hashlib.sha256("\n".join(sorted(modules)).encode()).hexdigest()[:16]
    return TRIMMED / f"{Path(tarball).name}-{digest}.tgz"


def used_modules() -> set[str]:
    """The modules of the bindings that Python has imported, such as ``s3_bucket``."""
    return {name.split(".")[1] for name in sys.modules if name.startswith(f"{PACKAGE}.")} - {"_jsii"}
