// Compiles Python modules in the pinned compiler: JSON on standard input, JSON on standard output.
// node compiling.mjs <folder of Pyodide> <compiling.py>  {"path": "source, base64"} -> {"path": "bytecode, base64"}
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { pathToFileURL } from "node:url";

const COMPILE_ALL = `
import base64, json
json.dumps({
    path: base64.b64encode(bytecode(base64.b64decode(source), path)).decode()
    for path, source in json.loads(modules).items()
})
`;
const [folder, program] = process.argv.slice(2);
try {
  const { loadPyodide } = await import(pathToFileURL(join(folder, "pyodide.mjs")));
  // Nothing of this machine gets in: with `env`, Pyodide takes no variable from the process.
  const env = { HOME: "/home", PYTHONHASHSEED: "0" };
  const python = await loadPyodide({ indexURL: folder, env, stdout: console.error });
  python.globals.set("modules", await text(process.stdin));
  python.runPython(readFileSync(program, "utf8"));
  process.stdout.write(python.runPython(COMPILE_ALL));
} catch (error) {
  // Node itself would print the line where it was thrown, which is a megabyte long.
  console.error(error.message);
  process.exitCode = 1;
}
