// Accounts, teams and the app, as the REST API writes them.
import { nodeId } from '../ids.mjs';

export function simpleUser(world, account) {
  if (!account) return null;
  const url = `${world.api}/users/${encodeURIComponent(account.login)}`;
  const page = account.bot ? `${world.url}/apps/${account.login.replace('[bot]', '')}` : `${world.url}/${account.login}`;
  return {
    login: account.login,
    id: account.id,
    node_id: account.nodeId,
    avatar_url: `${world.url}/avatars/u/${account.id}`,
    gravatar_id: '',
    url,
    html_url: page,
    followers_url: `${url}/followers`,
    following_url: `${url}/following{/other_user}`,
    gists_url: `${url}/gists{/gist_id}`,
    starred_url: `${url}/starred{/owner}{/repo}`,
    subscriptions_url: `${url}/subscriptions`,
    organizations_url: `${url}/orgs`,
    repos_url: `${url}/repos`,
    events_url: `${url}/events{/privacy}`,
    received_events_url: `${url}/received_events`,
    type: account.bot ? 'Bot' : account.kind,
    user_view_type: 'public',
    site_admin: false,
  };
}

/** The account that an app acts as. */
export const botOf = (world, app) => ({
  kind: 'User',
  bot: true,
  login: `${app.slug}[bot]`,
  id: app.id + 100_000_000,
  nodeId: nodeId('User', app.id + 100_000_000),
  name: app.name,
  email: `${app.id + 100_000_000}+${app.slug}[bot]@users.noreply.github.com`,
});

export function publicUser(world, account) {
  return {
    ...simpleUser(world, account),
    name: account.name,
    company: null,
    blog: '',
    location: null,
    email: account.email,
    hireable: null,
    bio: account.bio ?? null,
    twitter_username: null,
    public_repos: world.repositoriesOf(account).filter(({ visibility }) => visibility === 'public').length,
    public_gists: 0,
    followers: 0,
    following: 0,
    created_at: account.createdAt,
    updated_at: account.updatedAt,
  };
}

export function privateUser(world, account) {
  const own = world.repositoriesOf(account).filter(({ visibility }) => visibility !== 'public').length;
  return {
    ...publicUser(world, account),
    user_view_type: 'private',
    private_gists: 0,
    total_private_repos: own,
    owned_private_repos: own,
    disk_usage: 0,
    collaborators: 0,
    two_factor_authentication: true,
    plan: { name: 'free', space: 976562499, collaborators: 0, private_repos: 10000 },
  };
}

function organizationBase(world, organization) {
  const url = `${world.api}/orgs/${organization.login}`;
  return {
    login: organization.login,
    id: organization.id,
    node_id: organization.nodeId,
    url,
    repos_url: `${url}/repos`,
    events_url: `${url}/events`,
    hooks_url: `${url}/hooks`,
    issues_url: `${url}/issues`,
    members_url: `${url}/members{/member}`,
    public_members_url: `${url}/public_members{/member}`,
    avatar_url: `${world.url}/avatars/u/${organization.id}`,
    description: organization.description ?? null,
  };
}

export const simpleOrganization = organizationBase;

export function fullOrganization(world, organization, { isMember } = {}) {
  const repositories = world.repositoriesOf(organization);
  const shown = {
    ...organizationBase(world, organization),
    ...(organization.name ? { name: organization.name } : {}),
    ...(organization.email ? { email: organization.email } : {}),
    is_verified: false,
    has_organization_projects: true,
    has_repository_projects: true,
    public_repos: repositories.filter(({ visibility }) => visibility === 'public').length,
    public_gists: 0,
    followers: 0,
    following: 0,
    html_url: `${world.url}/${organization.login}`,
    type: 'Organization',
    created_at: organization.createdAt,
    updated_at: organization.updatedAt,
    archived_at: null,
  };
  if (!isMember) return shown;
  const may = (visibility) => !organization.forbids?.includes(visibility);
  return {
    ...shown,
    total_private_repos: repositories.length - shown.public_repos,
    owned_private_repos: repositories.length - shown.public_repos,
    private_gists: 0,
    disk_usage: 1,
    collaborators: 0,
    billing_email: `billing@${organization.login}.example`,
    default_repository_permission: organization.defaultPermission ?? 'read',
    members_can_create_repositories: organization.membersCanCreate ?? true,
    members_allowed_repository_creation_type: may('public') ? 'all' : 'private',
    members_can_create_public_repositories: may('public'),
    members_can_create_private_repositories: may('private'),
    members_can_create_internal_repositories: may('internal') && organization.plan === 'enterprise',
    members_can_create_pages: true,
    members_can_create_public_pages: true,
    members_can_create_private_pages: true,
    two_factor_requirement_enabled: false,
    members_can_fork_private_repositories: false,
    web_commit_signoff_required: false,
    plan: {
      name: organization.plan ?? 'enterprise',
      space: 976562499,
      private_repos: 999999,
      filled_seats: organization.members.size,
      seats: 100,
    },
  };
}

