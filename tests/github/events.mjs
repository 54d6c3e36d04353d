// What people do on GitHub while a portal looks away: the events a test may let happen.
import { addInstallation, addTeam, addToken } from './seed.mjs';
import { commitFiles, createRepository, deleteRepository, moveRepository } from './repositories.mjs';
import { moveRef } from './pushes.mjs';
import { mergePull, openPull, tell } from './pulls.mjs';
import { setState } from './issues.mjs';
import { covers, roleName } from './roles.mjs';
import { advance } from './workflows.mjs';
import { installationEvent, installationRepositoriesEvent, membershipEvent, organizationEvent, repositoryEvent, teamEvent } from './webhooks/events.mjs';

/** The repository an event names: `owner/name`. */
function repositoryOf(world, { repository }) {
  const found = world.repository(...repository.split('/'));
  if (!found) throw new Error(`there is no repository ${repository}`);
  return found;
}

/** Who does it: the person named, or an owner. */
function senderOf(world, event, owner) {
  const login = event.by ?? (owner?.kind === 'Organization' ? [...owner.members].find(([, role]) => role === 'admin')?.[0] : owner?.login) ?? [...world.accounts.values()].find(({ kind }) => kind === 'User')?.login;
  return world.user(login) ?? owner;
}

const tellRepository = (world, repository, action, sender, extra) => world.deliveries.send(repository, 'repository', () => repositoryEvent(world, action, repository, sender, extra));

