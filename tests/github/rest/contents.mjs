// Files by their path: reading, writing, the readme, and the whole as an archive.
import { Answer, bytes, created, redirect } from '../call.mjs';
import { Halt, notFound, unprocessable } from '../errors.mjs';
import { offer } from '../files.mjs';
import { moveRef } from '../pushes.mjs';
import { gitCommit } from '../shapes/commits.mjs';
import { repositoryPage, repositoryUrl } from '../shapes/repositories.mjs';
import { base64, decoded, refuseByRules, requireWorkflows, signer } from './git-data.mjs';

/** Longer files are given as raw bytes only. */
const INLINE = 1 << 20;
const encodePath = (path) => path.split('/').map(encodeURIComponent).join('/');

function commitOf(c, asked) {
  if (c.git.isEmpty()) throw new Halt(404, 'This repository is empty.');
  const commit = c.git.resolve(asked ?? c.repo.defaultBranch);
  if (!commit) throw new Halt(404, `No commit found for the ref ${asked}`);
  return commit;
}

function entryShape(c, ref, path, entry) {
  const { objects } = c.git;
  const url = repositoryUrl(c.world, c.repo);
  const page = repositoryPage(c.world, c.repo);
  const type = entry.type === 'tree' ? 'dir' : entry.type === 'commit' ? 'submodule' : entry.mode === '120000' ? 'symlink' : 'file';
  const self = `${url}/contents/${encodePath(path)}?ref=${encodeURIComponent(ref)}`;
  const git = type === 'submodule' ? null : `${url}/git/${entry.type}s/${entry.sha}`;
  const html = `${page}/${type === 'dir' ? 'tree' : 'blob'}/${encodePath(ref)}/${encodePath(path)}`;
  return {
    type,
    size: entry.type === 'blob' ? objects.blob(entry.sha).length : 0,
    name: path.split('/').at(-1),
    path,
    sha: entry.sha,
    url: self,
    git_url: git,
    html_url: html,
    download_url: type === 'file' ? `${page}/raw/${encodePath(ref)}/${encodePath(path)}` : null,
    _links: { self, git, html },
  };
}

function fileShape(c, ref, path, entry) {
  const shape = entryShape(c, ref, path, entry);
  const content = c.git.objects.blob(entry.sha);
  if (shape.type === 'symlink') return { ...shape, target: content.toString('utf8') };
  return content.length > INLINE ? { ...shape, content: '', encoding: 'none' } : { ...shape, content: base64(content), encoding: 'base64' };
}

function getContent(c) {
  const ref = c.query.ref ?? c.repo.defaultBranch;
  const commit = commitOf(c, c.query.ref);
  const path = c.params.path.replace(/^\/+|\/+$/g, '');
  const entry = c.git.entry(commit, path);
  if (!entry) throw notFound();
  if (entry.type === 'tree') {
    const entries = c.git.objects
      .tree(entry.sha)
      .map((one) => entryShape(c, ref, path ? `${path}/${one.name}` : one.name, one))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    return c.wants('object')
      ? new Answer({ status: 200, type: 'application/vnd.github.object', body: { ...entryShape(c, ref, path, entry), entries } })
      : entries;
  }
  if (entry.type === 'commit') return { ...entryShape(c, ref, path, entry), submodule_git_url: `${c.world.url}/${path}` };
  if (c.wants('raw')) return bytes('application/vnd.github.raw+json; charset=utf-8', c.git.objects.blob(entry.sha));
  const shape = fileShape(c, ref, path, entry);
  return c.wants('object') ? new Answer({ status: 200, type: 'application/vnd.github.object', body: shape }) : shape;
}

function readme(c) {
  const ref = c.query.ref ?? c.repo.defaultBranch;
  const commit = commitOf(c, c.query.ref);
  for (const folder of c.params.dir ? [c.params.dir] : ['.github', '', 'docs']) {
    const tree = c.git.entry(commit, folder);
    const found =
      tree?.type === 'tree' && c.git.objects.tree(tree.sha).find(({ name, type }) => type === 'blob' && /^readme(\.|$)/i.test(name));
    if (!found) continue;
    if (c.wants('raw')) return bytes('application/vnd.github.raw+json; charset=utf-8', c.git.objects.blob(found.sha));
    return fileShape(c, ref, folder ? `${folder}/${found.name}` : found.name, found);
  }
  throw notFound();
}

/** The branch a write is for: an empty repository gets its first. */
function target(c) {
  const branch = c.body.branch?.replace(/^refs\/heads\//, '') ?? c.repo.defaultBranch;
  const tip = c.git.branch(branch);
  if (!tip && !c.git.isEmpty()) throw new Halt(404, `Branch ${branch} not found`);
  refuseByRules(c, `refs/heads/${branch}`, { status: 409 });
  return { branch, tip, files: tip ? new Map(c.git.objects.flatten(c.git.objects.commit(tip).tree)) : new Map() };
}

async function commit(c, { branch, tip, files }) {
  const { objects } = c.git;
  const author = signer(c, c.body.author ?? c.body.committer);
  const committer = signer(c, c.body.committer, author);
  const sha = objects.writeCommit({
    tree: objects.writeFiles(files),
    parents: tip ? [tip] : [],
    author,
    committer,
    message: c.body.message,
  });
  await moveRef(c.world, c.repo, `refs/heads/${branch}`, sha, c.sender);
  return gitCommit(c.world, c.repo, objects.commit(sha));
}

function refuseStale(path, old, sha) {
  if (old && sha === undefined) throw unprocessable('Invalid request.\n\n"sha" wasn\'t supplied.');
  if (sha !== undefined && old?.sha !== sha) throw new Halt(409, `${path} does not match ${sha}`);
}

async function putContent(c) {
  const {
    params: { path },
    body,
  } = c;
  if (!path || path.startsWith('/') || path.split('/').some((part) => ['', '.', '..', '.git'].includes(part)))
    throw unprocessable('path contains a malformed path component');
  requireWorkflows(c, [path]);
  const where = target(c);
  const old = where.files.get(path);
  refuseStale(path, old, body.sha);
  const entry = { mode: old?.mode ?? '100644', type: 'blob', sha: c.git.objects.write('blob', decoded(body.content)) };
  where.files.set(path, entry);
  const made = await commit(c, where);
  const answer = { content: entryShape(c, where.branch, path, entry), commit: made };
  return old ? answer : created(answer);
}

async function deleteContent(c) {
  const {
    params: { path },
    body,
  } = c;
  const where = target(c);
  const old = where.files.get(path);
  if (!old) throw notFound();
  requireWorkflows(c, [path]);
  refuseStale(path, old, body.sha);
  where.files.delete(path);
  return { content: null, commit: await commit(c, where) };
}

function tarball(c) {
  const { world, repo } = c;
  const sha = commitOf(c, c.params.ref || undefined);
  const prefix = `${repo.owner.login}-${repo.name}-${sha.slice(0, 7)}`;
  return redirect(offer(world, `${prefix}.tar.gz`, () => ({ type: 'application/x-gzip', stream: repo.git.archive(sha, prefix).stdout })));
}

export default {
  'repos/get-content': { needs: 'contents:read', run: getContent },
  'repos/get-readme': { needs: 'contents:read', run: readme },
  'repos/get-readme-in-directory': { needs: 'contents:read', run: readme },
  'repos/create-or-update-file-contents': { needs: 'contents:write', content: true, run: putContent },
  'repos/delete-file': { needs: 'contents:write', content: true, run: deleteContent },
  'repos/download-tarball-archive': { needs: 'contents:read', run: tarball },
};
