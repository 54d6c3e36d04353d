// What a repository is and how one comes to be, whoever asks for it.
import path from 'node:path';
import { invalid } from './errors.mjs';
import { Repository } from './git/repository.mjs';
import { nodeId, repositoryName } from './ids.mjs';

export const DEFAULT_LABELS = [
  ['bug', 'd73a4a', "Something isn't working"],
  ['documentation', '0075ca', 'Improvements or additions to documentation'],
  ['duplicate', 'cfd3d7', 'This issue or pull request already exists'],
  ['enhancement', 'a2eeef', 'New feature or request'],
  ['good first issue', '7057ff', 'Good for newcomers'],
  ['help wanted', '008672', 'Extra attention is needed'],
  ['invalid', 'e4e669', "This doesn't seem right"],
  ['question', 'd876e3', 'Further information is requested'],
  ['wontfix', 'ffffff', 'This will not be worked on'],
];

const FEATURES = {
  has_issues: true,
  has_projects: true,
  has_wiki: true,
  has_downloads: true,
  has_discussions: false,
  allow_squash_merge: true,
  allow_merge_commit: true,
  allow_rebase_merge: true,
  allow_auto_merge: false,
  delete_branch_on_merge: false,
  allow_update_branch: false,
  use_squash_pr_title_as_default: false,
  squash_merge_commit_title: 'COMMIT_OR_PR_TITLE',
  squash_merge_commit_message: 'COMMIT_MESSAGES',
  merge_commit_title: 'MERGE_MESSAGE',
  merge_commit_message: 'PR_TITLE',
  allow_forking: false,
  web_commit_signoff_required: false,
};
export const FEATURE_NAMES = Object.keys(FEATURES);

/** Makes a repository, or refuses it as GitHub does. `asked` has the names of the REST API. */
export function createRepository(world, owner, asked, { seeded = false } = {}) {
  const name = repositoryName(asked.name);
  if (!name || name === '.' || name === '..') throw invalid({ resource: 'Repository', code: 'missing_field', field: 'name' });
  if (world.repository(owner.login, name)) {
    throw invalid({ resource: 'Repository', code: 'custom', field: 'name', message: 'name already exists on this account' });
  }
  const visibility = asked.visibility ?? (asked.private ? 'private' : 'public');
  if (!seeded) refuseVisibility(owner, visibility);
  const id = asked.id ?? world.newId();
  const now = asked.created_at ?? world.stamp();
  const features = Object.fromEntries(FEATURE_NAMES.map((key) => [key, asked[key] ?? FEATURES[key]]));
  const repository = {
    id,
    nodeId: nodeId('Repository', id),
    owner,
    name,
    description: asked.description ?? null,
    homepage: asked.homepage ?? null,
    visibility,
    features,
    topics: asked.topics ?? [],
    archived: asked.archived ?? false,
    isTemplate: asked.is_template ?? false,
    fork: false,
    parent: undefined,
    defaultBranch: asked.default_branch ?? owner.defaultBranch ?? 'main',
    createdAt: now,
    updatedAt: now,
    pushedAt: asked.pushed_at ?? now,
    security: startingSecurity(visibility),
    collaborators: new Map(),
    teams: new Map(),
    protections: new Map(),
    rulesets: [],
    environments: new Map(),
    variables: new Map(),
    secrets: new Map(),
    keys: [],
    hooks: [],
    autolinks: [],
    labels: DEFAULT_LABELS.map(([label, color, description]) => newLabel(world, label, color, description, true)),
    issues: new Map(),
    nextNumber: 1,
    pages: undefined,
    workflows: new Map(),
    runs: [],
    checkSuites: [],
    checkRuns: [],
    properties: new Map(Object.entries(asked.custom_properties ?? {})),
    accessLevel: 'none',
    oidc: { use_default: true },
    subscriptions: new Map(),
    invitations: [],
  };
  repository.git = new Repository(path.join(world.folder, `${id}.git`), repository.defaultBranch);
  world.repositories.set(`${owner.login}/${name}`.toLowerCase(), repository);
  world.redirects.delete(`${owner.login}/${name}`.toLowerCase());
  return repository;
}

export function newLabel(world, name, color, description = null, isDefault = false) {
  const id = world.newId();
  return { id, nodeId: nodeId('Label', id), name, color, description, default: isDefault };
}

function startingSecurity(visibility) {
  const secret = visibility === 'public' ? 'enabled' : 'disabled';
  return {
    dependabot_security_updates: { status: 'disabled' },
    secret_scanning: { status: secret },
    secret_scanning_push_protection: { status: secret },
  };
}

/** An organization's policy on who may see new repositories. */
export function refuseVisibility(owner, visibility) {
  if (visibility === 'internal' && (owner.kind !== 'Organization' || owner.plan !== 'enterprise')) {
    throw invalid({
      resource: 'Repository',
      code: 'custom',
      field: 'visibility',
      message: 'Only organizations associated with an enterprise can set visibility to internal',
    });
  }
  if (!owner.forbids?.includes(visibility)) return;
  throw invalid({
    resource: 'Repository',
    code: 'custom',
    field: 'visibility',
    message: `Visibility can't be ${visibility}. Please ask an organization owner to allow it.`,
  });
}

/** Gives a repository another name or owner; the old address leads to the new one. */
export function moveRepository(world, repository, { owner = repository.owner, name = repository.name }) {
  const old = `${repository.owner.login}/${repository.name}`;
  world.repositories.delete(old.toLowerCase());
  Object.assign(repository, { owner, name, updatedAt: world.stamp() });
  world.repositories.set(`${owner.login}/${name}`.toLowerCase(), repository);
  if (old.toLowerCase() !== `${owner.login}/${name}`.toLowerCase()) world.redirects.set(old.toLowerCase(), repository.id);
}

export function deleteRepository(world, repository) {
  world.repositories.delete(`${repository.owner.login}/${repository.name}`.toLowerCase());
  for (const [address, id] of world.redirects) if (id === repository.id) world.redirects.delete(address);
  repository.git.remove();
}

/** A first commit, or one on top of a branch, with files by path (`null` deletes one). */
export function commitFiles(
  world,
  repository,
  { files, branch = repository.defaultBranch, message = 'Initial commit', author, parents, date },
) {
  const { git } = repository;
  const tip = git.branch(branch);
  const all = tip ? new Map(git.objects.flatten(git.objects.commit(tip).tree)) : new Map();
  for (const [name, text] of Object.entries(files)) {
    if (text === null) all.delete(name);
    else if (typeof text === 'object')
      all.set(name, { mode: text.mode ?? '100644', sha: git.objects.write('blob', Buffer.from(text.content, text.encoding ?? 'utf8')) });
    else all.set(name, { mode: '100644', sha: git.objects.write('blob', Buffer.from(text)) });
  }
  const who = {
    name: author?.name ?? author?.login ?? 'GitHub',
    email: author?.email ?? 'noreply@github.com',
    date: date ? new Date(date) : world.clock.date(),
  };
  const sha = git.objects.writeCommit({
    tree: git.objects.writeFiles(all),
    parents: parents ?? (tip ? [tip] : []),
    author: who,
    committer: who,
    message,
  });
  return { sha, before: tip, branch };
}
