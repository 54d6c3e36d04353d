// Clones and pushes by smart HTTP: `git http-backend`, behind the same tokens and rules as the API.
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { identify, requireSso } from '../auth.mjs';
import { Halt, notFound } from '../errors.mjs';
import { pushRules, refsChanged } from '../pushes.mjs';
import { RANK, canSee, covers, permits, roleOf } from '../roles.mjs';
import { botOf } from '../shapes/accounts.mjs';
import { environment } from './repository.mjs';

// Told by the environment what this pusher may not do.
const UPDATE_HOOK = `#!/bin/sh
case " $MODEL_REFUSED " in *" $1 "*)
  echo "error: GH006: Protected branch update failed for $1." >&2
  echo "error: $MODEL_REASON" >&2
  exit 1;;
esac
case " $MODEL_FAST_FORWARD " in *" $1 "*)
  if [ "$2" != 0000000000000000000000000000000000000000 ] && ! git merge-base --is-ancestor "$2" "$3" 2>/dev/null; then
    echo "error: GH006: Protected branch update failed for $1." >&2
    echo "error: Cannot force-push to this branch" >&2
    exit 1
  fi;;
esac
if [ -n "$MODEL_NO_WORKFLOWS" ] && [ "$3" != 0000000000000000000000000000000000000000 ]; then
  name=$(git log --format= --name-only "$3" --not --all -- .github/workflows | head -n 1)
  if [ -n "$name" ]; then
    echo "refusing to allow $MODEL_NO_WORKFLOWS to create or update workflow \\\`$name\\\` without \\\`workflows\\\` permission" >&2
    exit 1
  fi
fi
exit 0
`;

export const isGitPath = (name) => /^\/[^/]+\/[^/]+?(\.git)?\/(info\/refs|git-upload-pack|git-receive-pack)$/.test(name);

export async function serveGit(world, request, response, { url, entry, requestId }) {
  const [, owner, name, service] = /^\/([^/]+)\/([^/]+?)(?:\.git)?\/(info\/refs|git-upload-pack|git-receive-pack)$/.exec(url.pathname);
  const pushes = service === 'git-receive-pack' || url.searchParams.get('service') === 'git-receive-pack';
  let repository;
  let actor;
  try {
    actor = identify(world, request.headers.authorization);
    entry.actor = actor.key;
    repository = findRepository(world, actor, owner, name, pushes, `/${service}${url.search}`);
  } catch (error) {
    if (!(error instanceof Halt)) throw error;
    const status = error.status === 404 && actor?.kind === 'anonymous' ? 401 : error.status;
    if (status === 401) error.headers['www-authenticate'] = 'Basic realm="GitHub"';
    request.resume();
    return {
      status,
      headers: { 'content-type': 'text/plain', 'x-github-request-id': requestId, ...error.headers },
      text: status === 404 ? 'Repository not found.' : error.body.message,
    };
  }
  await run(world, request, response, { repository, actor, service, url, pushes });
  return undefined;
}

function findRepository(world, actor, owner, name, pushes, rest) {
  requireSso(world, actor, world.account(owner));
  const found = world.repository(owner, name);
  const moved = found ?? world.repositoryById(world.redirects.get(`${owner}/${name}`.toLowerCase()));
  if (!moved || !canSee(world, actor, moved)) throw notFound();
  if (!found) throw new Halt(301, 'Moved', { location: `${world.url}/${moved.owner.login}/${moved.name}.git${rest}` });
  if (actor.kind === 'anonymous' && pushes) throw new Halt(401, 'Authentication required');
  if (actor.kind === 'installation' && covers(actor, found) && !permits(actor.permissions, pushes ? 'contents:write' : 'contents:read'))
    throw new Halt(403, 'Write access to repository not granted.');
  if (!pushes) return found;
  const may =
    actor.kind === 'installation'
      ? covers(actor, found)
      : actor.kind === 'user' &&
        RANK[roleOf(world, found, actor.user)] >= 3 &&
        actor.scopes.has(found.visibility === 'public' ? 'public_repo' : 'repo');
  if (!may)
    throw new Halt(403, `Permission to ${found.owner.login}/${found.name}.git denied to ${actor.user?.login ?? `${world.app.slug}[bot]`}.`);
  if (found.archived) throw new Halt(403, 'This repository was archived so it is read-only.');
  return found;
}

function hooksFolder(world) {
  const folder = path.join(world.folder, 'hooks');
  if (!world.hooksWritten) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(folder, 'update'), UPDATE_HOOK, { mode: 0o755 });
    world.hooksWritten = true;
  }
  return folder;
}

async function run(world, request, response, { repository, actor, service, url, pushes }) {
  const before = new Map(repository.git.refs());
  const child = spawn('git', ['http-backend'], {
    env: {
      ...environment,
      GIT_PROJECT_ROOT: world.folder,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: `/${repository.id}.git/${service}`,
      REQUEST_METHOD: request.method,
      QUERY_STRING: url.search.slice(1),
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      CONTENT_LENGTH: request.headers['content-length'] ?? '',
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
      GIT_PROTOCOL: request.headers['git-protocol'] ?? '',
      REMOTE_USER: actor.user?.login ?? 'app',
      REMOTE_ADDR: '127.0.0.1',
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'core.hooksPath',
      GIT_CONFIG_VALUE_0: hooksFolder(world),
      ...(pushes ? pushRules(world, repository, actor) : {}),
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  child.stdin.on('error', () => {});
  request.pipe(child.stdin);
  let head = Buffer.alloc(0);
  let started = false;
  child.stdout.on('data', (chunk) => {
    if (started) {
      response.write(chunk);
      return;
    }
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) return;
    started = true;
    const headers = Object.fromEntries(
      head
        .toString('latin1', 0, end)
        .split('\r\n')
        .map((line) => line.split(': ')),
    );
    const status = Number.parseInt(headers.Status ?? '200', 10);
    delete headers.Status;
    response.writeHead(status, headers);
    response.write(head.subarray(end + 4));
  });
  await new Promise((resolve) => {
    child.once('close', resolve);
  });
  if (service === 'git-receive-pack') {
    repository.git.changed();
    // Before the answer ends: who pushed may look at once.
    await refsChanged(world, repository, before, repository.git.refs(), actor.user ?? botOf(world, world.app));
  }
  if (!started) response.writeHead(500);
  response.end();
}
