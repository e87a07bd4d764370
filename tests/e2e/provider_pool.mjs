// Stands between Terraform and the AWS provider. It keeps a process of the provider for each folder and
// configuration from one command to the next, and leaves out of the schema the types that no test uses; every
// other call and answer goes through as it is.
//
//   node provider_pool.mjs PROVIDER TYPE…    prints a port, which answers a folder with TF_REATTACH_PROVIDERS
//
// Terraform otherwise starts the provider several times a command and each time decodes 1,500 schemas.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import http2 from 'node:http2';
import net from 'node:net';
import { createInterface } from 'node:readline';

const [program, ...types] = process.argv.slice(2);
const SCHEMAS = new Set([2, 3, 8]); // of resources, data sources and ephemeral resources, in tfplugin5.proto
const PROVIDER = 'registry.terraform.io/hashicorp/aws';
const GRPC = { ':status': 200, 'content-type': 'application/grpc' };
const configured = new Map(); // by folder and bytes of a configuration: a promise of the process and its answer
let unconfigured; // a promise of the process for what needs no configuration
let schema; // a promise of the shortened answer, the same for every process

// The HTTP/2 session with a new process of the provider, which reads files from where it is started.
async function start(folder) {
  const child = spawn(program, ['-debug'], { cwd: folder, stdio: ['ignore', 'pipe', 'ignore'] });
  const lines = createInterface({ input: child.stdout });
  for await (const line of lines) {
    const found = line.match(/TF_REATTACH_PROVIDERS='(.*)'/);
    if (!found) continue;
    const [{ Addr }] = Object.values(JSON.parse(found[1]));
    return http2.connect('http://localhost', { createConnection: () => net.connect(Addr.String) });
  }
  throw new Error(`${program} said no address`);
}

async function read(stream) {
  const chunks = [];
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function call(session, headers, body) {
  const request = session.request(headers);
  request.end(body);
  let trailers;
  request.on('trailers', (those) => { trailers = those; });
  const [[answered], answer] = await Promise.all([once(request, 'response'), read(request)]);
  return { answered, answer, trailers };
}

function varint(bytes, at) {
  let value = 0;
  for (let factor = 1; ; factor *= 128) {
    const byte = bytes[at++];
    value += (byte & 127) * factor;
    if (byte < 128) return [value, at];
  }
}

// An answer with one message of gRPC, each of whose fields has a length, without the schemas of other types.
function shortened({ answered, answer, trailers }) {
  const kept = [Buffer.alloc(5)];
  for (let at = 5; at < answer.length;) {
    const begin = at;
    let tag, length;
    [tag, at] = varint(answer, at);
    [length, at] = varint(answer, at);
    if (tag % 8 !== 2) throw new Error(`field ${tag >> 3} of the schema has no length`);
    const [size, name] = varint(answer, at + 1); // an entry of a map begins with its key
    at += length;
    if (!SCHEMAS.has(tag >> 3) || types.includes(answer.toString('utf8', name, name + size))) {
      kept.push(answer.subarray(begin, at));
    }
  }
  const message = Buffer.concat(kept);
  message.writeUInt32BE(message.length - 5, 1);
  return { answered, answer: message, trailers };
}

// A process gets its configuration once, since with AWS_CA_BUNDLE the provider refuses it a second time.
// A folder that was made anew needs a new one; who has none, such as the bootstrap, has no files to be read.
function configure(folder, headers, body) {
  const found = statSync(folder, { throwIfNoEntry: false });
  const wanted = `${found?.ino} ${body.toString('latin1')}`;
  if (!configured.has(wanted)) {
    const begun = start(found ? folder : '/');
    configured.set(wanted, begun.then((session) => ({ session, answer: call(session, headers, body) })));
  }
  return configured.get(wanted);
}

async function forwarded(connection, headers, body) {
  const method = headers[':path'].split('/').pop();
  if (method === 'Configure') {
    const { session, answer } = await configure(connection.folder, headers, body);
    connection.session = session;
    return answer;
  }
  const session = connection.session ?? await (unconfigured ??= start('/'));
  if (method === 'GetSchema') return schema ??= call(session, headers, body).then(shortened);
  return call(session, headers, body);
}

function respond(stream, headers, answer, trailers) {
  if (stream.destroyed) return;
  stream.respond(headers, { waitForTrailers: trailers !== undefined, endStream: trailers === undefined });
  if (trailers === undefined) return;
  stream.on('wantTrailers', () => stream.sendTrailers(trailers));
  stream.end(answer);
}

// Calls of Terraform's plugin library end here, also the one that would shut the provider down.
async function answerTo(connection, stream, headers) {
  const path = headers[':path'];
  if (path.startsWith('/tfplugin5.Provider/')) {
    const { answered, answer, trailers } = await forwarded(connection, headers, await read(stream));
    respond(stream, answered, answer, trailers);
  } else if (path === '/plugin.GRPCController/Shutdown') {
    respond(stream, GRPC, Buffer.alloc(5), { 'grpc-status': '0' });
  } else {
    respond(stream, { ...GRPC, 'grpc-status': '12' }); // not implemented
  }
}

// The value for Terraform in a folder, which need not be there yet.
async function reattached(folder) {
  const server = http2.createServer();
  server.on('session', (session) => {
    const connection = { folder };
    session.on('stream', (stream, headers) => {
      stream.on('error', () => {}); // Terraform has gone
      answerTo(connection, stream, headers).catch((error) => {
        if (!session.destroyed) throw error;
      });
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = { Network: 'tcp', String: `127.0.0.1:${server.address().port}` };
  const reattach = { Protocol: 'grpc', ProtocolVersion: 5, Pid: process.pid, Test: true, Addr: address };
  return JSON.stringify({ [PROVIDER]: reattach });
}

const door = net.createServer({ allowHalfOpen: true }, async (socket) => {
  socket.end(await reattached((await read(socket)).toString()));
});
door.listen(0, '127.0.0.1', () => console.log(door.address().port));
