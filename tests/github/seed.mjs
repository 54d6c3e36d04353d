// Builds a world from what a test describes.
import { generateKeyPairSync } from 'node:crypto';
import { nodeId, secret, slugOf } from './ids.mjs';
import { commitFiles, createRepository, newLabel } from './repositories.mjs';
import { roleName } from './roles.mjs';

/** Permissions of an installation that does not say its own. */
export const APP_PERMISSIONS = {
  actions: 'write',
  actions_variables: 'write',
  administration: 'write',
  checks: 'write',
  contents: 'write',
  deployments: 'write',
  environments: 'write',
  issues: 'write',
  metadata: 'read',
  pages: 'write',
  pull_requests: 'write',
  repository_custom_properties: 'write',
  repository_hooks: 'write',
  secrets: 'write',
  statuses: 'write',
  workflows: 'write',
  members: 'read',
  organization_administration: 'read',
};

// Making a key takes longer than everything else here, and few tests need one of their own.
let keys;
const newKeys = () =>
  generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  });
function keyPair() {
  keys ??= newKeys();
  return keys;
}

export function seed(world, spec) {
  for (const user of spec.users ?? []) world.addAccount('User', user.login, user);
  for (const organization of spec.organizations ?? []) addOrganization(world, organization);
  for (const repository of spec.repositories ?? []) addRepository(world, repository);
  for (const token of spec.tokens ?? []) addToken(world, token);
  if (spec.app) addApp(world, { ...(spec.webhook?.secret ? { webhookSecret: spec.webhook.secret } : {}), ...spec.app });
}

const person = (world, login) => world.user(login) ?? world.addAccount('User', login);

function addOrganization(world, { members = [], teams = [], ...spec }) {
  const organization = world.addAccount('Organization', spec.login, { plan: 'enterprise', ...spec });
  for (const { login, role = 'member' } of members.map((one) => (typeof one === 'string' ? { login: one } : one))) {
    organization.members.set(person(world, login).login.toLowerCase(), role === 'owner' ? 'admin' : role);
  }
  for (const team of teams) addTeam(world, organization, team);
}

export function addTeam(world, organization, { slug, name = slug, description = null, parent = null, privacy = 'closed', members = [] }) {
  const id = world.newId();
  const team = {
    id,
    nodeId: nodeId('Team', id),
    slug: slug ?? slugOf(name),
    name,
    description,
    parent,
    privacy,
    members: new Map(),
    createdAt: world.stamp(),
  };
  for (const { login, role = 'member' } of members.map((one) => (typeof one === 'string' ? { login: one } : one))) {
    const user = person(world, login);
    if (!organization.members.has(user.login.toLowerCase())) organization.members.set(user.login.toLowerCase(), 'member');
    team.members.set(user.login.toLowerCase(), role);
  }
  organization.teams.set(team.slug, team);
  return team;
}

/** `files` make one commit; `commits` and `branches` make more. */
function addRepository(
  world,
  { owner, files, commits = [], branches = {}, collaborators = {}, teams = {}, labels = [], variables = {}, properties, ...spec },
) {
  const account = world.account(owner) ?? world.addAccount('User', owner);
  const asked = Object.fromEntries(
    Object.entries(spec).map(([key, value]) => [key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), value]),
  );
  const repository = createRepository(world, account, { ...asked, custom_properties: properties }, { seeded: true });
  for (const commit of [...(files ? [{ files }] : []), ...commits]) {
    const made = commitFiles(world, repository, {
      ...commit,
      author: commit.author ? { ...world.user(commit.author), ...(commit.author.name ? commit.author : {}) } : undefined,
    });
    repository.git.setRef(`refs/heads/${made.branch}`, made.sha);
  }
  for (const [branch, changes] of Object.entries(branches)) {
    const base = repository.git.branch(repository.defaultBranch);
    if (base) repository.git.setRef(`refs/heads/${branch}`, base);
    repository.git.setRef(
      `refs/heads/${branch}`,
      commitFiles(world, repository, { files: changes, branch, message: `Change ${branch}` }).sha,
    );
  }
  for (const [login, permission] of Object.entries(collaborators))
    repository.collaborators.set(person(world, login).login.toLowerCase(), roleName(permission));
  for (const [slug, permission] of Object.entries(teams)) repository.teams.set(slug, roleName(permission));
  for (const label of labels)
    repository.labels.push(
      typeof label === 'string'
        ? newLabel(world, label, 'ededed')
        : newLabel(world, label.name, label.color ?? 'ededed', label.description),
    );
  for (const [name, value] of Object.entries(variables))
    repository.variables.set(name.toUpperCase(), { name: name.toUpperCase(), value, createdAt: world.stamp(), updatedAt: world.stamp() });
  return repository;
}

export function addToken(world, { token = secret('ghp_'), user, scopes = ['repo'], expiresAt, sso = [] }) {
  world.tokens.set(token, {
    value: token,
    user: person(world, user),
    scopes,
    expiresAt: expiresAt ? new Date(expiresAt).getTime() : undefined,
    sso: new Set(sso.map((login) => login.toLowerCase())),
  });
}

function addApp(world, { slug = 'greenroom', name = slug, webhookSecret = secret('', 20), installations = [], ...spec }) {
  const id = spec.id ?? world.newId();
  const { privateKey } = spec.ownKey ? newKeys() : keyPair();
  world.app = {
    id,
    slug,
    name,
    nodeId: nodeId('App', id),
    clientId: spec.clientId ?? secret('Iv23li', 14),
    privateKey,
    webhookSecret,
    createdAt: world.stamp(),
    installations: [],
    owner: world.account(spec.owner) ?? world.organizations()[0] ?? person(world, 'octocat'),
  };
  for (const installation of installations) addInstallation(world, installation);
}

export function addInstallation(world, { account, permissions = APP_PERMISSIONS, repositories = 'all', suspended = false, events = [] }) {
  const owner = world.account(account) ?? person(world, account);
  const installation = {
    id: world.newId(),
    account: owner,
    permissions: { metadata: 'read', ...permissions },
    selection: repositories === 'all' ? 'all' : 'selected',
    repositories: new Set(),
    suspended,
    events,
    createdAt: world.stamp(),
    updatedAt: world.stamp(),
  };
  if (repositories !== 'all')
    for (const name of repositories) installation.repositories.add(world.repository(owner.login, name.split('/').at(-1)).id);
  world.app.installations.push(installation);
  return installation;
}
