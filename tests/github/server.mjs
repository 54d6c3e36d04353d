// The HTTP server of one world: REST, GraphQL, git, archives and logs, each request recorded.
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { match } from './description.mjs';
import { serveFile } from './files.mjs';
import { isGitPath, serveGit } from './git/http.mjs';
import { serveGraphql } from './graphql/serve.mjs';
import { secondary } from './limits.mjs';
import { operations } from './rest/index.mjs';
import { serveRest } from './rest/serve.mjs';

const MANUAL = 'https://docs.github.com/rest';

/** Starts a world's server on a free port and tells the world its address. */
export async function listen(world) {
  const server = createServer({ keepAliveTimeout: 30_000 }, (request, response) => {
    handle(world, request, response).catch((error) => {
      // Who asked is gone: nothing to answer, nothing wrong.
      if (error.code === 'ECONNRESET' || response.destroyed) return;
      // A mistake of the model itself, which a test must not take for GitHub's answer.
      world.violation({ method: request.method, path: request.url }, `the model failed: ${error.stack}`);
      if (!response.headersSent) response.writeHead(500, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ message: `the model failed: ${error.message}` }));
    });
  });
  await new Promise((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  world.server = server;
  world.url = `http://127.0.0.1:${server.address().port}`;
}

async function handle(world, request, response) {
  const url = new URL(request.url, world.url);
  const requestId = randomBytes(12)
    .toString('hex')
    .toUpperCase()
    .replace(/(.{4})(.{7})(.{7})/, '$1:$2:$3:');
  const rest = /^\/api\/v3(\/.*)?$/.exec(url.pathname);
  const isGraphql = url.pathname === '/api/graphql';
  const path = rest ? (rest[1] ?? '/') : isGraphql ? '/graphql' : url.pathname;
  const operation = rest ? match(request.method, byNumber(world, path)) : undefined;
  const entry = {
    at: world.stamp(),
    method: request.method,
    path,
    query: url.search,
    operationId: operation?.id ?? null,
    status: null,
    kind: kindOf({ rest, isGraphql, operation, request, path }),
    conditional: Boolean(request.headers['if-none-match']),
    actor: null,
  };
  world.requests.push(entry);
  const answered = (status) => {
    entry.status = status;
  };
  response.once('close', () => {
    entry.status ??= response.headersSent ? response.statusCode : 0;
  });

  const fault = world.faults.strike({ method: request.method, path, operationId: operation?.id });
  const pause = world.faults.pause(fault);
  if (fault && !fault.after && !pause) {
    entry.fault = fault.kind;
    await drain(request);
    strike(request, response, fault, requestId, answered);
    return;
  }
  if (fault) entry.fault = fault.kind;

  if (rest || isGraphql) {
    const text = await drain(request);
    const answer = isGraphql
      ? await serveGraphql(world, { request, text, requestId, entry, pause })
      : await serveRest(world, { request, url, path, operation, text, requestId, entry, pause });
    if (fault?.after) strike(request, response, { ...fault, kind: fault.kind === 'cut-after' ? 'cut-before' : '500' }, requestId, answered);
    else send(response, answer, answered);
    return;
  }
  if (pause) await pause();
  if (isGitPath(url.pathname)) {
    const target = fault?.after ? hidden(response) : response;
    const refused = await serveGit(world, request, target, { url, entry, requestId });
    if (fault?.after) strike(request, response, { ...fault, kind: fault.kind === 'cut-after' ? 'cut-before' : '500' }, requestId, answered);
    else if (refused) send(response, { ...refused, content: Buffer.from(refused.text) }, answered);
    else answered(response.statusCode);
    return;
  }
  await serveFile(world, url, response);
  answered(response.statusCode);
}

function kindOf({ rest, isGraphql, operation, request, path }) {
  if (isGraphql) return 'graphql';
  if (!rest) return isGitPath(path) ? 'git' : 'read';
  if (operation?.id === 'apps/create-installation-access-token') return 'token';
  if (operations[operation?.id]?.content) return 'content';
  return request.method === 'GET' ? 'read' : 'write';
}

/** `/repositories/ID/…` is where redirects lead; the description knows it not. */
function byNumber(world, path) {
  const found = /^\/repositories\/(\d+)(\/.*)?$/.exec(path);
  const repository = found && world.repositoryById(found[1]);
  return repository ? `/repos/${repository.owner.login}/${repository.name}${found[2] ?? ''}` : path;
}

async function drain(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

/** A response whose words nobody hears. */
const hidden = (response) => ({
  writeHead() {},
  write() {},
  end() {},
  get headersSent() {
    return response.headersSent;
  },
});

function strike(request, response, fault, requestId, answered) {
  const { kind } = fault;
  if (kind === 'cut-before') {
    answered(0);
    request.socket.destroy();
    return;
  }
  const bodies = {
    500: { message: 'Server Error' },
    502: { message: 'Server Error' },
    401: { message: 'Bad credentials', documentation_url: MANUAL },
    422: {
      message: 'Validation Failed',
      errors: [{ resource: 'Resource', field: 'name', code: 'already_exists' }],
      documentation_url: MANUAL,
    },
  };
  if (bodies[kind]) {
    send(response, { status: Number(kind), headers: { 'x-github-request-id': requestId }, body: bodies[kind] }, answered);
    return;
  }
  const refusal = secondary(requestId, fault.retryAfter ?? 60, kind === '429' ? 429 : 403);
  send(
    response,
    { status: refusal.status, headers: { ...refusal.headers, 'x-github-request-id': requestId }, body: refusal.body },
    answered,
  );
}

function send(response, { status, headers = {}, body, content, type }, answered) {
  answered(status);
  const bytes = content ?? (body === undefined ? Buffer.alloc(0) : Buffer.from(JSON.stringify(body)));
  const all = { server: 'github.com', date: new Date().toUTCString(), ...headers };
  if (content === undefined && body !== undefined) all['content-type'] ??= 'application/json; charset=utf-8';
  if (type) all['content-type'] = type;
  if (status !== 204 && status !== 304) all['content-length'] = bytes.length;
  response.writeHead(status, all);
  response.end(status === 204 || status === 304 ? undefined : bytes);
}
