// The HTTP server of one world: REST, GraphQL, git, archives and logs, each request recorded.
import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { identify } from './auth.mjs';
import { Answer, Call } from './call.mjs';
import { match } from './description.mjs';
import { Halt } from './errors.mjs';
import { serveFile } from './files.mjs';
import { isGitPath, serveGit } from './git/http.mjs';
import { serveGraphql } from './graphql/serve.mjs';
import { secondary } from './limits.mjs';
import { operations } from './rest/index.mjs';
import { checkRequest, checkResponse } from './validation.mjs';

const MANUAL = 'https://docs.github.com/rest';
const wait = (milliseconds) => new Promise((resolve) => { setTimeout(resolve, milliseconds); });

/** Starts a world's server on a free port and tells the world its address. */
export async function listen(world) {
  const server = createServer({ keepAliveTimeout: 30_000 }, (request, response) => {
    handle(world, request, response).catch((error) => {
      // A mistake of the model itself, which a test must not take for GitHub's answer.
      world.violation({ method: request.method, path: request.url }, `the model failed: ${error.stack}`);
      if (!response.headersSent) response.writeHead(500, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ message: `the model failed: ${error.message}` }));
    });
  });
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  world.server = server;
  world.url = `http://127.0.0.1:${server.address().port}`;
}