const KINDS = {
  create(world, event) {
    const [owner, name] = event.repository.split('/');
    const account = world.account(owner);
    const made = createRepository(world, account, { name, ...event.settings }, { seeded: true });
    tellRepository(world, made, 'created', senderOf(world, event, account));
    return event.files ? KINDS.commit(world, event) : { id: made.id };
  },
  rename(world, event) {
    const repository = repositoryOf(world, event);
    const from = repository.name;
    moveRepository(world, repository, { name: event.name });
    tellRepository(world, repository, 'renamed', senderOf(world, event, repository.owner), { changes: { repository: { name: { from } } } });
  },
  transfer(world, event) {
    const repository = repositoryOf(world, event);
    const from = repository.owner;
    moveRepository(world, repository, { owner: world.account(event.owner) });
    const { login, id } = from;
    tellRepository(world, repository, 'transferred', senderOf(world, event, repository.owner), { changes: { owner: { from: { [from.kind === 'Organization' ? 'organization' : 'user']: accountInChanges(world, from, { login, id }) } } } });
  },
  archive: (world, event) => setArchived(world, event, true),
  unarchive: (world, event) => setArchived(world, event, false),
  visibility(world, event) {
    const repository = repositoryOf(world, event);
    repository.visibility = event.visibility;
    tellRepository(world, repository, event.visibility === 'public' ? 'publicized' : 'privatized', senderOf(world, event, repository.owner));
  },
  edit(world, event) {
    const repository = repositoryOf(world, event);
    const changes = {};
    for (const key of ['description', 'homepage']) {
      if (event[key] === undefined) continue;
      changes[key] = { from: repository[key] };
      repository[key] = event[key];
    }
    if (event.topics) {
      changes.topics = { from: repository.topics };
      repository.topics = event.topics;
    }
    if (event.defaultBranch) {
      changes.default_branch = { from: repository.defaultBranch };
      repository.defaultBranch = event.defaultBranch;
      repository.git.setHead(event.defaultBranch);
    }
    tellRepository(world, repository, 'edited', senderOf(world, event, repository.owner), { changes });
  },
  delete(world, event) {
    const repository = repositoryOf(world, event);
    tellRepository(world, repository, 'deleted', senderOf(world, event, repository.owner));
    deleteRepository(world, repository);
  },
  async commit(world, event) {
    const repository = repositoryOf(world, event);
    const sender = senderOf(world, event, repository.owner);
    const branch = event.branch ?? repository.defaultBranch;
    if (!repository.git.branch(branch) && repository.git.branch(repository.defaultBranch)) repository.git.setRef(`refs/heads/${branch}`, repository.git.branch(repository.defaultBranch));
    const made = commitFiles(world, repository, { files: event.files ?? {}, branch, message: event.message ?? 'Change files', author: sender, date: event.date });
    await moveRef(world, repository, `refs/heads/${branch}`, made.sha, sender);
    return { sha: made.sha };
  },
  async branch(world, event) {
    const repository = repositoryOf(world, event);
    const sha = event.delete ? undefined : repository.git.resolve(event.from ?? repository.defaultBranch);
    await moveRef(world, repository, `refs/heads/${event.name}`, sha, senderOf(world, event, repository.owner));
    return { sha };
  },
  async tag(world, event) {
    const repository = repositoryOf(world, event);
    const sha = repository.git.resolve(event.from ?? repository.defaultBranch);
    await moveRef(world, repository, `refs/tags/${event.name}`, sha, senderOf(world, event, repository.owner));
    return { sha };
  },
  /** Makes someone a member of a team, or of the organization when no team is named; `remove` undoes it. */
  membership(world, event) {
    const organization = world.organization(event.organization);
    const user = world.user(event.login) ?? world.addAccount('User', event.login);
    const login = user.login.toLowerCase();
    const sender = senderOf(world, event, organization);
    const { role = 'member', remove = false } = event;
    const belongs = organization.members.has(login);
    if (event.team) {
      const team = organization.teams.get(event.team);
      if (!remove && !belongs) join(world, organization, user, 'member', sender);
      remove ? team.members.delete(login) : team.members.set(login, role);
      world.deliveries.send(organization, 'membership', () => membershipEvent(world, remove ? 'removed' : 'added', organization, team, user, sender));
    } else if (remove) {
      const was = organization.members.get(login);
      organization.members.delete(login);
      for (const team of organization.teams.values()) team.members.delete(login);
      world.deliveries.send(organization, 'organization', () => organizationEvent(world, 'member_removed', organization, { user, role: was, sender }));
    } else join(world, organization, user, role, sender);
  },
  team(world, event) {
    const organization = world.organization(event.organization);
    const sender = senderOf(world, event, organization);
    const send = (action, team, changes) => world.deliveries.send(organization, 'team', () => teamEvent(world, action, organization, team, sender, undefined, changes));
    const known = organization.teams.get(event.slug);
    if (!known) send('created', addTeam(world, organization, event));
    else if (event.remove) {
      organization.teams.delete(event.slug);
      for (const repository of world.repositories.values()) repository.teams.delete(event.slug);
      send('deleted', known);
    } else {
      const changes = event.name && event.name !== known.name ? { name: { from: known.name } } : {};
      for (const key of ['name', 'description', 'privacy', 'parent']) if (event[key] !== undefined) known[key] = event[key];
      send('edited', known, changes);
    }
  },
  renameOrganization(world, event) {
    const organization = world.organization(event.organization);
    const from = organization.login;
    const own = world.repositoriesOf(organization).map((repository) => [`${from}/${repository.name}`.toLowerCase(), repository]);
    world.accounts.delete(from.toLowerCase());
    organization.login = event.login;
    world.accounts.set(event.login.toLowerCase(), organization);
    for (const [old, repository] of own) {
      world.repositories.delete(old);
      world.repositories.set(`${event.login}/${repository.name}`.toLowerCase(), repository);
      world.redirects.set(old, repository.id);
    }
    world.deliveries.send(organization, 'organization', () => organizationEvent(world, 'renamed', organization, { changes: { login: { from } }, sender: senderOf(world, event, organization) }));
  },
  access(world, event) {
    const repository = repositoryOf(world, event);
    if (event.team) event.permission ? repository.teams.set(event.team, roleName(event.permission)) : repository.teams.delete(event.team);
    else event.permission ? repository.collaborators.set(event.login.toLowerCase(), roleName(event.permission)) : repository.collaborators.delete(event.login.toLowerCase());
  },
  /** `action`: created, deleted, suspend, unsuspend, permissions, added, removed. */
  installation(world, event) {
    const sender = senderOf(world, event, world.account(event.account));
    if (event.action === 'created') {
      const made = addInstallation(world, event);
      world.deliveries.sendApp('installation', installationEvent(world, 'created', made, world.repositoriesOf(made.account).filter((one) => covers({ installation: made }, one)), sender));
      return { id: made.id };
    }
    const installation = world.app.installations.find(({ account }) => account.login.toLowerCase() === event.account.toLowerCase());
    const repositories = (event.repositories ?? []).map((name) => world.repository(installation.account.login, name.split('/').at(-1)));
    installation.updatedAt = world.stamp();
    if (event.action === 'added' || event.action === 'removed') {
      if (event.action === 'removed' && installation.selection === 'all') for (const one of world.repositoriesOf(installation.account)) installation.repositories.add(one.id);
      installation.selection = 'selected';
      for (const { id } of repositories) event.action === 'added' ? installation.repositories.add(id) : installation.repositories.delete(id);
      world.deliveries.sendApp('installation_repositories', installationRepositoriesEvent(world, event.action, installation, repositories, sender));
      return undefined;
    }
    if (event.action === 'permissions') {
      installation.permissions = { metadata: 'read', ...event.permissions };
      for (const token of world.tokens.values()) if (token.installation === installation) token.permissions = Object.fromEntries(Object.entries(token.permissions).filter(([name]) => installation.permissions[name]));
    }
    if (event.action === 'suspend' || event.action === 'unsuspend') installation.suspended = event.action === 'suspend';
    if (event.action === 'deleted') {
      installation.deleted = true;
      world.app.installations = world.app.installations.filter((one) => one !== installation);
    }
    world.deliveries.sendApp('installation', installationEvent(world, event.action === 'permissions' ? 'new_permissions_accepted' : event.action, installation, [], sender));
    return undefined;
  },
  token(world, event) {
    if (event.revoke) world.tokens.get(event.token).revoked = true;
    else addToken(world, event);
  },
  /** Sets a run to a state: the newest, or the one with the id. */
  run(world, event) {
    const repository = repositoryOf(world, event);
    const run = event.id ? repository.runs.find(({ id }) => id === event.id) : repository.runs.at(-1);
    if (!run) throw new Error('there is no run');
    advance(world, repository, run, event);
    return { id: run.id };
  },
  async pull(world, event) {
    const repository = repositoryOf(world, event);
    const issue = await openPull(world, repository, { base: repository.defaultBranch, title: 'Change files', ...event, user: senderOf(world, event, repository.owner) });
    return { number: issue.number };
  },
  async merge(world, event) {
    const repository = repositoryOf(world, event);
    const sender = senderOf(world, event, repository.owner);
    const sha = await mergePull(world, repository, repository.issues.get(event.number), { method: event.method, sender, actor: { kind: 'user', user: sender, scopes: new Set(['repo']) }, move: (ref, to) => moveRef(world, repository, ref, to, sender) });
    return { sha };
  },
  async close(world, event) {
    const repository = repositoryOf(world, event);
    const issue = repository.issues.get(event.number);
    const sender = senderOf(world, event, repository.owner);
    if (setState(world, issue, 'closed', event.reason, sender) && issue.pull) await tell(world, repository, issue, 'closed', sender);
  },
  review(world, event) {
    const { pull } = repositoryOf(world, event).issues.get(event.number);
    pull.reviews.push({ user: world.user(event.by), state: event.state ?? 'APPROVED' });
    pull.reviewers = pull.reviewers.filter((login) => login !== event.by);
  },
  webhooks(world, event) {
    Object.assign(world.deliveries.settings, Object.fromEntries(Object.entries(event).filter(([key]) => key !== 'kind')));
  },
};

function setArchived(world, event, archived) {
  const repository = repositoryOf(world, event);
  repository.archived = archived;
  tellRepository(world, repository, archived ? 'archived' : 'unarchived', senderOf(world, event, repository.owner));
}

function join(world, organization, user, role, sender) {
  organization.members.set(user.login.toLowerCase(), role);
  world.deliveries.send(organization, 'organization', () => organizationEvent(world, 'member_added', organization, { user, role, sender }));
}

function accountInChanges(world, account) {
  const { simple } = account;
  return simple ?? { login: account.login, id: account.id, node_id: account.nodeId };
}

/** Lets something happen and delivers its webhooks. */
export async function act(world, event) {
  const kind = KINDS[event.kind];
  if (!kind) throw new Error(`an event of kind ${event.kind} is not known`);
  return kind(world, event);
}
