// Repositories: making, reading, changing, deleting and listing them.
import { Answer, accepted, created, nothing } from '../call.mjs';
import { Halt, archived, forbidden, invalid, notAccessible, notFound } from '../errors.mjs';
import { repositoryName } from '../ids.mjs';
import { FEATURE_NAMES, commitFiles, createRepository, deleteRepository, moveRepository, refuseVisibility } from '../repositories.mjs';
import { moveRef } from '../pushes.mjs';
import { canSee, roleOf } from '../roles.mjs';
import { fullRepository, minimalRepository } from '../shapes/repositories.mjs';
import { repositoryEvent } from '../webhooks/events.mjs';

const shown = (c, repository = c.repo) => fullRepository(c.world, c.actor, repository);

async function createInOrganization(c) {
  const { world, actor, org, body } = c;
  if (actor.kind === 'user') {
    const role = org.members.get(actor.user.login.toLowerCase());
    if (!role) throw notFound();
    if (!actor.scopes.has(body.private || body.visibility !== 'public' ? 'repo' : 'public_repo') && !actor.scopes.has('repo'))
      throw notFound();
    if (role !== 'admin' && org.membersCanCreate === false)
      throw forbidden('You need admin access to the organization before adding a repository to it.');
  }
  const repository = createRepository(world, org, body);
  if (actor.kind === 'user') repository.collaborators.set(actor.user.login.toLowerCase(), 'admin');
  if (actor.kind === 'installation' && actor.installation.selection !== 'all') {
    // What an installation makes, it may use; and so may the token that made it.
    actor.installation.repositories.add(repository.id);
  }
  if (actor.repositoryIds) actor.repositoryIds.add(repository.id);
  if (body.team_id) {
    const team = [...org.teams.values()].find(({ id }) => id === body.team_id);
    if (team) repository.teams.set(team.slug, 'write');
  }
  return finish(c, repository);
}

async function createForUser(c) {
  if (!c.actor.scopes.has(c.body.private ? 'repo' : 'public_repo')) throw notFound();
  return finish(c, createRepository(c.world, c.actor.user, c.body));
}

async function finish(c, repository) {
  const { world, body } = c;
  world.deliveries.send(repository, 'repository', () => repositoryEvent(world, 'created', repository, c.sender));
  if (body.auto_init) {
    const files = { 'README.md': `# ${repository.name}${body.description ? `\n${body.description}` : ''}` };
    if (body.gitignore_template) files['.gitignore'] = `# ${body.gitignore_template}\n`;
    if (body.license_template) files.LICENSE = `${body.license_template}\n`;
    const made = commitFiles(world, repository, { files, author: c.sender });
    await moveRef(world, repository, `refs/heads/${made.branch}`, made.sha, c.sender);
  }
  const answer = created(shown(c, repository));
  answer.headers = { location: answer.body.url };
  return answer;
}

async function update(c) {
  const { world, body, repo } = c;
  // An archived repository lets itself be restored, and nothing else.
  if (repo.archived && body.archived !== false) throw archived();
  if (body.default_branch !== undefined && body.default_branch !== repo.defaultBranch) {
    if (!repo.git.branch(body.default_branch))
      throw invalid({
        resource: 'Repository',
        field: 'default_branch',
        code: 'invalid',
        message: `The branch ${body.default_branch} was not found. Please push that ref first or create it via the Git Data API.`,
      });
    repo.defaultBranch = body.default_branch;
    repo.git.setHead(body.default_branch);
  }
  const visibility = body.visibility ?? (body.private === undefined ? undefined : body.private ? 'private' : 'public');
  if (visibility && visibility !== repo.visibility) {
    refuseVisibility(repo.owner, visibility);
    repo.visibility = visibility;
    const action = visibility === 'public' ? 'publicized' : 'privatized';
    world.deliveries.send(repo, 'repository', () => repositoryEvent(world, action, repo, c.sender));
  }
  changeSecurity(repo, body.security_and_analysis);
  for (const key of FEATURE_NAMES) if (body[key] !== undefined) repo.features[key] = body[key];
  if (body.allow_squash_merge === false && !repo.features.allow_merge_commit && !repo.features.allow_rebase_merge) {
    repo.features.allow_squash_merge = true;
    throw invalid({
      resource: 'Repository',
      code: 'custom',
      field: 'merge_commit_allowed',
      message: 'Sorry, you need to allow at least one merge strategy. (no_merge_method)',
    });
  }
  if (body.description !== undefined) repo.description = body.description || null;
  if (body.homepage !== undefined) repo.homepage = body.homepage || null;
  if (body.is_template !== undefined) repo.isTemplate = body.is_template;
  repo.updatedAt = world.stamp();
  if (body.name !== undefined) rename(c, body.name);
  if (body.archived !== undefined && body.archived !== repo.archived) {
    repo.archived = body.archived;
    world.deliveries.send(repo, 'repository', () => repositoryEvent(world, body.archived ? 'archived' : 'unarchived', repo, c.sender));
  }
  return shown(c);
}

