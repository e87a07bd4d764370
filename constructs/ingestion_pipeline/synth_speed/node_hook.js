// Runs in jsii's Node before anything else (node_hook.py). It edits some files while Node reads them, so that
// they load less. A file whose contents are not as expected stays unchanged.
'use strict';
const fs = require('fs');
const Module = require('module');
const path = require('path');
const { Writable } = require('stream');

// The file descriptors on which jsii's program talks to its launcher, and those that lead to Python directly.
const CHANNEL = 'readFD:3,writeFD:3';
const OWN_CHANNEL = 'readFD:0,writeFD:1';
let program;

const EDITS = [
  // The index of the provider's bindings: load each of its 1,500 modules when it is first used.
  [/[\\/]provider-aws[\\/]lib[\\/]index\.js$/, (source) => source.replace(
    /^exports\.(\w+) = ((?:__importStar\()?require\("\.\/[^"]+"\)\)?);$/gm,
    'Object.defineProperty(exports, "$1", { enumerable: true, get: () => $2 });',
  )],
  // CDKTF's zip library: load it when it is called. A pipeline never does.
  [/[\\/]cdktf[\\/]lib[\\/]private[\\/]fs\.js$/, (source) => source.replace(
    /^const archiver = require\("archiver"\);$/m,
    'const archiver = (...options) => require("archiver")(...options);',
  )],
  // jsii's launcher: it starts a second Node and forwards that one's output. Run jsii's program right here.
  [/[\\/]bin[\\/]jsii-runtime\.js$/, (source, filename) => {
    const found = path.resolve(path.dirname(filename), '..', 'lib', 'program.js');
    if (process.env.NODE_PRESERVE_SYMLINKS !== '1' || !fs.readFileSync(found, 'utf8').includes(CHANNEL)) {
      return source;
    }
    program = found;
    // The launcher starts its Node with this option, and jsii's program looks for it.
    process.execArgv.push('--preserve-symlinks');
    forwardOutput('stdout');
    forwardOutput('stderr');
    return `require(${JSON.stringify(found)});`;
  }],
  [/[\\/]lib[\\/]program\.js$/, (source, filename) => {
    if (filename !== program) return source;
    // Programs that this one starts must not inherit the hook.
    process.env.NODE_OPTIONS = process.env.NODE_OPTIONS.replace(/ ?--require "[^"]*node_hook\.js"/, '');
    delete process.env.NODE_PRESERVE_SYMLINKS;
    return source.replace(CHANNEL, OWN_CHANNEL);
  }],
];

// Sends what JavaScript prints to jsii in Python, in the form in which the launcher would send it.
function forwardOutput(name) {
  const stream = new Writable({
    write(chunk, encoding, done) {
      fs.writeSync(2, `${JSON.stringify({ [name]: chunk.toString('base64') })}\n`);
      done();
    },
  });
  Object.defineProperty(process, name, { configurable: true, enumerable: true, value: stream });
}

const compile = Module.prototype._compile;
Module.prototype._compile = function (source, filename, ...rest) {
  for (const [file, edit] of EDITS) {
    if (file.test(filename)) source = edit(source, filename);
  }
  return compile.call(this, source, filename, ...rest);
};
