// Runs in jsii's Node before anything else does (node.py) and has files load less than they would.
// A file that is laid out differently is left as it is.
'use strict';
const fs = require('fs');
const Module = require('module');
const path = require('path');
const { Writable } = require('stream');

// How jsii's program talks to its launcher, and how it can to Python itself.
const CHANNEL = 'readFD:3,writeFD:3';
const OWN_CHANNEL = 'readFD:0,writeFD:1';
let program;

const EDITS = [
  // The index of the provider's bindings: each of its 1,500 modules when it is asked for.
  [/[\\/]provider-aws[\\/]lib[\\/]index\.js$/, (source) => source.replace(
    /^exports\.(\w+) = ((?:__importStar\()?require\("\.\/[^"]+"\)\)?);$/gm,
    'Object.defineProperty(exports, "$1", { enumerable: true, get: () => $2 });',
  )],
  // CDKTF's zip library: when it is called.
  [/[\\/]cdktf[\\/]lib[\\/]private[\\/]fs\.js$/, (source) => source.replace(
    /^const archiver = require\("archiver"\);$/m,
    'const archiver = (...options) => require("archiver")(...options);',
  )],
  // jsii's launcher: starts a second Node and passes on what it says. Here the first one does the work.
  [/[\\/]bin[\\/]jsii-runtime\.js$/, (source, filename) => {
    const found = path.resolve(path.dirname(filename), '..', 'lib', 'program.js');
    if (process.env.NODE_PRESERVE_SYMLINKS !== '1' || !fs.readFileSync(found, 'utf8').includes(CHANNEL)) {
      return source;
    }
    program = found;
    // The launcher starts its Node so, and jsii's program looks for it here.
    process.execArgv.push('--preserve-symlinks');
    passOn('stdout');
    passOn('stderr');
    return `require(${JSON.stringify(found)});`;
  }],
  [/[\\/]lib[\\/]program\.js$/, (source, filename) => {
    if (filename !== program) return source;
    // Programs that this one starts are none of our business.
    process.env.NODE_OPTIONS = process.env.NODE_OPTIONS.replace(/ ?--require "[^"]*node_hook\.js"/, '');
    delete process.env.NODE_PRESERVE_SYMLINKS;
    return source.replace(CHANNEL, OWN_CHANNEL);
  }],
];

// What code prints goes to jsii in Python as the launcher would send it.
function passOn(name) {
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
