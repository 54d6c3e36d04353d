// Organizations, people and teams of the GraphQL API.
import { canSee, permits } from '../roles.mjs';
import { connection } from './connection.mjs';
import { Failure } from './failure.mjs';
import { repositoriesOf, repositoryObject } from './repositories.mjs';

/** Members and teams are for apps with the permission, and tokens with the scope. */
function requireMembers(context, organization, field) {
  const { actor } = context;
  if (actor.kind === 'installation') {
    if (actor.installation.account !== organization || !permits(actor.permissions, 'members:read'))
      throw new Failure('FORBIDDEN', 'Resource not accessible by integration');
    return;
  }
  if (!actor.scopes.has('read:org')) {
    throw new Failure(
      'INSUFFICIENT_SCOPES',
      `Your token has not been granted the required scopes to execute this query. The '${field}' field requires one of the following scopes: ['read:org'], but your token has only been granted the: ['${actor.token.scopes.join("', '")}'] scopes. Please modify your token's scopes at: https://github.com/settings/tokens.`,
    );
  }
}

function findOne(context, account, name) {
  const { world, actor } = context;
  const found = world.repository(account.login, name);
  if (!found || !canSee(world, actor, found))
    throw new Failure('NOT_FOUND', `Could not resolve to a Repository with the name '${account.login}/${name}'.`);
  return repositoryObject(context, found);
}

const base = (context, account) => ({
  id: account.nodeId,
  databaseId: account.id,
  login: account.login,
  name: account.name ?? null,
  url: `${context.world.url}/${account.login}`,
  resourcePath: `/${account.login}`,
  avatarUrl: `${context.world.url}/avatars/u/${account.id}`,
  createdAt: account.createdAt ?? null,
  updatedAt: account.updatedAt ?? null,
  repositories: (args) => repositoriesOf(context, account, args),
  repository: ({ name }) => findOne(context, account, name),
  location: null,
  websiteUrl: null,
  twitterUsername: null,
});

export const ownerObject = (context, account) =>
  account.kind === 'Organization' ? organizationObject(context, account) : userObject(context, account);

export function userObject(context, account) {
  const { world, actor } = context;
  return {
    ...base(context, account),
    __typename: 'User',
    email: account.email ?? '',
    bio: account.bio ?? null,
    company: null,
    isViewer: actor.user === account,
    isSiteAdmin: false,
    isEmployee: false,
    pronouns: null,
    status: null,
    organizationVerifiedDomainEmails: () => [],
    organizations: (args) =>
      connection(
        world.organizations().filter(({ members }) => members.has(account.login.toLowerCase())),
        args,
        { key: ({ id }) => id, make: (one) => organizationObject(context, one) },
      ),
  };
}

export function organizationObject(context, organization) {
  const { world, actor } = context;
  const users = () => [...organization.members].map(([login, role]) => ({ user: world.user(login), role }));
  return {
    ...base(context, organization),
    __typename: 'Organization',
    description: organization.description ?? null,
    email: organization.email ?? null,
    isVerified: false,
    archivedAt: null,
    samlIdentityProvider: null,
    viewerIsAMember: actor.kind === 'user' && organization.members.has(actor.user.login.toLowerCase()),
    viewerCanAdminister: actor.kind === 'user' && organization.members.get(actor.user.login.toLowerCase()) === 'admin',
    membersWithRole: (args) => {
      requireMembers(context, organization, 'membersWithRole');
      return connection(users(), args, {
        key: ({ user }) => user.id,
        make: ({ user }) => userObject(context, user),
        edge: ({ role }) => ({ role: role === 'admin' ? 'ADMIN' : 'MEMBER', hasTwoFactorEnabled: null }),
      });
    },
    teams: (args) => {
      requireMembers(context, organization, 'teams');
      return teamConnection(context, organization, visibleTeams(context, organization), args);
    },
    team: ({ slug }) => {
      requireMembers(context, organization, 'team');
      const found = visibleTeams(context, organization).find((team) => team.slug === slug.toLowerCase());
      return found ? teamObject(context, organization, found) : null;
    },
  };
}

function visibleTeams({ actor }, organization) {
  const all = [...organization.teams.values()];
  if (actor.kind !== 'user') return all;
  const login = actor.user.login.toLowerCase();
  return all.filter(({ privacy, members }) => privacy !== 'secret' || members.has(login) || organization.members.get(login) === 'admin');
}

