// What people do on GitHub while a portal looks away: the events a test may let happen.
import { addToken } from './seed.mjs';
import { organizationEvents, senderOf } from './events-organizations.mjs';
import { commitFiles, createRepository, deleteRepository, moveRepository } from './repositories.mjs';
import { moveRef } from './pushes.mjs';
import { mergePull, openPull, tell } from './pulls.mjs';
import { setState } from './issues.mjs';
import { roleName } from './roles.mjs';
import { advance } from './workflows.mjs';
import { simpleOrganization, simpleUser } from './shapes/accounts.mjs';
import { repositoryEvent } from './webhooks/events.mjs';

/** The repository an event names: `owner/name`. */
function repositoryOf(world, { repository }) {
  const found = world.repository(...repository.split('/'));
  if (!found) throw new Error(`there is no repository ${repository}`);
  return found;
}

const tellRepository = (world, repository, action, sender, extra) =>
  world.deliveries.send(repository, 'repository', () => repositoryEvent(world, action, repository, sender, extra));

const KINDS = {
  ...organizationEvents,
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
    repository.teams.clear();
    tellRepository(world, repository, 'transferred', senderOf(world, event, repository.owner), {
      changes: {
        owner: {
          from: from.kind === 'Organization' ? { organization: simpleOrganization(world, from) } : { user: simpleUser(world, from) },
        },
      },
    });
  },
  archive: (world, event) => setArchived(world, event, true),
  unarchive: (world, event) => setArchived(world, event, false),
  visibility(world, event) {
    const repository = repositoryOf(world, event);
    repository.visibility = event.visibility;
    tellRepository(
      world,
      repository,
      event.visibility === 'public' ? 'publicized' : 'privatized',
      senderOf(world, event, repository.owner),
    );
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
    if (!repository.git.branch(branch) && repository.git.branch(repository.defaultBranch))
      repository.git.setRef(`refs/heads/${branch}`, repository.git.branch(repository.defaultBranch));
    const made = commitFiles(world, repository, {
      files: event.files ?? {},
      branch,
      message: event.message ?? 'Change files',
      author: sender,
      date: event.date,
    });
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
  access(world, event) {
    const repository = repositoryOf(world, event);
    if (event.team) event.permission ? repository.teams.set(event.team, roleName(event.permission)) : repository.teams.delete(event.team);
    else
      event.permission
        ? repository.collaborators.set(event.login.toLowerCase(), roleName(event.permission))
        : repository.collaborators.delete(event.login.toLowerCase());
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
    const issue = await openPull(world, repository, {
      base: repository.defaultBranch,
      title: 'Change files',
      ...event,
      user: senderOf(world, event, repository.owner),
    });
    return { number: issue.number };
  },
  async merge(world, event) {
    const repository = repositoryOf(world, event);
    const sender = senderOf(world, event, repository.owner);
    const sha = await mergePull(world, repository, repository.issues.get(event.number), {
      method: event.method,
      sender,
      actor: { kind: 'user', user: sender, scopes: new Set(['repo']) },
      move: (ref, to) => moveRef(world, repository, ref, to, sender),
    });
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

/** Lets something happen and delivers its webhooks. */
export async function act(world, event) {
  const kind = KINDS[event.kind];
  if (!kind) throw new Error(`an event of kind ${event.kind} is not known`);
  return kind(world, event);
}
