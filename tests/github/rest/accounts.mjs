// People, organizations and teams.
import { Halt, notFound } from '../errors.mjs';
import { botOf, fullOrganization, fullTeam, privateUser, publicUser, simpleUser, teamInList } from '../shapes/accounts.mjs';

function isMember(c) {
  if (c.actor.kind === 'installation') return c.actor.installation.account === c.org;
  return c.actor.kind === 'user' && c.org.members.has(c.actor.user.login.toLowerCase());
}

function team(c) {
  const found = c.org.teams.get(c.params.team_slug.toLowerCase());
  if (!found) throw notFound();
  return found;
}

function visibleTeams(c) {
  const all = [...c.org.teams.values()];
  if (c.actor.kind !== 'user') return all;
  const login = c.actor.user.login.toLowerCase();
  return all.filter(({ privacy, members }) => privacy !== 'secret' || members.has(login) || c.org.members.get(login) === 'admin');
}

function currentUser(c) {
  if (c.actor.kind === 'anonymous') throw new Halt(401, 'Requires authentication');
  if (c.actor.kind !== 'user') throw new Halt(403, 'Resource not accessible by integration');
  return c.actor.scopes.has('read:user') ? privateUser(c.world, c.actor.user) : { ...publicUser(c.world, c.actor.user) };
}

/** Answers an organization too: to this address it is an account like another. */
function byName(c) {
  const { app } = c.world;
  const found =
    app && c.params.username === `${app.slug}[bot]`
      ? { ...botOf(c.world, app), createdAt: app.createdAt, updatedAt: app.createdAt, email: null }
      : c.world.account(c.params.username);
  if (!found) throw notFound();
  return publicUser(c.world, found);
}

function membership(c) {
  const role = c.org.members.get(c.params.username.toLowerCase());
  if (!role) throw notFound();
  const user = c.world.user(c.params.username);
  const { is_verified, has_organization_projects, ...organization } = fullOrganization(c.world, c.org);
  const {
    login,
    id,
    node_id,
    url,
    repos_url,
    events_url,
    hooks_url,
    issues_url,
    members_url,
    public_members_url,
    avatar_url,
    description,
  } = organization;
  return {
    url: `${c.world.api}/orgs/${c.org.login}/memberships/${user.login}`,
    state: 'active',
    role,
    organization_url: url,
    user: simpleUser(c.world, user),
    organization: {
      login,
      id,
      node_id,
      url,
      repos_url,
      events_url,
      hooks_url,
      issues_url,
      members_url,
      public_members_url,
      avatar_url,
      description,
    },
  };
}

export default {
  'users/get-authenticated': { run: currentUser },
  'users/get-by-username': { run: byName },
  'orgs/get': { needs: 'public', run: (c) => fullOrganization(c.world, c.org, { isMember: isMember(c) }) },
  'orgs/list-members': {
    needs: 'members:read',
    run: (c) =>
      c.page(
        [...c.org.members]
          .filter(([, role]) => !c.query.role || c.query.role === 'all' || role === c.query.role)
          .map(([login]) => simpleUser(c.world, c.world.user(login))),
      ),
  },
  'orgs/get-membership-for-user': { needs: 'members:read', run: membership },
  'teams/list': { needs: 'members:read', run: (c) => c.page(visibleTeams(c)).map((one) => teamInList(c.world, c.org, one)) },
  'teams/get-by-name': { needs: 'members:read', run: (c) => fullTeam(c.world, c.org, team(c)) },
  'teams/list-members-in-org': {
    needs: 'members:read',
    run: (c) => c.page([...team(c).members.keys()].map((login) => simpleUser(c.world, c.world.user(login)))),
  },
};