function rename(c, asked) {
  const { world, repo } = c;
  const name = repositoryName(asked);
  const other = world.repository(repo.owner.login, name);
  if (other && other !== repo)
    throw invalid({ resource: 'Repository', code: 'custom', field: 'name', message: 'name already exists on this account' });
  const from = repo.name;
  if (name === from) return;
  moveRepository(world, repo, { name });
  world.deliveries.send(repo, 'repository', () =>
    repositoryEvent(world, 'renamed', repo, c.sender, { changes: { repository: { name: { from } } } }),
  );
}

function changeSecurity(repo, asked) {
  if (!asked) return;
  if (
    repo.owner.advancedSecurity === false &&
    repo.visibility !== 'public' &&
    ['advanced_security', 'secret_scanning', 'secret_scanning_push_protection'].some((key) => asked[key]?.status === 'enabled')
  ) {
    throw new Halt(422, 'Advanced security has not been purchased.');
  }
  for (const [key, value] of Object.entries(asked)) repo.security[key] = value;
}

function remove(c) {
  const { world, repo, actor } = c;
  if (actor.kind === 'user' && !actor.scopes.has('delete_repo')) throw forbidden('Must have admin rights to Repository.');
  const event = repositoryEvent(world, 'deleted', repo, c.sender);
  world.deliveries.send(repo, 'repository', () => event);
  deleteRepository(world, repo);
  return nothing();
}

const ORDER = { created: 'createdAt', updated: 'updatedAt', pushed: 'pushedAt', full_name: 'name' };

function list(c, account, fallback) {
  const { world, actor, query } = c;
  const type = query.type ?? 'all';
  const kinds = {
    public: ({ visibility }) => visibility === 'public',
    private: ({ visibility }) => visibility !== 'public',
    internal: ({ visibility }) => visibility === 'internal',
    forks: ({ fork }) => fork,
    sources: ({ fork }) => !fork,
  };
  const all = world
    .repositoriesOf(account)
    .filter((one) => canSee(world, actor, one))
    .filter(kinds[type] ?? (() => true));
  const sort = query.sort ?? fallback;
  const key = ORDER[sort] ?? 'createdAt';
  const up = (query.direction ?? (sort === 'full_name' ? 'asc' : 'desc')) === 'asc' ? 1 : -1;
  all.sort((a, b) => (a[key] === b[key] ? (a.id - b.id) * up : a[key] < b[key] ? -up : up));
  return c.page(all).map((one) => minimalRepository(world, actor, one));
}

function listForUser(c) {
  const account = c.world.account(c.params.username);
  if (!account) throw notFound();
  return list(c, account, 'full_name');
}

function listOwn(c) {
  const { world, actor } = c;
  const all = [...world.repositories.values()].filter(
    (one) =>
      canSee(world, actor, one) &&
      (one.owner === actor.user ||
        one.collaborators.has(actor.user.login.toLowerCase()) ||
        (one.owner.kind === 'Organization' &&
          one.owner.members.has(actor.user.login.toLowerCase()) &&
          roleOf(world, one, actor.user) !== 'none')),
  );
  const hidden = all.filter(({ owner }) => owner.requiresSso && !actor.token.sso.has(owner.login.toLowerCase()));
  if (hidden.length)
    c.header('x-github-sso', `partial-results; organizations=${[...new Set(hidden.map(({ owner }) => owner.id))].join(',')}`);
  const seen = all
    .filter((one) => !hidden.includes(one))
    .sort((a, b) => (`${a.owner.login}/${a.name}` < `${b.owner.login}/${b.name}` ? -1 : 1));
  return c.page(seen).map((one) => {
    const { security_and_analysis, ...inList } = minimalRepository(world, actor, one);
    return inList;
  });
}