export function simpleTeam(world, organization, team) {
  if (!team) return null;
  const url = `${world.api}/organizations/${organization.id}/team/${team.id}`;
  return {
    id: team.id,
    node_id: team.nodeId,
    url,
    html_url: `${world.url}/orgs/${organization.login}/teams/${team.slug}`,
    name: team.name,
    slug: team.slug,
    description: team.description,
    privacy: team.privacy,
    notification_setting: 'notifications_enabled',
    permission: 'pull',
    members_url: `${url}/members{/member}`,
    repositories_url: `${url}/repos`,
    type: 'organization',
    organization_id: organization.id,
  };
}

export function fullTeam(world, organization, team) {
  const { is_verified, ...owner } = fullOrganization(world, organization);
  return {
    ...simpleTeam(world, organization, team),
    parent: simpleTeam(world, organization, organization.teams.get(team.parent)),
    members_count: team.members.size,
    repos_count: world.repositoriesOf(organization).filter(({ teams }) => teams.has(team.slug)).length,
    created_at: team.createdAt,
    updated_at: team.createdAt,
    organization: { ...owner, is_verified },
  };
}

export function teamInList(world, organization, team) {
  return { ...simpleTeam(world, organization, team), parent: simpleTeam(world, organization, organization.teams.get(team.parent)) };
}

export function appShape(world, app = world.app) {
  return {
    id: app.id,
    slug: app.slug,
    client_id: app.clientId,
    node_id: app.nodeId,
    owner: simpleUser(world, app.owner),
    name: app.name,
    description: '',
    external_url: `${world.url}/apps/${app.slug}`,
    html_url: `${world.url}/apps/${app.slug}`,
    created_at: app.createdAt,
    updated_at: app.createdAt,
    permissions: app.installations[0]?.permissions ?? { metadata: 'read' },
    events: ['push', 'repository'],
  };
}

/** GitHub Actions itself is an app: check runs of workflows are its. */
export const actionsApp = (world) => ({
  id: 15368,
  slug: 'github-actions',
  name: 'GitHub Actions',
  nodeId: nodeId('App', 15368),
  clientId: 'Iv1.actions',
  createdAt: '2018-07-30T09:30:17Z',
  owner: { kind: 'Organization', login: 'github', id: 9919, nodeId: nodeId('Organization', 9919) },
  installations: [{ permissions: { checks: 'write', metadata: 'read', contents: 'read' } }],
});

export function installationShape(world, installation) {
  const { app } = world;
  const url = `${world.api}/app/installations/${installation.id}`;
  return {
    id: installation.id,
    account: simpleUser(world, installation.account),
    repository_selection: installation.selection,
    access_tokens_url: `${url}/access_tokens`,
    repositories_url: `${world.api}/installation/repositories`,
    html_url: `${world.url}/organizations/${installation.account.login}/settings/installations/${installation.id}`,
    app_id: app.id,
    client_id: app.clientId,
    target_id: installation.account.id,
    target_type: installation.account.kind,
    permissions: installation.permissions,
    events: installation.events,
    created_at: installation.createdAt,
    updated_at: installation.updatedAt,
    single_file_name: null,
    has_multiple_single_files: false,
    single_file_paths: [],
    app_slug: app.slug,
    suspended_by: installation.suspended ? simpleUser(world, app.owner) : null,
    suspended_at: installation.suspended ? installation.updatedAt : null,
  };
}