async function handle(world, request, response) {
  const url = new URL(request.url, world.url);
  const requestId = randomBytes(12).toString('hex').toUpperCase().replace(/(.{4})(.{7})(.{7})/, '$1:$2:$3:');
  const rest = /^\/api\/v3(\/.*)?$/.exec(url.pathname);
  const isGraphql = url.pathname === '/api/graphql';
  const path = rest ? (rest[1] ?? '/') : isGraphql ? '/graphql' : url.pathname;
  const operation = rest ? match(request.method, byNumber(world, path)) : undefined;
  const entry = { at: world.stamp(), method: request.method, path, query: url.search, operationId: operation?.id ?? null, status: null, kind: kindOf({ rest, isGraphql, operation, request }), conditional: Boolean(request.headers['if-none-match']), actor: null };
  world.requests.push(entry);
  const answered = (status) => { entry.status = status; };
  response.once('close', () => { entry.status ??= response.headersSent ? response.statusCode : 0; });

  const fault = world.faults.strike({ method: request.method, path, operationId: operation?.id });
  if (fault?.kind === 'slow') await wait(fault.delayMs ?? 1000);
  else if (fault && !fault.after) {
    entry.fault = fault.kind;
    await drain(request);
    strike(request, response, fault, requestId, answered);
    return;
  }
  if (fault) entry.fault = fault.kind;

  if (rest || isGraphql) {
    const text = await drain(request);
    const answer = isGraphql ? await serveGraphql(world, { request, text, requestId, entry }) : await serveRest(world, { request, url, path, operation, text, requestId, entry });
    if (fault?.after) strike(request, response, { ...fault, kind: fault.kind === 'cut-after' ? 'cut-before' : '500' }, requestId, answered);
    else send(response, answer, answered);
    return;
  }
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

function kindOf({ rest, isGraphql, operation, request }) {
  if (isGraphql) return 'graphql';
  if (!rest) return 'git';
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
const hidden = (response) => ({ writeHead() {}, write() {}, end() {}, get headersSent() { return response.headersSent; } });

function strike(request, response, fault, requestId, answered) {
  const { kind } = fault;
  if (kind === 'cut-before') {
    answered(0);
    request.socket.destroy();
    return;
  }
  const bodies = { 500: { message: 'Server Error' }, 502: { message: 'Server Error' }, 401: { message: 'Bad credentials', documentation_url: MANUAL } };
  if (bodies[kind]) {
    send(response, { status: Number(kind), headers: { 'x-github-request-id': requestId }, body: bodies[kind] }, answered);
    return;
  }
  const refusal = secondary(requestId, fault.retryAfter ?? 60, kind === '429' ? 429 : 403);
  send(response, { status: refusal.status, headers: { ...refusal.headers, 'x-github-request-id': requestId }, body: refusal.body }, answered);
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

async function serveRest(world, { request, url, path, operation, text, requestId, entry }) {
  const headers = { 'x-github-request-id': requestId, 'x-github-media-type': 'github.v3; format=json', 'x-github-enterprise-version': '3.19.0', 'cache-control': 'private, max-age=60, s-maxage=60' };
  const manual = operation?.documentation ?? MANUAL;
  let ticket;
  let actor;
  let answer;
  let wrong = [];
  try {
    if (!request.headers['user-agent']) throw new Halt(403, 'Request forbidden by administrative rules. Please make sure your request has a User-Agent header (https://docs.github.com/en/rest/overview/resources-in-the-rest-api#user-agent-required). Check https://developer.github.com for other possible causes.');
    actor = identify(world, request.headers.authorization);
    entry.actor = actor.key;
    if (actor.kind === 'user') headers['x-oauth-scopes'] = actor.token.scopes.join(', ');
    const free = operation?.id === 'rate-limit/get';
    if (!free) ticket = world.limits.admit(actor, { points: request.method === 'GET' ? 1 : 5, content: entry.kind === 'content' }, requestId);
    const query = readQuery(url);
    const { body, broken } = readBody(text);
    wrong = operation ? [...checkRequest(operation, { query, body, headers: request.headers }), ...(broken ? ['body: is not JSON'] : [])] : [`there is no operation ${request.method} ${path}`];
    if (!operation) throw new Halt(404, 'Not Found');
    answer = await run(world, { request, url, path, operation, query, body, broken, actor, wrong, requestId, headers });
  } catch (error) {
    if (!(error instanceof Halt)) throw error;
    const told = { ...error.body, documentation_url: error.body.documentation_url ?? manual };
    // A refused value has no `status` in its body, as it is described.
    answer = { status: error.status, headers: error.headers, body: error.status === 422 ? told : { ...told, status: String(error.status) } };
  } finally {
    ticket?.done();
  }
  if (wrong.length) world.violation({ method: request.method, path, operationId: operation?.id ?? null, status: answer.status, kind: 'request' }, wrong);
  const whole = { ...answer, headers: { ...headers, ...answer.headers } };
  if (operation) inspect(world, { request, path, operation }, whole);
  const shown = conditional(request, whole, ticket);
  // What is left is told after an unchanged answer was given for nothing.
  if (actor) Object.assign(shown.headers, world.limits.headers(actor, 'core'));
  return shown;
}

async function run(world, { operation, query, body, broken, wrong, actor, request, url, path, requestId, headers }) {
  const spec = operations[operation.id];
  if (!spec) throw new Halt(501, `The model does not know ${operation.id} yet`);
  if (spec.needs && actor.kind === 'user') headers['x-accepted-oauth-scopes'] = spec.scopes ?? (operation.id === 'repos/delete' ? 'delete_repo' : 'repo');
  if (spec.needs) headers['x-accepted-github-permissions'] = spec.needs.split('|').map((one) => one.replace(':', '=')).join('; ');
  const call = new Call({ world, operation, params: operation.params, query, body: body ?? {}, actor, headers: request.headers, method: request.method, path, search: url.search, requestId });
  call.authorize(spec);
  if (broken) throw new Halt(400, 'Problems parsing JSON');
  if (wrong.length) throw new Halt(wrong.some((one) => /not documented|not a version|has none/.test(one)) ? 400 : 422, `Invalid request.\n\n${wrong.join('\n')}`);
  const result = request.method === 'GET' ? await spec.run(call) : await world.exclusive(call.repo?.id ?? call.org?.id ?? 'world', () => spec.run(call));
  const answer = result instanceof Answer ? result : { status: 200, body: result };
  return { ...answer, headers: { ...answer.headers, ...call.out } };
}

function readQuery(url) {
  const query = {};
  for (const [key, value] of url.searchParams) {
    const name = key.replace(/\[\]$/, '');
    query[name] = query[name] === undefined ? value : [].concat(query[name], value);
  }
  return query;
}

function readBody(text) {
  if (!text) return {};
  try {
    return { body: JSON.parse(text) };
  } catch {
    return { broken: true };
  }
}

function inspect(world, { request, path, operation }, answer) {
  if (answer.status === 501) {
    world.violation({ method: request.method, path, operationId: operation.id, status: 501, kind: 'model' }, answer.body.message);
    return;
  }
  const body = answer.body === undefined ? undefined : JSON.parse(JSON.stringify(answer.body));
  const wrong = checkResponse(operation, { status: answer.status, type: answer.type ?? 'application/json', body });
  if (wrong.length) world.violation({ method: request.method, path, operationId: operation.id, status: answer.status, kind: 'response' }, wrong);
}

/** Gives an answer its tag; one that the caller has already costs nothing. */
function conditional(request, answer, ticket) {
  if (request.method !== 'GET' || answer.status !== 200) return answer;
  const whole = answer.content ?? Buffer.from(JSON.stringify(answer.body));
  const etag = `W/"${createHash('sha256').update(whole).digest('hex')}"`;
  const headers = { ...answer.headers, etag, vary: 'Accept, Authorization, Cookie, X-GitHub-OTP' };
  const known = (request.headers['if-none-match'] ?? '').split(',').map((one) => one.trim().replace(/^W\//, ''));
  if (!known.includes(etag.replace(/^W\//, ''))) return { ...answer, headers };
  ticket?.free();
  return { status: 304, headers };
}
