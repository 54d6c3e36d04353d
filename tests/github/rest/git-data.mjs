// The Git Data API: blobs, trees, commits and references, each by itself.
import { bytes, created, nothing } from '../call.mjs';
import { Halt, notAccessible, notFound, unprocessable } from '../errors.mjs';
import { moveRef } from '../pushes.mjs';
import { permits } from '../roles.mjs';
import { branchRules } from '../rules.mjs';
import { nodeId } from '../ids.mjs';
import { gitCommit, refShape } from '../shapes/commits.mjs';
import { repositoryUrl } from '../shapes/repositories.mjs';

export const base64 = (content) =>
  content
    .toString('base64')
    .replace(/(.{60})/g, '$1\n')
    .replace(/\n?$/, '\n');
const isBase64 = (text) => /^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(text);
/** A tree with more entries than this is cut. */

/** Content as a request gives it, in base64. */
export function decoded(text) {
  if (!isBase64(text)) throw unprocessable('content is not valid Base64');
  return Buffer.from(text, 'base64');
}

/** Workflow files need a permission of their own. */
export function requireWorkflows(c, paths) {
  if (!paths.some((name) => /^\.github\/workflows\//.test(name))) return;
  if (c.actor.kind === 'installation' && !permits(c.actor.permissions, 'workflows:write')) throw notAccessible();
  if (c.actor.kind === 'user' && !c.actor.scopes.has('workflow')) throw notFound();
}

function getBlob(c) {
  const content = c.git.objects.blob(c.params.file_sha);
  if (!content) throw notFound();
  if (c.wants('raw')) return bytes('application/vnd.github.raw; charset=utf-8', content);
  return {
    sha: c.params.file_sha,
    node_id: nodeId('Blob', c.repo.id, c.params.file_sha),
    size: content.length,
    url: `${repositoryUrl(c.world, c.repo)}/git/blobs/${c.params.file_sha}`,
    content: base64(content),
    encoding: 'base64',
  };
}

function createBlob(c) {
  const { content, encoding = 'utf-8' } = c.body;
  if (!['utf-8', 'base64'].includes(encoding)) throw unprocessable('encoding must be one of: utf-8, base64');
  const sha = c.git.objects.write('blob', encoding === 'base64' ? decoded(content) : Buffer.from(content));
  return created({ sha, url: `${repositoryUrl(c.world, c.repo)}/git/blobs/${sha}` });
}

function treeShape(c, sha, recursive) {
  const { objects } = c.git;
  const url = repositoryUrl(c.world, c.repo);
  const all = recursive ? [...objects.flatten(sha, { folders: true })] : objects.tree(sha).map((entry) => [entry.name, entry]);
  const limit = c.world.limits.settings.treeEntries;
  const tree = all.slice(0, limit).map(([path, entry]) => {
    const shown = { path, mode: entry.mode, type: entry.type, sha: entry.sha };
    if (entry.type === 'blob') shown.size = objects.remember(`size ${entry.sha}`, () => objects.blob(entry.sha).length);
    if (entry.type !== 'commit') shown.url = `${url}/git/${entry.type}s/${entry.sha}`;
    return shown;
  });
  return { sha, url: `${url}/git/trees/${sha}`, tree, truncated: all.length > limit };
}

function getTree(c) {
  const { git, params } = c;
  const asked = params.tree_sha === 'HEAD' ? c.repo.defaultBranch : params.tree_sha;
  const commit = git.resolve(asked);
  const sha = commit ? git.objects.commit(commit).tree : asked;
  if (git.objects.type(sha) !== 'tree') throw notFound();
  return treeShape(c, sha, c.query.recursive !== undefined);
}

function createTree(c) {
  const {
    git: { objects },
    body,
  } = c;
  if (!body.tree.length) throw unprocessable('Invalid tree info');
  requireWorkflows(
    c,
    body.tree.map(({ path }) => path ?? ''),
  );
  let files = new Map();
  if (body.base_tree) {
    const base = objects.commit(body.base_tree)?.tree ?? body.base_tree;
    if (objects.type(base) !== 'tree') throw notFound();
    files = objects.flatten(base);
  }
  for (const entry of body.tree) applyEntry(objects, files, entry, Boolean(body.base_tree));
  return created(treeShape(c, objects.writeFiles(files), false));
}

function applyEntry(objects, files, { path, mode, type, sha, content }, onBase) {
  if (!path || path.startsWith('/') || path.split('/').some((part) => ['', '.', '..', '.git'].includes(part.toLowerCase())))
    throw unprocessable('tree.path contains a malformed path component');
  if (sha !== undefined && content !== undefined) throw unprocessable('Must supply either tree.sha or tree.content, not both');
  const under = [...(sha === null || mode === '040000' ? files.keys() : [])].filter((name) => name.startsWith(`${path}/`));
  if (sha === null) {
    if (!onBase || (!files.has(path) && !under.length)) throw new Halt(422, 'GitRPC::BadObjectState');
    for (const name of [path, ...under]) files.delete(name);
    return;
  }
  if (!mode) throw unprocessable('Must supply a valid tree.mode');
  const expected = { '040000': 'tree', 160000: 'commit' }[mode] ?? 'blob';
  if (type && type !== expected) throw unprocessable(`tree.mode ${mode} does not match tree.type ${type}`);
  if (content === undefined && sha === undefined) throw unprocessable('Must supply tree.sha or tree.content');
  if (content === undefined && expected !== 'commit' && objects.type(sha) !== expected)
    throw unprocessable(`tree.sha ${sha} is not a valid ${expected}`);
  if (expected === 'tree') {
    for (const name of under) files.delete(name);
    objects.flatten(sha, { prefix: `${path}/` }, files);
    return;
  }
  // A file takes a folder's place, and a folder a file's.
  for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) files.delete(path.slice(0, at));
  files.set(path, { mode, sha: content === undefined ? sha : objects.write('blob', Buffer.from(content)) });
}

function getCommit(c) {
  const commit = c.git.objects.commit(c.params.commit_sha);
  if (!commit) throw notFound();
  return gitCommit(c.world, c.repo, commit);
}

/** Who a commit is by, where the request does not say. */
export function signer(c, given, fallback) {
  const { sender } = c;
  const own = fallback ?? {
    // An App signs by its name in addresses, a person by their own.
    name: sender.bot ? sender.login : (sender.name ?? sender.login),
    email: sender.email ?? `${sender.id}+${sender.login}@users.noreply.github.com`,
  };
  const date = given?.date ? new Date(given.date) : (fallback?.date ?? c.world.clock.date());
  return { name: given?.name ?? own.name, email: given?.email ?? own.email, date };
}

function createCommit(c) {
  const {
    git: { objects },
    body,
  } = c;
  if (objects.type(body.tree) !== 'tree') throw unprocessable('Tree SHA does not exist');
  for (const parent of body.parents ?? [])
    if (objects.type(parent) !== 'commit') throw unprocessable('Parent SHA does not exist or is not a commit object');
  const author = signer(c, body.author);
  const sha = objects.writeCommit({
    tree: body.tree,
    parents: body.parents ?? [],
    author,
    committer: signer(c, body.committer, author),
    message: body.message,
    signature: body.signature,
  });
  const answer = created(gitCommit(c.world, c.repo, objects.commit(sha)));
  // An app's own commits are signed by GitHub when the request names no author.
  if (c.actor.kind === 'installation' && !body.author && !body.committer)
    Object.assign(answer.body.verification, { verified: true, reason: 'valid', verified_at: c.world.stamp() });
  return answer;
}

function getRef(c) {
  const name = `refs/${c.params.ref}`;
  const sha = c.git.ref(name);
  if (!sha) throw notFound();
  return refShape(c.world, c.repo, name, sha);
}

const VALID_REF = /^refs\/[^/\s~^:?*[\\]+(\/(?!\.)[^/\s~^:?*[\\]+)+$/;
const badName = (ref) => !VALID_REF.test(ref) || /\.\.|@\{|\.lock(\/|$)|\.$|\/$/.test(ref);

async function createRef(c) {
  const { git, body, world, repo } = c;
  if (badName(body.ref))
    throw unprocessable(body.ref.startsWith('refs/') ? `${body.ref} is not a valid ref name.` : "Reference name must start with 'refs/'");
  if (git.ref(body.ref)) throw unprocessable('Reference already exists');
  if (!git.objects.has(body.sha)) throw unprocessable('Object does not exist');
  if (body.ref.startsWith('refs/heads/') && branchRules(world, repo, body.ref.slice(11), c.actor).creation)
    throw unprocessable('Repository rule violations found\n\nCannot create ref due to creations being restricted.\n');
  if (!(await moveRef(world, repo, body.ref, body.sha, c.sender))) throw unprocessable('Reference cannot be created');
  return created(refShape(world, repo, body.ref, body.sha));
}

async function updateRef(c) {
  const { git, body, world, repo } = c;
  const name = `refs/${c.params.ref}`;
  const old = git.ref(name);
  if (!old) throw unprocessable('Reference does not exist');
  if (!git.objects.has(body.sha)) throw unprocessable('Object does not exist');
  refuseByRules(c, name, { force: body.force });
  if (!body.force && !git.isAncestor(old, body.sha)) throw unprocessable('Update is not a fast forward');
  await moveRef(world, repo, name, body.sha, c.sender);
  return refShape(world, repo, name, body.sha);
}

/** Refuses what protection or a ruleset does not let this caller do to a branch. */
export function refuseByRules(c, ref, { force, status = 422 } = {}) {
  if (!ref.startsWith('refs/heads/')) return;
  const rules = branchRules(c.world, c.repo, ref.slice(11), c.actor);
  if (rules.direct && rules.ruleset) throw new Halt(status, `Repository rule violations found\n\n${rules.direct}\n`);
  if (rules.direct) throw new Halt(status, status === 409 ? `Could not update file: ${rules.direct}` : rules.direct);
  if (force && rules.noForce) throw unprocessable('Cannot force-push to this branch');
}

async function deleteRef(c) {
  const name = `refs/${c.params.ref}`;
  if (!c.git.ref(name)) throw unprocessable('Reference does not exist');
  if (name === `refs/heads/${c.repo.defaultBranch}`) throw unprocessable('Cannot delete the default branch');
  if (c.repo.protections.get(name.slice(11)) && !c.repo.protections.get(name.slice(11)).allow_deletions)
    throw unprocessable('Cannot delete this protected branch');
  await moveRef(c.world, c.repo, name, undefined, c.sender);
  return nothing();
}

function createTag(c) {
  const { body, git, world, repo } = c;
  if (!git.objects.has(body.object)) throw unprocessable('Object does not exist');
  const tagger = signer(c, body.tagger);
  const text = `object ${body.object}\ntype ${body.type}\ntag ${body.tag}\ntagger ${tagger.name} <${tagger.email}> ${Math.floor(tagger.date / 1000)} +0000\n\n${body.message}`;
  const sha = git.objects.write('tag', Buffer.from(text));
  const url = repositoryUrl(world, repo);
  return created({
    node_id: nodeId('Tag', repo.id, sha),
    tag: body.tag,
    sha,
    url: `${url}/git/tags/${sha}`,
    message: body.message,
    tagger: { name: tagger.name, email: tagger.email, date: tagger.date.toISOString() },
    object: { type: body.type, sha: body.object, url: `${url}/git/${body.type}s/${body.object}` },
    verification: { verified: false, reason: 'unsigned', signature: null, payload: null, verified_at: null },
  });
}

const reads = (run) => ({ needs: 'contents:read', empty: 'refuse', run });
const writes = (run) => ({ needs: 'contents:write', empty: 'refuse', content: true, run });

export default {
  'git/get-blob': reads(getBlob),
  'git/create-blob': writes(createBlob),
  'git/get-tree': reads(getTree),
  'git/create-tree': writes(createTree),
  'git/get-commit': reads(getCommit),
  'git/create-commit': writes(createCommit),
  'git/get-ref': reads(getRef),
  'git/list-matching-refs': reads((c) =>
    [...c.git.refs()]
      .filter(([name]) => name.startsWith(`refs/${c.params.ref}`))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, sha]) => refShape(c.world, c.repo, name, sha)),
  ),
  'git/create-ref': writes(createRef),
  'git/update-ref': writes(updateRef),
  'git/delete-ref': writes(deleteRef),
  'git/create-tag': writes(createTag),
};
