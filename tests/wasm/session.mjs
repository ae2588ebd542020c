// Runs pytest in CPython for WebAssembly: node session.mjs PYODIDE PACKAGES TESTS [OPTION ...]
const [pyodide, packages, tests, ...options] = process.argv.slice(2);
const { loadPyodide } = await import(`${pyodide}/pyodide.mjs`);
const python = await loadPyodide({
  stdout: (line) => console.log(line),
  stderr: (line) => console.error(line),
});
for (const [root, folder] of [[packages, "/packages"], [tests, "/tests"]]) {
  python.FS.mkdirTree(folder);
  python.FS.mount(python.FS.filesystems.NODEFS, { root }, folder);
}
python.globals.set("options", python.toPy(options));
process.exit(python.runPython(`
import os, sys

sys.dont_write_bytecode = True
sys.path.insert(0, "/packages")
os.chdir("/tests")
import pytest

int(pytest.main(["-p", "no:cacheprovider", *options]))
`));
