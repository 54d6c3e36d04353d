// Branches, commits and what differs between them.
import { bytes, created } from '../call.mjs';
import { Halt, emptyRepository, notFound } from '../errors.mjs';
import { changedFiles } from '../git/diff.mjs';
import { nodeId } from '../ids.mjs';
import { moveRef } from '../pushes.mjs';
import { branchRules } from '../rules.mjs';
import { changedFile, commitShape } from '../shapes/commits.mjs';
import { repositoryPage, repositoryUrl } from '../shapes/repositories.mjs';

function summary(c, name, sha) {
  const url = repositoryUrl(c.world, c.repo);
  const protection = c.repo.protections.get(name);
  const checks = protection?.required_status_checks;
  return {
    name,
    commit: { sha, url: `${url}/commits/${sha}` },
    protected: Boolean(protection) || branchRules(c.world, c.repo, name, { kind: 'anonymous' }).any,
    protection: {
      enabled: Boolean(protection),
      required_status_checks: {
        enforcement_level: checks ? 'non_admins' : 'off',
        contexts: checks?.contexts ?? [],
        checks: (checks?.checks ?? []).map(({ context, app_id }) => ({ context, app_id: app_id ?? null })),
      },
    },
    protection_url: `${url}/branches/${encodeURIComponent(name)}/protection`,
  };
}

function listBranches(c) {
  const all = c.git.branches().map(({ name, sha }) => summary(c, name, sha));
  return c.page(c.query.protected === undefined ? all : all.filter((one) => one.protected === c.query.protected));
}

function getBranch(c) {
  const name = c.params.branch;
  const sha = c.git.branch(name);
  if (!sha) throw new Halt(404, 'Branch not found');
  const shown = summary(c, name, sha);
  return {
    ...shown,
    commit: commitShape(c.world, c.repo, c.git.objects.commit(sha)),
    _links: {
      self: `${repositoryUrl(c.world, c.repo)}/branches/${encodeURIComponent(name)}`,
      html: `${repositoryPage(c.world, c.repo)}/tree/${name}`,
    },
  };
}

/** A branch gets another name; the default branch stays the default one. */
async function renameBranch(c) {
  const { world, repo, params: { branch: from }, body: { new_name: name } } = c;
  const sha = c.git.branch(from);
  if (!sha) throw new Halt(404, 'Branch not found');
  if (c.git.branch(name)) throw new Halt(422, { message: 'Validation Failed', errors: [{ resource: 'Branch', code: 'already_exists', field: 'name', message: 'name already exists' }] });
  await moveRef(world, repo, `refs/heads/${name}`, sha, c.sender);
  if (repo.defaultBranch === from) {
    repo.defaultBranch = name;
    c.git.setHead(name);
  }
  const protection = repo.protections.get(from);
  if (protection) repo.protections.set(name, protection);
  repo.protections.delete(from);
  await moveRef(world, repo, `refs/heads/${from}`, undefined, c.sender);
  c.params.branch = name;
  return created(getBranch(c));
}

function listCommits(c) {
  if (c.git.isEmpty()) throw emptyRepository();
  const tip = c.git.resolve(c.query.sha ?? c.repo.defaultBranch);
  if (!tip) throw notFound();
  const { since, until, author } = c.query;
  const all = c.git
    .log(tip, { path: c.query.path?.replace(/^\/+|\/+$/g, '') || undefined })
    .filter((commit) => (!since || commit.committer.date >= new Date(since)) && (!until || commit.committer.date <= new Date(until)));
  const shown = author
    ? all.filter((commit) => commit.author.email === author || commitShape(c.world, c.repo, commit).author?.login === author)
    : all;
  return c.page(shown).map((commit) => commitShape(c.world, c.repo, commit));
}