function teamConnection(context, organization, teams, args) {
  const { privacy, query, rootTeamsOnly, userLogins, role, orderBy } = args;
  const wanted = userLogins?.map((login) => login.toLowerCase());
  const viewer = context.actor.user?.login.toLowerCase();
  const found = teams.filter(
    (team) =>
      (!privacy || (team.privacy === 'secret') === (privacy === 'SECRET')) &&
      (!query || team.name.toLowerCase().includes(query.toLowerCase())) &&
      (!rootTeamsOnly || !team.parent) &&
      (!wanted || wanted.some((login) => team.members.has(login))) &&
      (!role || team.members.get(viewer) === (role === 'ADMIN' ? 'maintainer' : 'member')),
  );
  found.sort((a, b) => (a.name < b.name ? -1 : 1) * (orderBy?.direction === 'DESC' ? -1 : 1));
  return connection(found, args, { key: ({ id }) => id, make: (team) => teamObject(context, organization, team) });
}

const isUnder = (organization, team, ancestor) => {
  for (let at = organization.teams.get(team.parent); at; at = organization.teams.get(at.parent)) if (at === ancestor) return true;
  return false;
};

export function teamObject(context, organization, team) {
  const { world, actor } = context;
  const below = [...organization.teams.values()].filter((one) => isUnder(organization, one, team));
  const page = `${world.url}/orgs/${organization.login}/teams/${team.slug}`;
  return {
    __typename: 'Team',
    id: team.nodeId,
    databaseId: team.id,
    name: team.name,
    slug: team.slug,
    combinedSlug: `${organization.login}/${team.slug}`,
    description: team.description,
    privacy: team.privacy === 'secret' ? 'SECRET' : 'VISIBLE',
    url: page,
    resourcePath: `/orgs/${organization.login}/teams/${team.slug}`,
    editTeamUrl: `${page}/edit`,
    membersUrl: `${page}/members`,
    avatarUrl: `${world.url}/avatars/t/${team.id}`,
    createdAt: team.createdAt,
    updatedAt: team.createdAt,
    notificationSetting: 'NOTIFICATIONS_ENABLED',
    organization: () => organizationObject(context, organization),
    parentTeam: () => (team.parent ? teamObject(context, organization, organization.teams.get(team.parent)) : null),
    childTeams: (args) =>
      teamConnection(
        context,
        organization,
        args.immediateOnly === false ? below : below.filter(({ parent }) => parent === team.slug),
        args,
      ),
    ancestors: (args) =>
      teamConnection(
        context,
        organization,
        [...organization.teams.values()].filter((one) => isUnder(organization, team, one)),
        args,
      ),
    members: (args) => members(context, organization, team, below, args),
    repositories: (args) =>
      connection(
        [...world.repositories.values()].filter(
          (one) => one.owner === organization && one.teams.has(team.slug) && canSee(world, actor, one),
        ),
        args,
        {
          key: ({ id }) => id,
          make: (one) => repositoryObject(context, one),
          edge: (one) => ({ permission: one.teams.get(team.slug).toUpperCase() }),
        },
      ),
  };
}

/** Members of the team itself, of those below it, or of both. */
function members(context, organization, team, below, args) {
  const { membership = 'ALL', role, query } = args;
  const roles = new Map(membership === 'CHILD_TEAM' ? [] : team.members);
  if (membership !== 'IMMEDIATE')
    for (const child of below) for (const login of child.members.keys()) if (!roles.has(login)) roles.set(login, 'member');
  const found = [...roles]
    .map(([login, own]) => ({ user: context.world.user(login), role: own === 'maintainer' ? 'MAINTAINER' : 'MEMBER' }))
    .filter((one) => (!role || one.role === role) && (!query || one.user.login.includes(query)));
  return connection(found, args, {
    key: ({ user }) => user.id,
    make: ({ user }) => userObject(context, user),
    edge: (one) => ({
      role: one.role,
      memberAccessResourcePath: `/orgs/${organization.login}/people`,
      memberAccessUrl: `${context.world.url}/orgs/${organization.login}/people`,
    }),
  });
}
