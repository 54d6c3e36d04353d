// One request of the REST API: held against the description, authorized, counted, done, answered and held against it again.
import { createHash } from 'node:crypto';
import { identify } from '../auth.mjs';
import { Answer, Call } from '../call.mjs';
import { Halt } from '../errors.mjs';
import { checkRequest, checkResponse } from '../validation.mjs';
import { operations } from './index.mjs';

const MANUAL = 'https://docs.github.com/rest';
const NO_AGENT =
  'Request forbidden by administrative rules. Please make sure your request has a User-Agent header (https://docs.github.com/en/rest/overview/resources-in-the-rest-api#user-agent-required). Check https://developer.github.com for other possible causes.';

export async function serveRest(world, { request, url, path, operation, text, requestId, entry, pause }) {
  const headers = {
    'x-github-request-id': requestId,
    'x-github-media-type': 'github.v3; format=json',
    'x-github-enterprise-version': '3.19.0',
    'cache-control': 'private, max-age=60, s-maxage=60',
  };
  const manual = operation?.documentation ?? MANUAL;
  let ticket;
  let actor;
  let answer;
  const query = readQuery(url);
  const { body, broken } = readBody(text);
  const wrong = operation
    ? [...checkRequest(operation, { query, body, headers: request.headers }), ...(broken ? ['body: is not JSON'] : [])]
    : [`there is no operation ${request.method} ${path}`];
  try {
    if (!request.headers['user-agent']) throw new Halt(403, NO_AGENT);
    actor = identify(world, request.headers.authorization);
    entry.actor = actor.key;
    if (actor.kind === 'user') headers['x-oauth-scopes'] = actor.token.scopes.join(', ');
    const free = operation?.id === 'rate-limit/get';
    if (!free)
      ticket = world.limits.admit(actor, { points: request.method === 'GET' ? 1 : 5, content: entry.kind === 'content' }, requestId);
    if (pause) await pause();
    if (!operation) throw new Halt(404, 'Not Found');
    answer = await run(world, { request, url, path, operation, query, body, broken, actor, wrong, requestId, headers });
  } catch (error) {
    if (!(error instanceof Halt)) throw error;
    answer = {
      status: error.status,
      headers: error.headers,
      body: { ...error.body, documentation_url: error.body.documentation_url ?? manual, status: String(error.status) },
    };
  } finally {
    ticket?.done();
  }
  if (wrong.length)
    world.violation({ method: request.method, path, operationId: operation?.id ?? null, status: answer.status, kind: 'request' }, wrong);
  const whole = { ...answer, headers: { ...headers, ...answer.headers } };
  if (operation) inspect(world, { request, path, operation }, whole);
  const shown = conditional(request, whole, actor?.kind === 'anonymous' ? undefined : ticket);
  // What is left is told after an unchanged answer was given for nothing.
  if (actor) Object.assign(shown.headers, world.limits.headers(actor, 'core'));
  return shown;
}

async function run(world, { operation, query, body, broken, wrong, actor, request, url, path, requestId, headers }) {
  const spec = operations[operation.id];
  if (!spec) throw new Halt(501, `The model does not know ${operation.id} yet`);
  if (spec.needs && actor.kind === 'user')
    headers['x-accepted-oauth-scopes'] = operation.id === 'repos/delete' ? 'delete_repo' : 'repo';
  if (spec.needs)
    headers['x-accepted-github-permissions'] = spec.needs
      .split('|')
      .map((one) => one.replace(':', '='))
      .join('; ');
  const call = new Call({
    world,
    operation,
    params: operation.params,
    query,
    body: body ?? {},
    actor,
    headers: request.headers,
    method: request.method,
    path,
    search: url.search,
    requestId,
  });
  call.authorize(spec);
  if (broken) throw new Halt(400, 'Problems parsing JSON');
  if (wrong.length)
    throw new Halt(
      wrong.some((one) => /not documented|not a version|has none/.test(one)) ? 400 : 422,
      `Invalid request.\n\n${wrong.join('\n')}`,
    );
  const result =
    request.method === 'GET' ? await spec.run(call) : await world.exclusive(call.repo?.id ?? call.org?.id ?? 'world', () => spec.run(call));
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
  if (wrong.length)
    world.violation({ method: request.method, path, operationId: operation.id, status: answer.status, kind: 'response' }, wrong);
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