async function getCommit(c) {
  if (c.git.isEmpty()) throw emptyRepository();
  const sha = c.git.resolve(c.params.ref === 'HEAD' ? c.repo.defaultBranch : c.params.ref);
  if (!sha) throw new Halt(422, `No commit found for SHA: ${c.params.ref}`);
  if (c.wants('sha')) return bytes('application/vnd.github.sha; charset=utf-8', Buffer.from(sha));
  const commit = c.git.objects.commit(sha);
  if (c.wants('diff'))
    return bytes('application/vnd.github.diff; charset=utf-8', await c.git.git('diff-tree', '-p', '--root', '--no-commit-id', sha));
  const files = await changedFiles(c.git, commit.parents[0], sha);
  return {
    ...commitShape(c.world, c.repo, commit),
    stats: totals(files),
    files: c.page(files).map((file) => changedFile(c.world, c.repo, sha, file)),
  };
}

function totals(files) {
  const additions = files.reduce((sum, file) => sum + file.additions, 0);
  const deletions = files.reduce((sum, file) => sum + file.deletions, 0);
  return { additions, deletions, total: additions + deletions };
}

async function compare(c) {
  const [base, head] = (c.params.basehead ? c.params.basehead.split('...') : [c.params.base, c.params.head]).map((name) =>
    c.git.resolve(name.split(':').at(-1)),
  );
  if (!base || !head) throw notFound();
  const merge = await c.git.mergeBase(base, head);
  if (!merge) throw new Halt(404, `No common ancestor between ${c.params.base} and ${c.params.head}.`);
  const known = new Set(c.git.log(merge).map(({ sha }) => sha));
  const ahead = c.git.log(head).filter(({ sha }) => !known.has(sha));
  const behind = c.git.log(base).filter(({ sha }) => !known.has(sha));
  const url = `${repositoryUrl(c.world, c.repo)}/compare/${base}...${head}`;
  const page = `${repositoryPage(c.world, c.repo)}/compare/${base}...${head}`;
  if (c.wants('diff')) return bytes('application/vnd.github.diff; charset=utf-8', await c.git.git('diff', merge, head));
  const shape = (sha) => commitShape(c.world, c.repo, c.git.objects.commit(sha));
  return {
    url,
    html_url: page,
    permalink_url: page,
    diff_url: `${page}.diff`,
    patch_url: `${page}.patch`,
    base_commit: shape(base),
    merge_base_commit: shape(merge),
    status: ahead.length ? (behind.length ? 'diverged' : 'ahead') : behind.length ? 'behind' : 'identical',
    ahead_by: ahead.length,
    behind_by: behind.length,
    total_commits: ahead.length,
    commits: c.page(ahead.reverse()).map((commit) => commitShape(c.world, c.repo, commit)),
    files: (await changedFiles(c.git, merge, head)).map((file) => changedFile(c.world, c.repo, head, file)),
  };
}

function listTags(c) {
  const url = repositoryUrl(c.world, c.repo);
  const tags = [...c.git.refs()].filter(([ref]) => ref.startsWith('refs/tags/')).reverse();
  return c.page(tags).map(([ref, sha]) => {
    const name = ref.slice(10);
    const commit = c.git.peel(sha);
    return {
      name,
      zipball_url: `${url}/zipball/${ref}`,
      tarball_url: `${url}/tarball/${ref}`,
      commit: { sha: commit, url: `${url}/commits/${commit}` },
      node_id: nodeId('Ref', c.repo.id, ref),
    };
  });
}

export default {
  'repos/list-tags': { needs: 'metadata:read', run: listTags },
  'repos/list-branches': { needs: 'contents:read', run: listBranches },
  'repos/rename-branch': { needs: 'contents:write', run: renameBranch },
  'repos/get-branch': { needs: 'contents:read', run: getBranch },
  'repos/list-commits': { needs: 'contents:read', run: listCommits },
  'repos/get-commit': { needs: 'contents:read', run: getCommit },
  'repos/compare-commits': { needs: 'contents:read', run: compare },
  'repos/compare-commits-with-basehead': { needs: 'contents:read', run: compare },
};
