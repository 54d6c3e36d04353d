// Commits, references and changed files, as the REST API writes them.
import { iso } from '../clock.mjs';
import { nodeId } from '../ids.mjs';
import { botOf, simpleUser } from './accounts.mjs';
import { repositoryPage, repositoryUrl } from './repositories.mjs';

export const gitPerson = ({ name, email, date }) => ({ name, email, date: iso(date) });

/** The account whose address a commit bears. */
export function accountOf(world, { email }) {
  if (world.app && email === botOf(world, world.app).email) return botOf(world, world.app);
  const lower = email.toLowerCase();
  return [...world.accounts.values()].find(
    (account) =>
      account.kind === 'User' &&
      (account.email?.toLowerCase() === lower || lower === `${account.id}+${account.login}@users.noreply.github.com`.toLowerCase()),
  );
}

const verification = (commit) => ({
  verified: Boolean(commit.signature),
  reason: commit.signature ? 'valid' : 'unsigned',
  signature: commit.signature ?? null,
  payload: null,
  verified_at: commit.signature ? iso(commit.committer.date) : null,
});
const parentsOf = (world, repository, commit, git) =>
  commit.parents.map((sha) => ({
    sha,
    url: `${repositoryUrl(world, repository)}/${git ? 'git/' : ''}commits/${sha}`,
    html_url: `${repositoryPage(world, repository)}/commit/${sha}`,
  }));

/** A commit of the Git Data API. */
export function gitCommit(world, repository, commit) {
  const url = repositoryUrl(world, repository);
  return {
    sha: commit.sha,
    node_id: nodeId('Commit', repository.id, commit.sha),
    url: `${url}/git/commits/${commit.sha}`,
    html_url: `${repositoryPage(world, repository)}/commit/${commit.sha}`,
    author: gitPerson(commit.author),
    committer: gitPerson(commit.committer),
    tree: { sha: commit.tree, url: `${url}/git/trees/${commit.tree}` },
    message: commit.message,
    parents: parentsOf(world, repository, commit, true),
    verification: verification(commit),
  };
}

/** A commit with the accounts of its people. */
export function commitShape(world, repository, commit) {
  const url = repositoryUrl(world, repository);
  return {
    sha: commit.sha,
    node_id: nodeId('Commit', repository.id, commit.sha),
    commit: {
      author: gitPerson(commit.author),
      committer: gitPerson(commit.committer),
      message: commit.message,
      tree: { sha: commit.tree, url: `${url}/git/trees/${commit.tree}` },
      url: `${url}/git/commits/${commit.sha}`,
      comment_count: 0,
      verification: verification(commit),
    },
    url: `${url}/commits/${commit.sha}`,
    html_url: `${repositoryPage(world, repository)}/commit/${commit.sha}`,
    comments_url: `${url}/commits/${commit.sha}/comments`,
    author: simpleUser(world, accountOf(world, commit.author)),
    committer: simpleUser(world, accountOf(world, commit.committer)),
    parents: parentsOf(world, repository, commit),
  };
}

export function changedFile(world, repository, sha, file) {
  const name = file.filename.split('/').map(encodeURIComponent).join('/');
  const shown = {
    sha: file.sha,
    filename: file.filename,
    status: file.status,
    additions: file.additions,
    deletions: file.deletions,
    changes: file.additions + file.deletions,
    blob_url: `${repositoryPage(world, repository)}/blob/${sha}/${name}`,
    raw_url: `${repositoryPage(world, repository)}/raw/${sha}/${name}`,
    contents_url: `${repositoryUrl(world, repository)}/contents/${name}?ref=${sha}`,
  };
  if (file.patch) shown.patch = file.patch;
  if (file.previous) shown.previous_filename = file.previous;
  return shown;
}

export function refShape(world, repository, name, sha) {
  const type = repository.git.objects.type(sha);
  return {
    ref: name,
    node_id: nodeId('Ref', repository.id, name),
    url: `${repositoryUrl(world, repository)}/git/${name}`,
    object: { sha, type, url: `${repositoryUrl(world, repository)}/git/${type}s/${sha}` },
  };
}