async function fork(c) {
  const { world, actor, repo, body } = c;
  const owner = body?.organization
    ? world.organization(body.organization)
    : actor.kind === 'user'
      ? actor.user
      : actor.installation.account;
  if (!owner) throw notFound();
  if (owner === repo.owner && !body?.name) throw forbidden('Repository cannot be forked into the account that owns it.');
  const known = [...world.repositories.values()].find((one) => one.parent === repo && one.owner === owner);
  if (known) return accepted(shown(c, known));
  if (actor.kind === 'installation' && actor.installation.account !== owner) throw notAccessible();
  const made = createRepository(
    world,
    owner,
    {
      name: body?.name ?? repo.name,
      description: repo.description ?? undefined,
      visibility: repo.visibility,
      default_branch: repo.defaultBranch,
    },
    { seeded: true },
  );
  Object.assign(made, { fork: true, parent: repo, source: repo.source ?? repo });
  made.git.copyFrom(repo.git);
  for (const { name, sha } of repo.git.branches())
    if (!body?.default_branch_only || name === repo.defaultBranch) made.git.setRef(`refs/heads/${name}`, sha);
  world.deliveries.send(made, 'repository', () => repositoryEvent(world, 'created', made, c.sender));
  return accepted(shown(c, made));
}

async function generate(c) {
  const { world, actor, body, params } = c;
  const template = c.findRepository(params.template_owner, params.template_repo);
  if (!template.isTemplate) throw notFound();
  const owner = body.owner ? world.account(body.owner) : actor.user;
  if (!owner) throw notFound();
  const made = createRepository(world, owner, {
    name: body.name,
    description: body.description,
    private: body.private ?? false,
    default_branch: template.defaultBranch,
  });
  made.template = template;
  made.git.copyFrom(template.git);
  const { git } = made;
  for (const { name, sha } of template.git.branches()) {
    if (!body.include_all_branches && name !== template.defaultBranch) continue;
    const who = { name: 'GitHub', email: 'noreply@github.com', date: world.clock.date() };
    git.setRef(
      `refs/heads/${name}`,
      git.objects.writeCommit({ tree: git.objects.commit(sha).tree, parents: [], author: who, committer: who, message: 'Initial commit' }),
    );
  }
  return created(shown(c, made));
}

export default {
  'repos/create-in-org': { needs: 'administration:write', content: true, run: createInOrganization },
  'repos/create-for-authenticated-user': { user: true, content: true, run: createForUser },
  'repos/create-using-template': { content: true, run: generate },
  'repos/get': { needs: 'metadata:read', run: (c) => shown(c) },
  'repos/update': { needs: 'administration:write', reads: true, run: update },
  'repos/delete': { needs: 'administration:write', reads: true, run: remove },
  'repos/list-for-org': { needs: 'public', run: (c) => list(c, c.org, 'created') },
  'repos/list-for-user': { run: listForUser },
  'repos/list-for-authenticated-user': { user: true, run: listOwn },
  'repos/list-forks': {
    needs: 'metadata:read',
    run: (c) =>
      c
        .page([...c.world.repositories.values()].filter((one) => one.parent === c.repo && canSee(c.world, c.actor, one)))
        .map((one) => minimalRepository(c.world, c.actor, one)),
  },
  'repos/create-fork': { needs: 'contents:read', as: 'read', content: true, run: fork },
  'repos/get-all-topics': { needs: 'metadata:read', run: (c) => ({ names: c.repo.topics }) },
  'repos/replace-all-topics': {
    needs: 'administration:write',
    run: (c) => {
      const bad = c.body.names.find((name) => !/^[a-z0-9][a-z0-9-]{0,49}$/.test(name.toLowerCase()));
      if (bad !== undefined)
        throw new Halt(422, {
          message: 'Validation Failed',
          errors: [
            {
              resource: 'Repository',
              code: 'custom',
              field: 'topics',
              message: 'Topics must start with a lowercase letter or number, consist of 50 characters or less, and can include hyphens.',
            },
          ],
        });
      c.repo.topics = [...new Set(c.body.names.map((name) => name.toLowerCase()))];
      return new Answer({ status: 200, body: { names: c.repo.topics } });
    },
  },
};
