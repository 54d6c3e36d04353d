// The registry of a Harbor: `/service/token` gives out tokens, `/v2/` takes them and passes what they allow on to a real
// registry behind it. Harbor's own rules are kept here: who may push, which tags may not move, how much a project may hold.
import { createHmac, randomBytes } from 'node:crypto';
import { request as send } from 'node:http';
import { Refusal } from './state.mjs';

const TOKEN_SECONDS = 1800;
const BODY_LIMIT = 64 << 20;
const KEY = randomBytes(32);

/** What `GET /service/token` answers: a token for the scopes that someone asks for and may have. */
export function issueToken(state, who, query) {
  if (!who && query.get('account')) throw new Refusal(401, 'UNAUTHORIZED', 'unauthorized');
  const access = query.getAll('scope').flatMap((scope) => scope.split(' ')).filter(Boolean).map((scope) => {
    const [, type, name, actions] = /^(\w+):(.*):([^:]*)$/.exec(scope) ?? [];
    const project = type === 'repository' ? state.findProject(name.split('/')[0]) : undefined;
    return { type, name, actions: (actions ?? '').split(',').filter((action) => project && state.may(who, 'repository', action, project)) };
  });
  const token = sign({ access, exp: Date.now() + TOKEN_SECONDS * 1000 });
  return { token, access_token: token, expires_in: TOKEN_SECONDS, issued_at: new Date().toISOString() };
}

/** Answers a request below `/v2/`. `who` is who asks with a password, `backend` the registry behind. */
export async function serveRegistry(state, { request, response, url, who, backend, self }) {
  const found = /^\/v2\/(.+)\/(blobs|manifests|tags|referrers)\/(.*)$/.exec(url.pathname);
  const name = found?.[1];
  const action = ['GET', 'HEAD'].includes(request.method) ? 'pull' : request.method === 'DELETE' ? 'delete' : 'push';
  const project = name && state.findProject(name.split('/')[0]);
  const repository = name?.slice(name.indexOf('/') + 1);
  if (!allowed(state, { request, who, name, action, project })) {
    const scope = name ? `,scope="repository:${name}:${action === 'push' ? 'pull,push' : action}"` : '';
    response.setHeader('www-authenticate', `Bearer realm="${self}/service/token",service="harbor-registry"${scope}`);
    throw new Refusal(401, 'UNAUTHORIZED', 'unauthorized to access repository');
  }
  const body = await read(request);
  const pushed = found?.[2] === 'manifests' && request.method === 'PUT' ? JSON.parse(body) : undefined;
  const sizes = pushed && blobsOf(pushed);
  if (pushed) refusePush(state, project, repository, found[3], sizes);
  const answer = await pass(backend, request, url, body);
  if (pushed && answer.status === 201) await note(state, { project, repository, reference: found[3], manifest: pushed, sizes, digest: answer.headers['docker-content-digest'], length: body.length, mediaType: request.headers['content-type'], backend });
  const { location, ...headers } = answer.headers;
  response.writeHead(answer.status, { ...headers, ...(location && { location: location.replace(backend.url, self) }) });
  response.end(answer.body);
}

function allowed(state, { request, who, name, action, project }) {
  const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
  const claims = token && opened(token);
  if (!name) return Boolean(claims || who);
  if (!project) return false;
  if (claims) return claims.access.some((one) => one.type === 'repository' && one.name === name && one.actions.includes(action));
  return state.may(who, 'repository', action, project);
}

function refusePush(state, project, repository, reference, sizes) {
  const before = project.repositories.get(repository);
  const taken = before && [...before.artifacts.values()].some(({ tags }) => tags.has(reference));
  if (taken && state.immutable(project, repository, reference)) throw new Refusal(412, 'PRECONDITION', `Failed to process request due to '${repository}:${reference}' configured as immutable.`);
  const { hard } = [...state.quotas.values()].find((one) => one.project === project);
  const wanted = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  if (hard.storage !== -1 && state.used(project) + wanted > hard.storage) throw new Refusal(403, 'DENIED', `adding ${wanted} B of storage resource, which when updated to current usage of ${state.used(project)} B will exceed the configured upper limit of ${hard.storage} B.`);
}

async function note(state, { project, repository, reference, manifest, sizes, digest, length, mediaType, backend }) {
  const config = manifest.config ? await backend.request('GET', `/v2/${project.name}/${repository}/blobs/${manifest.config.digest}`).then((answer) => answer.json()).catch(() => ({})) : {};
  const size = [...sizes.values()].reduce((sum, one) => sum + one, length);
  state.push(project, repository, { digest, mediaType, size, blobs: [...sizes, [digest, length]], config, configType: manifest.config?.mediaType ?? mediaType, annotations: manifest.annotations, tag: reference.includes(':') ? undefined : reference });
}

function blobsOf({ config, layers = [] }) {
  return new Map([config, ...layers].filter(Boolean).map(({ digest, size }) => [digest, size]));
}

function pass(backend, request, url, body) {
  const [[name, password]] = Object.entries(backend.users);
  const headers = { ...request.headers, host: backend.host, authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}` };
  return new Promise((resolve, reject) => {
    const passed = send(`${backend.url}${url.pathname}${url.search}`, { method: request.method, headers, timeout: 30_000 }, async (answer) => {
      const chunks = [];
      for await (const chunk of answer) chunks.push(chunk);
      resolve({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(chunks) });
    });
    passed.once('timeout', () => passed.destroy(new Error('the registry behind does not answer')));
    passed.once('error', reject);
    passed.end(body);
  });
}

async function read(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > BODY_LIMIT) throw new Refusal(413, 'SIZE_INVALID', `a body is over ${BODY_LIMIT} bytes`);
  }
  return Buffer.concat(chunks);
}

function sign(claims) {
  const text = Buffer.from(JSON.stringify(claims)).toString('base64url');
  return `${text}.${createHmac('sha256', KEY).update(text).digest('base64url')}`;
}

function opened(token) {
  const [text, mark] = token.split('.');
  if (createHmac('sha256', KEY).update(text).digest('base64url') !== mark) return undefined;
  const claims = JSON.parse(Buffer.from(text, 'base64url'));
  return claims.exp > Date.now() ? claims : undefined;
}
