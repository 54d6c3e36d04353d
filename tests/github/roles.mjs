// Who may do what in a repository: roles of people, permissions of an app's installation.
export const RANK = { none: 0, read: 1, pull: 1, triage: 2, write: 3, push: 3, maintain: 4, admin: 5 };
export const ROLES = ['none', 'read', 'triage', 'write', 'maintain', 'admin'];

/** The role a permission's name means: `pull` and `push` are older words. */
export const roleName = (permission) => ROLES[RANK[permission] ?? 0];

/** A person's role in a repository: ownership, organization, teams (a child has its parents' access), invitation. */
export function roleOf(world, repository, user) {
  if (!user) return repository.visibility === 'public' ? 'read' : 'none';
  const ranks = [repository.visibility === 'public' ? 1 : 0, RANK[repository.collaborators.get(user.login.toLowerCase())] ?? 0];
  const { owner } = repository;
  if (owner === user) return 'admin';
  if (owner.kind === 'Organization') {
    const membership = owner.members.get(user.login.toLowerCase());
    if (membership === 'admin') return 'admin';
    if (membership) ranks.push(RANK[owner.defaultPermission ?? 'read']);
    for (const [slug, permission] of repository.teams) {
      const given = owner.teams.get(slug);
      for (const team of owner.teams.values()) {
        if (team.members.has(user.login.toLowerCase()) && isWithin(owner, team, given)) ranks.push(RANK[permission]);
      }
    }
  }
  // Internal repositories are for everyone in the enterprise: here, for members of any organization.
  if (repository.visibility === 'internal' && world.organizations().some(({ members }) => members.has(user.login.toLowerCase())))
    ranks.push(1);
  return ROLES[Math.max(...ranks)];
}

function isWithin(organization, team, ancestor) {
  for (let at = team; at; at = organization.teams.get(at.parent)) if (at === ancestor) return true;
  return false;
}

/** Whether an installation's permissions hold `name:level`. */
export function permits(permissions, need) {
  return need.split('|').some((one) => {
    const [name, level] = one.split(':');
    if (name === 'metadata' && level === 'read') return true;
    const given = permissions[name];
    return level === 'read' ? Boolean(given) : given === level || given === 'admin';
  });
}

/** Whether an installation token was given a repository. */
export function covers(actor, repository) {
  const { installation } = actor;
  if (installation.account !== repository.owner) return false;
  if (installation.selection !== 'all' && !installation.repositories.has(repository.id)) return false;
  return !actor.repositoryIds || actor.repositoryIds.has(repository.id);
}

/** Whether an actor knows that a repository exists. */
export function canSee(world, actor, repository) {
  if (repository.visibility === 'public') return true;
  if (actor.kind === 'installation') return covers(actor, repository);
  if (actor.kind !== 'user' || !actor.scopes.has('repo')) return false;
  return RANK[roleOf(world, repository, actor.user)] >= 1;
}

/** The permissions object of a repository as an actor sees it. */
export function permissionsOf(world, actor, repository) {
  let rank = 0;
  if (actor.kind === 'user') rank = RANK[roleOf(world, repository, actor.user)];
  else if (actor.kind === 'installation' && covers(actor, repository)) {
    if (permits(actor.permissions, 'administration:write')) rank = 5;
    else if (permits(actor.permissions, 'contents:write')) rank = 3;
    else rank = 1;
  } else if (repository.visibility === 'public') rank = 1;
  return { admin: rank >= 5, maintain: rank >= 4, push: rank >= 3, triage: rank >= 2, pull: rank >= 1 };
}
