"""Starts jsii's Node process early and loads packages into it from a thread.

jsii starts Node when the first package is loaded, and waits for that load and for each that follows.
Here a thread waits, while Python reads the settings and defines its own classes. The package's
docstring has the whole picture.
"""

import hashlib
import sys
from collections.abc import Callable, Collection, Sequence
from importlib.abc import MetaPathFinder
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Lock, Thread, main_thread
from types import ModuleType
from typing import Any

from ingestion_pipeline.synth_speed import node_hook

PACKAGE = "cdktf_cdktf_provider_aws"
NPM_PACKAGE = "@cdktf/provider-aws"
WHOLE_PACKAGE = "@ingestion-pipeline/provider-aws"
"""Name of the whole package next to the trimmed one."""

TRIMMED = Path(sys.prefix, "share", "ingestion-pipeline")
"""Folder of the trimmed packages: in the virtual environment that has the whole ones."""

TRIMMED_FORMAT = 2
"""Of the trimmed packages; those of another one are not taken."""


def start() -> None:
    """Start Node with the hook and return at once; to be called once in a process."""
    is_running = "jsii" in sys.modules
    import jsii

    # From within a zip, Node cannot read the hook's file before it runs.
    begin = node_hook.load if is_running or not node_hook.FILE.is_file() else node_hook.start_with
    jsii.kernel.provider = BackgroundLoader(jsii.kernel, begin)  # type: ignore[assignment]


class BackgroundLoader:
    """Stands in for jsii's provider until the first call that needs an answer; that call waits for all loads.

    Args:
        kernel: jsii's kernel, which gets its own provider back after that call.
        begin: Called with that provider before anything is loaded.
    """

    def __init__(self, kernel: Any, begin: Callable[[Any], None]) -> None:
        self.kernel = kernel
        self.provider = kernel.provider
        self.begin = begin
        self.bindings: Any = None
        self.requests = SimpleQueue[Any]()
        self.failure: Exception | None = None
        self.finishing = Lock()
        self.thread = Thread(target=self.run, name="jsii-background-loader")
        self.thread.start()

    def load(self, request: Any) -> None:
        """Queue a package for the thread; a failure is raised by the first call that waits."""
        if Path(request.tarball).parent.name != "_jsii":
            # A temporary file, unpacked from a package within a zip: it is deleted after this call.
            self.__getattr__("load")(request)
        elif request.name == NPM_PACKAGE:
            # Loaded last: only then Python has imported every module that it uses.
            self.bindings = request
        else:
            self.requests.put(request)

    def run(self) -> None:
        """Load the queued packages until the queue is closed, the program ends or a load fails."""
        try:
            self.begin(self.provider)
            while request := self.next_request():
                self.provider.load(request)
        except Exception as error:
            self.failure = error

    def next_request(self) -> Any:
        """The next package to load; None at the end, also of a program that never uses Node."""
        while main_thread().is_alive():
            try:
                return self.requests.get(timeout=0.05)
            except Empty:
                continue
        return None

    def finish(self) -> None:
        """Load what is still queued and give jsii its own provider back.

        Raises:
            Exception: The error of a load.
        """
        with self.finishing:
            if self.kernel.provider is self:
                if self.bindings:
                    self.requests.put(self.chosen_bindings())
                self.requests.put(None)
                self.thread.join()
                # The main thread may have ended, and the loading thread with it, before a worker came here.
                while not self.failure and not self.requests.empty():
                    if request := self.requests.get():
                        self.provider.load(request)
                self.kernel.provider = self.provider
        if self.failure:
            raise self.failure

    def chosen_bindings(self) -> Any:
        """The request for the trimmed package of the imported modules, or for the whole if there is none."""
        request = trimmed(self.bindings)
        if request is not self.bindings:
            sys.meta_path.insert(0, LateImports(self.provider, self.bindings))
        return request

    def __getattr__(self, name: str) -> Any:
        self.finish()
        return getattr(self.provider, name)


class LateImports(MetaPathFinder):
    """Loads the whole package into Node when Python imports a module that the trimmed one may lack.

    Args:
        provider: jsii's connection to Node.
        whole: The request for the whole package.
    """

    def __init__(self, provider: Any, whole: Any) -> None:
        self.provider = provider
        self.whole: Any = whole

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        """Find nothing: the other finders do."""
        del path, target
        if self.whole and fullname.startswith(f"{PACKAGE}."):
            whole, self.whole = self.whole, None
            # Under a name of its own: to jsii the trimmed package is this one, and it loads none twice.
            self.provider.load(type(whole)(WHOLE_PACKAGE, whole.version, whole.tarball))


def trimmed(request: Any) -> Any:
    """The request for the trimmed package of the imported modules if it exists, else the request as it is."""
    file = trimmed_file(request.tarball, used_modules())
    return type(request)(request.name, request.version, str(file)) if file.is_file() else request


def trimmed_file(tarball: str, modules: Collection[str]) -> Path:
    """Path of the trimmed package of ``tarball`` with ``modules``; each set of modules has its own file."""
    content = "\n".join([str(TRIMMED_FORMAT), *sorted(modules)])
    digest = hashlib.sha256(content.encode()).hexdigest()[:16]
    return TRIMMED / f"{Path(tarball).name}-{digest}.tgz"


def used_modules() -> set[str]:
    """The modules of the bindings that Python has imported, such as ``s3_bucket``."""
    return {name.split(".")[1] for name in sys.modules if name.startswith(f"{PACKAGE}.")} - {"_jsii"}
