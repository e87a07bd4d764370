"""From the checkout to a deployed pipeline and back, by the commands that a user would run."""

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local_aws.demo.terraform_progress import Terraform
from local_aws.emulator.instance import CHECKOUT, Emulator
from local_aws.processes.commands import CommandFailed, output_of
from tools.ground import terraform
from tools.ground.paths import BUILD

ENVIRONMENT = "local"
FETCH = f"[environments.{ENVIRONMENT}.fetch]"
SETTINGS = "PIPELINE_TOML"
# The user's own choices for other work, such as TF_WORKSPACE, are not for this stack.
KEPT_TERRAFORM_VARIABLES = {
    "TF_CLI_CONFIG_FILE",
    "TF_PLUGIN_CACHE_DIR",
    "TF_PLUGIN_MIRROR",
    "TF_LOG",
    "TF_LOG_PATH",
}


@dataclass
class Deployment:
    """The stack of the environment ``local`` in one emulator.

    Args:
        emulator: Running.
        folder: The stack is synthesized here, not in cdktf.out.
        packing: Replaces the packing of pipeline.toml; empty keeps it.
    """

    emulator: Emulator
    folder: Path
    packing: str = ""

    @property
    def variables(self) -> dict[str, str]:
        """The environment of every command: Terraform's, this emulator's, and ``ENV=local``."""
        own = {
            name: value
            for name, value in terraform.environment().items()
            if not name.startswith("AWS_")
            and (not name.startswith("TF_") or name in KEPT_TERRAFORM_VARIABLES)
        }
        return {
            **own,
            **_plugin_cache(own),
            **self.emulator.environment,
            "ENV": ENVIRONMENT,
            "CDKTF_OUTDIR": str(self.folder / "cdktf.out"),
            "CI": "1",
            **self._other_settings(own),
        }

    def _other_settings(self, variables: Mapping[str, str]) -> dict[str, str]:
        """The variable with the file of the settings, if they are to have another packing."""
        if not self.packing:
            return {}
        text = Path(variables.get(SETTINGS, CHECKOUT / "pipeline.toml")).read_text(encoding="utf-8")
        file = self.folder / "pipeline.toml"
        file.write_text(with_packing(text, self.packing), encoding="utf-8")
        return {SETTINGS: str(file)}

    def synthesize(self) -> Path:
        """Synthesizes the stack. Returns its folder.

        Raises:
            CommandFailed: With the output of main.py.
        """
        self._python("main.py", "main.py")
        manifest = json.loads((self.folder / "cdktf.out" / "manifest.json").read_text(encoding="utf-8"))
        (stack,) = manifest["stacks"].values()
        return self.folder / "cdktf.out" / str(stack["workingDirectory"])

    def bootstrap(self) -> None:
        """Makes the bucket of the state as ``make bootstrap`` does.

        Raises:
            CommandFailed: With its output.
        """
        self._python("`make bootstrap`", "-m", "tools.deploy.bootstrap")

    def terraform(self, stack: Path) -> Terraform:
        """Terraform in the stack's folder."""
        return Terraform(stack, self.variables)

    def invoke(self, function: str, url: str) -> dict[str, Any]:
        """The function's answer for a URL.

        Raises:
            CommandFailed: With the function's own error and the tail of its log.
        """
        answer = self.emulator.client("lambda", attempts=1).invoke(
            FunctionName=function, Payload=json.dumps({"url": url}).encode()
        )
        payload: dict[str, Any] = json.loads(answer["Payload"].read())
        if "FunctionError" in answer or payload.get("statusCode") != 200:
            raise CommandFailed(
                f"The function could not fetch {url}: {_reason(payload)}\n{self._log_tail(function)}"
            )
        body: dict[str, Any] = json.loads(payload["body"])
        return body

    def _python(self, name: str, *arguments: str) -> None:
        output_of(name, [sys.executable, *arguments], folder=CHECKOUT, environment=self.variables)

    def _log_tail(self, function: str) -> str:
        logs = self.emulator.client("logs")
        try:
            events = logs.filter_log_events(logGroupName=f"/aws/lambda/{function}", limit=1000)["events"]
        except logs.exceptions.ResourceNotFoundException:
            return "It wrote no log."
        lines = "".join(f"\n  {event['message'].rstrip()}" for event in events[-12:])
        return f"The end of its log:{lines}"


def with_packing(text: str, packing: str) -> str:
    """A pipeline.toml whose environment of the demo has that packing, whatever it had before."""
    before, _, rest = f"\n{text}".partition(f"\n{FETCH}\n")
    own, bracket, after = rest.partition("\n[")
    kept = [line for line in own.splitlines() if not line.startswith("packing")]
    return "\n".join([before, FETCH, f"packing = {json.dumps(packing)}", *kept, ""]) + bracket[1:] + after


def _reason(payload: Mapping[str, Any]) -> str:
    kind = payload.get("errorType", f"status {payload.get('statusCode')}")
    return f"{kind}: {payload.get('errorMessage', payload.get('body', 'no reason given'))}"


def _plugin_cache(variables: Mapping[str, str]) -> dict[str, str]:
    """Without a mirror, the provider is downloaded once for all runs instead of once a run."""
    if "TF_CLI_CONFIG_FILE" in variables or "TF_PLUGIN_CACHE_DIR" in variables:
        return {}
    cache = BUILD / "terraform-plugins"
    cache.mkdir(parents=True, exist_ok=True)
    return {"TF_PLUGIN_CACHE_DIR": os.fspath(cache), "TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE": "true"}
