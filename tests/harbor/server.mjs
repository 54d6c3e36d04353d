// The model of Harbor: its API over HTTP with every request and answer held against its description, and its registry.
import { createServer } from 'node:http';
import { randomUUID } from 'node:crypto';
import { startRegistry } from '../cluster/registry.mjs';
import { API } from './api.mjs';
import { BASE, operationOf, wrongAnswer, wrongRequest } from './description.mjs';
import { issueToken, serveRegistry } from './front.mjs';
import { Refusal, State } from './state.mjs';

const BODY_LIMIT = 1 << 20;

/**
 * Starts one. Answers `{url, host, admin: {name, password}, registry, violations, requests, faults, state, stop()}`.
 *
 * `violations` has what was not as described, on either side; `faults` takes `{method?, path, status, times}` for answers
 * that are to fail.
 */
export async function startHarbor({ password = 'Harbor12345' } = {}) {
  const backend = await startRegistry({ users: { harbor: randomUUID() } });
  const harbor = new Harbor(new State({ admin: password }), backend);
  await new Promise((resolve) => harbor.server.listen(0, '127.0.0.1', resolve));
  harbor.host = `127.0.0.1:${harbor.server.address().port}`;
  harbor.url = `http://${harbor.host}`;
  harbor.admin = { name: 'admin', password };
  return harbor;
}

class Harbor {
  constructor(state, backend) {
    Object.assign(this, { state, registry: backend, violations: [], requests: [], faults: [] });
    this.server = createServer((request, response) => this.serve(request, response));
  }

  async serve(request, response) {
    const url = new URL(request.url, this.url);
    response.setHeader('x-request-id', request.headers['x-request-id'] ?? randomUUID());
    const note = { at: new Date().toISOString(), method: request.method, path: url.pathname, query: url.search, status: 0 };
    this.requests.push(note);
    response.once('finish', () => { note.status = response.statusCode; });
    try {
      const fault = this.faults.find((one) => one.times > 0 && (one.method ?? request.method) === request.method && new RegExp(one.path).test(url.pathname));
      if (fault) {
        fault.times -= 1;
        throw new Refusal(fault.status, 'UNKNOWN', 'as the test asked');
      }
      const who = this.who(request);
      note.actor = who?.name;
      if (url.pathname === '/service/token') send(response, 200, issueToken(this.state, who, url.searchParams));
      else if (url.pathname.startsWith('/v2/')) await serveRegistry(this.state, { request, response, url, who, backend: this.registry, self: this.url });
      else if (url.pathname.startsWith(`${BASE}/`)) await this.api(request, response, url, who);
      else throw new Refusal(404, 'NOT_FOUND', `The path ${url.pathname} was not found`);
    } catch (error) {
      const { status = 500, code = 'UNKNOWN' } = error;
      if (!(error instanceof Refusal)) this.violations.push({ kind: 'model', method: request.method, path: url.pathname, wrong: [error.stack] });
      send(response, status, { errors: [{ code, message: error.message }] });
    }
  }

  /** Who a request says it is; a wrong password is refused. */
  who(request) {
    const found = /^Basic (.+)$/.exec(request.headers.authorization ?? '');
    if (!found) return undefined;
    const [name, password] = Buffer.from(found[1], 'base64').toString().split(/:(.*)/s);
    const who = this.state.login(name, password);
    if (!who) throw new Refusal(401, 'UNAUTHORIZED', 'unauthorized');
    return who;
  }

  async api(request, response, url, who) {
    const where = url.pathname.slice(BASE.length);
    const found = operationOf(request.method, where);
    if (!found) {
      this.violations.push({ kind: 'request', method: request.method, path: where, wrong: ['there is no such operation'] });
      throw new Refusal(404, 'NOT_FOUND', `The path ${url.pathname} was not found`);
    }
    const { operation, parameters } = found;
    const body = await bodyOf(request);
    const about = { method: request.method, path: where, operationId: operation.operationId };
    const wrong = wrongRequest({ operation, query: url.searchParams, body, contentType: request.headers['content-type'] });
    if (wrong.length > 0) this.violations.push({ kind: 'request', ...about, wrong });
    let answer;
    try {
      // Harbor's own check of what it is sent is the same description.
      if (wrong.length > 0) throw new Refusal(422, 'UNPROCESSABLE_ENTITY', wrong.join('; '));
      answer = this.perform(operation, { parameters, query: url.searchParams, body, headers: request.headers, who });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      answer = { status: error.status, body: { errors: [{ code: error.code, message: error.message }] } };
    }
    const amiss = wrongAnswer({ operation, status: answer.status, body: answer.body });
    if (amiss.length > 0) this.violations.push({ kind: 'response', ...about, status: answer.status, wrong: amiss });
    if (answer.location) response.setHeader('location', answer.location);
    if (answer.total !== undefined) paged(response, url, answer);
    send(response, answer.status, answer.body);
  }

  perform(operation, asked) {
    const [resource, action, run] = API[operation.operationId] ?? [];
    if (!run) throw new Refusal(501, 'UNKNOWN', `the model of Harbor does not do ${operation.operationId}`);
    const named = asked.parameters.project_name_or_id ?? asked.parameters.project_name;
    if (resource && !asked.who) throw new Refusal(401, 'UNAUTHORIZED', 'unauthorized');
    const project = named === undefined ? undefined : asked.who?.admin ? this.state.project(named) : this.state.findProject(named);
    if (resource && !this.state.may(asked.who, resource, action, project)) throw new Refusal(403, 'FORBIDDEN', 'forbidden');
    return run({ ...asked, project, state: this.state });
  }

  async stop() {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
    await this.registry.stop();
  }
}

function send(response, status, body) {
  response.writeHead(status, body === undefined ? {} : { 'content-type': typeof body === 'string' ? 'text/plain; charset=utf-8' : 'application/json' });
  response.end(body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body));
}

/** The headers of a list: how many there are, and where the pages beside this one are. */
function paged(response, url, { total, number, size }) {
  response.setHeader('x-total-count', total);
  const to = (page) => {
    const query = new URLSearchParams(url.searchParams);
    query.set('page', page);
    query.set('page_size', size);
    return `${url.pathname}?${query}`;
  };
  const links = [number > 1 && `<${to(number - 1)}>; rel="prev"`, number * size < total && `<${to(number + 1)}>; rel="next"`].filter(Boolean);
  if (links.length > 0) response.setHeader('link', links.join(' , '));
}

async function bodyOf(request) {
  let text = '';
  for await (const chunk of request) {
    text += chunk;
    if (text.length > BODY_LIMIT) throw new Refusal(413, 'BAD_REQUEST', `the body is over ${BODY_LIMIT} bytes`);
  }
  if (text === '') return undefined;
  try { return JSON.parse(text); } catch { throw new Refusal(400, 'BAD_REQUEST', 'the body is no JSON'); }
}
