"""jsii's Node process, which runs CDKTF: started early, and given less to do.

jsii starts Node for the first package that is loaded and waits for it and for each that follows. Here
they load behind the caller's back, while Python reads settings and makes its own classes. And Node gets
a hook that makes two files load only what is used: the index of the provider's bindings (its 1,500
modules take 10 s and 1 GB), and CDKTF's zip library. A file laid out differently is loaded as it is.

Upstream: https://github.com/hashicorp/terraform-cdk/issues/3753.
"""

import json
import os
from pathlib import Path
from queue import SimpleQueue
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any

PROVIDER_INDEX = r"[\\/]provider-aws[\\/]lib[\\/]index\.js$"
CDKTF_FILES = r"[\\/]cdktf[\\/]lib[\\/]private[\\/]fs\.js$"

HOOK = f"""
const Module = require('module');
const compile = Module.prototype._compile;
Module.prototype._compile = function (source, filename, ...rest) {{
  if (/{PROVIDER_INDEX}/.test(filename)) {{
    source = source.replace(/^exports\\.(\\w+) = ((?:__importStar\\()?require\\("\\.\\/[^"]+"\\)\\)?);$/gm,
      'Object.defineProperty(exports, "$1", {{ enumerable: true, get: () => $2 }});');
  }}
  if (/{CDKTF_FILES}/.test(filename)) {{
    source = source.replace(/^const archiver = require\\("archiver"\\);$/m,
      'const archiver = (...options) => require("archiver")(...options);');
  }}
  return compile.call(this, source, filename, ...rest);
}};
"""


def start() -> None:
    """Start Node and return at once; not a second time, and not where ``INGESTION_PLAIN_IMPORTS`` is set."""
    if LoadsAhead.started or os.environ.get("INGESTION_PLAIN_IMPORTS"):
        return
    import jsii

    jsii.kernel.provider = LoadsAhead(jsii.kernel)  # type: ignore[assignment]


class LoadsAhead:
    """Stands in for jsii's provider until the first call that needs an answer, which waits for all loads.

    Attributes:
        started: Whether there is or was one: Node needs its hook once.
    """

    started = False

    def __init__(self, kernel: Any) -> None:
        LoadsAhead.started = True
        self.kernel = kernel
        self.provider = kernel.provider
        self.requests = SimpleQueue[Any]()
        self.failure: Exception | None = None
        # A daemon, so that a program that ends before it needs Node, as for a bad setting, just ends.
        self.thread = Thread(target=self.run, name="jsii-loads-ahead", daemon=True)
        self.thread.start()

    def load(self, request: Any) -> None:
        """Have the thread load a package, after those before it; the next call raises what went wrong."""
        if Path(request.tarball).parent.name == "_jsii":
            self.requests.put(request)
        else:
            # Unpacked from a zipped package, and only for as long as this call takes.
            self.__getattr__("load")(request)

    def run(self) -> None:
        """Load the hook and then what is asked for, until nothing more is or one fails."""
        try:
            load_hook(self.provider)
            while (request := self.requests.get()) is not None:
                self.provider.load(request)
        except Exception as error:
            self.failure = error

    def __getattr__(self, name: str) -> Any:
        self.requests.put(None)
        self.thread.join()
        self.kernel.provider = self.provider
        if self.failure:
            raise self.failure
        return getattr(self.provider, name)


def load_hook(provider: Any) -> None:
    """Load the hook as jsii loads code: as a package, here a tiny one."""
    import io
    import tarfile

    from jsii._kernel.types import LoadRequest

    name, version = "lazy-provider-index", "1.0.0"
    about = {
        "name": name,
        "version": version,
        "license": "Apache-2.0",
        "description": name,
        "homepage": name,
        "repository": {"type": "git", "url": name},
        "author": {"name": name, "roles": ["author"]},
    }
    assembly = {**about, "schema": "jsii/0.10.0", "jsiiVersion": "5.0.0", "fingerprint": "*", "types": {}}
    files = {
        "package.json": json.dumps({**about, "main": "index.js"}),
        ".jsii": json.dumps(assembly),
        "index.js": HOOK,
    }
    with TemporaryDirectory() as folder:
        # A plain tar: without gzip's time stamp it is the same entry of jsii's cache each time.
        tarball = Path(folder, f"{name}.tar")
        with tarfile.open(tarball, "w") as archive:
            for path, text in files.items():
                entry = tarfile.TarInfo(f"package/{path}")
                entry.size = len(text.encode())
                archive.addfile(entry, io.BytesIO(text.encode()))
        provider.load(LoadRequest(name=name, version=version, tarball=str(tarball)))
