// Who may use a repository, and its smaller settings: teams, collaborators, properties, keys, autolinks, access to its workflows.
import { created, nothing } from '../call.mjs';
import { Halt, forbidden, invalid, notFound, unprocessable } from '../errors.mjs';
import { nodeId } from '../ids.mjs';
import { RANK, roleName, roleOf } from '../roles.mjs';
import { simpleUser, teamInList } from '../shapes/accounts.mjs';
import { collaboratorShape, minimalRepository, plainRepository, repositoryPage, repositoryUrl } from '../shapes/repositories.mjs';
import { teamEvent } from '../webhooks/events.mjs';

const PERMISSIONS = new Set(['pull', 'triage', 'push', 'maintain', 'admin', 'read', 'write']);

function team(c) {
  const found = c.org.teams.get(c.params.team_slug.toLowerCase());
  if (!found) throw notFound();
  return found;
}

function teamRepository(c) {
  const permission = c.repo.teams.get(team(c).slug);
  if (!permission) throw notFound();
  // A bare 404 or 204 without the media type, the repository with it.
  if (!c.wants('repository')) return nothing();
  const rank = RANK[permission];
  const { has_discussions, allow_update_branch, ...shown } = plainRepository(c.world, c.actor, c.repo);
  return { ...shown, role_name: permission, permissions: { admin: rank >= 5, maintain: rank >= 4, push: rank >= 3, triage: rank >= 2, pull: true } };
}

function setTeam(c) {
  const found = team(c);
  const permission = c.body.permission ?? 'push';
  if (!PERMISSIONS.has(permission)) throw unprocessable(`Validation Failed: ${permission} is not a valid permission`);
  if (c.repo.owner !== c.org) throw invalid({ resource: 'TeamMember', code: 'unprocessable', field: 'repository' });
  const isNew = !c.repo.teams.has(found.slug);
  c.repo.teams.set(found.slug, roleName(permission));
  if (isNew) c.world.deliveries.send(c.repo, 'team', () => teamEvent(c.world, 'added_to_repository', c.org, found, c.sender, c.repo));
  return nothing();
}

function removeTeam(c) {
  const found = team(c);
  if (c.repo.teams.delete(found.slug)) c.world.deliveries.send(c.repo, 'team', () => teamEvent(c.world, 'removed_from_repository', c.org, found, c.sender, c.repo));
  return nothing();
}

function addCollaborator(c) {
  const { world, repo, params } = c;
  const user = world.user(params.username);
  if (!user) throw notFound();
  const permission = c.body.permission ?? 'push';
  if (!PERMISSIONS.has(permission)) throw unprocessable(`${permission} is not a valid permission`);
  if (user === repo.owner) throw invalid({ resource: 'Repository', code: 'custom', field: 'collaborator', message: 'Repository owner cannot be a collaborator' });
  const login = user.login.toLowerCase();
  const isKnown = repo.collaborators.has(login) || repo.owner.members?.has(login);
  if (isKnown) {
    repo.collaborators.set(login, roleName(permission));
    return nothing();
  }
  // Who is not of the organization is invited and must accept.
  const invitation = { id: world.newId(), login, permission: roleName(permission), createdAt: world.stamp() };
  repo.invitations.push(invitation);
  return created({
    id: invitation.id, node_id: nodeId('RI', invitation.id), repository: minimalRepository(world, c.actor, repo), invitee: simpleUser(world, user), inviter: simpleUser(world, c.sender), permissions: invitation.permission,
    created_at: invitation.createdAt, expired: false, url: `${world.api}/user/repository_invitations/${invitation.id}`, html_url: `${repositoryPage(world, repo)}/invitations`,
  });
}

function collaborators(c) {
  const { world, repo, query } = c;
  const everyone = [...world.accounts.values()].filter((one) => one.kind === 'User');
  const direct = (user) => repo.collaborators.has(user.login.toLowerCase());
  const member = (user) => repo.owner.members?.has(user.login.toLowerCase());
  const kinds = { direct: (user) => direct(user) || user === repo.owner, outside: (user) => direct(user) && !member(user), all: (user) => direct(user) || user === repo.owner || (member(user) && roleOf(world, repo, user) !== 'none') };
  const found = everyone.filter(kinds[query.affiliation ?? 'all']).filter((user) => !query.permission || RANK[roleOf(world, repo, user)] >= RANK[query.permission]);
  return c.page(found).map((user) => collaboratorShape(world, repo, user));
}

function permissionLevel(c) {
  const user = c.world.user(c.params.username);
  if (!user) throw notFound();
  const role = roleOf(c.world, c.repo, user);
  const permission = { maintain: 'write', triage: 'read' }[role] ?? role;
  return { permission, role_name: role, user: collaboratorShape(c.world, c.repo, user) };
}

function repositoryTeams(c) {
  return c.page([...c.repo.teams].map(([slug, permission]) => {
    const rank = RANK[permission];
    const { privacy, ...shown } = teamInList(c.world, c.repo.owner, c.repo.owner.teams.get(slug));
    return { ...shown, privacy, permission: { read: 'pull', write: 'push' }[permission] ?? permission, permissions: { admin: rank >= 5, maintain: rank >= 4, push: rank >= 3, triage: rank >= 2, pull: true } };
  }));
}

function setProperties(c) {
  const { repo, body } = c;
  const schema = repo.owner.properties ?? [];
  for (const { property_name: name, value } of body.properties) {
    const definition = schema.find((one) => one.property_name === name);
    if (!definition) throw unprocessable(`Property '${name}' does not exist`);
    const allowed = definition.allowed_values;
    if (value !== null && allowed && [].concat(value).some((one) => !allowed.includes(one))) throw unprocessable(`Property '${name}' value '${value}' is not allowed`);
  }
  for (const { property_name: name, value } of body.properties) value === null ? repo.properties.delete(name) : repo.properties.set(name, value);
  return nothing();
}

function subscribe(c) {
  const subscription = { subscribed: c.body.subscribed ?? !c.body.ignored, ignored: c.body.ignored ?? false, createdAt: c.world.stamp() };
  c.repo.subscriptions.set(c.actor.user.login.toLowerCase(), subscription);
  const url = repositoryUrl(c.world, c.repo);
  return { subscribed: subscription.subscribed, ignored: subscription.ignored, reason: null, created_at: subscription.createdAt, url: `${url}/subscription`, repository_url: url };
}

function setOidc(c) {
  c.repo.oidc = { ...c.body };
  return created({});
}

const autolinkShape = ({ id, keyPrefix, urlTemplate, isAlphanumeric }) => ({ id, key_prefix: keyPrefix, url_template: urlTemplate, is_alphanumeric: isAlphanumeric });

function createAutolink(c) {
  const { key_prefix: keyPrefix, url_template: urlTemplate, is_alphanumeric: isAlphanumeric = true } = c.body;
  if (!urlTemplate.includes('<num>')) throw invalid({ resource: 'KeyLink', code: 'custom', field: 'url_template', message: 'url_template must contain a <num> parameter' });
  if (c.repo.autolinks.some((one) => one.keyPrefix === keyPrefix)) throw invalid({ resource: 'KeyLink', code: 'already_exists', field: 'key_prefix' });
  const autolink = { id: c.world.newId(), keyPrefix, urlTemplate, isAlphanumeric };
  c.repo.autolinks.push(autolink);
  return created(autolinkShape(autolink));
}

const keyShape = (c, key) => ({ id: key.id, key: key.key, url: `${repositoryUrl(c.world, c.repo)}/keys/${key.id}`, title: key.title, verified: true, created_at: key.createdAt, read_only: key.readOnly, added_by: c.sender?.login ?? null, last_used: null, enabled: true });

function createKey(c) {
  const { title = '', key, read_only: readOnly = false } = c.body;
  if (!/^(ssh-(rsa|ed25519)|ecdsa-sha2-\S+|sk-\S+) [A-Za-z0-9+/=]+/.test(key)) throw invalid({ resource: 'PublicKey', code: 'custom', field: 'key', message: 'key is invalid. You must supply a key in OpenSSH public key format' });
  const bare = key.split(' ').slice(0, 2).join(' ');
  if ([...c.world.repositories.values()].some(({ keys }) => keys.some((one) => one.key === bare))) throw invalid({ resource: 'PublicKey', code: 'custom', field: 'key', message: 'key is already in use' });
  const made = { id: c.world.newId(), title, key: bare, readOnly, createdAt: c.world.stamp() };
  c.repo.keys.push(made);
  return created(keyShape(c, made));
}

/** One of a list by the id in the path, and its removal. */
const one = (c, list, id) => list.find((entry) => entry.id === Number(id)) ?? (() => { throw notFound(); })();
function drop(c, name, id) {
  const found = one(c, c.repo[name], id);
  c.repo[name] = c.repo[name].filter((entry) => entry !== found);
  return nothing();
}

const admin = (run) => ({ needs: 'administration:write', run });
const adminReads = (run) => ({ needs: 'administration:read', as: 'admin', run });

export default {
  'teams/check-permissions-for-repo-in-org': { needs: 'members:read', repoNeeds: 'metadata:read', repoAs: 'read', run: teamRepository },
  'teams/add-or-update-repo-permissions-in-org': { needs: 'administration:write', orgNeeds: 'members:read', run: setTeam },
  'teams/remove-repo-in-org': { needs: 'administration:write', orgNeeds: 'members:read', run: removeTeam },
  'repos/list-teams': { needs: 'administration:read', as: 'read', run: repositoryTeams },
  'repos/list-collaborators': { needs: 'metadata:read', as: 'write', run: collaborators },
  'repos/check-collaborator': { needs: 'metadata:read', run: (c) => {
    const user = c.world.user(c.params.username);
    if (!user || !(user === c.repo.owner || c.repo.collaborators.has(user.login.toLowerCase()) || c.repo.owner.members?.has(user.login.toLowerCase()))) throw notFound();
    return nothing();
  } },
  'repos/add-collaborator': admin(addCollaborator),
  'repos/remove-collaborator': admin((c) => {
    c.repo.collaborators.delete(c.params.username.toLowerCase());
    return nothing();
  }),
  'repos/get-collaborator-permission-level': { needs: 'metadata:read', run: permissionLevel },
  'repos/custom-properties-for-repos-get-repository-values': { needs: 'metadata:read', run: (c) => [...c.repo.properties].map(([name, value]) => ({ property_name: name, value })) },
  'repos/custom-properties-for-repos-create-or-update-repository-values': { needs: 'repository_custom_properties:write', as: 'admin', run: setProperties },
  'orgs/custom-properties-for-repos-get-organization-definitions': { needs: 'organization_custom_properties:read', run: (c) => c.org.properties },
  'activity/set-repo-subscription': { user: true, needs: 'metadata:read', run: subscribe },
  'actions/get-workflow-access-to-repository': adminReads((c) => ({ access_level: c.repo.accessLevel })),
  'actions/set-workflow-access-to-repository': admin((c) => {
    if (c.repo.visibility === 'public') throw unprocessable('Access policy only applies to internal and private repositories.');
    c.repo.accessLevel = c.body.access_level;
    return nothing();
  }),
  'actions/get-custom-oidc-sub-claim-for-repo': { needs: 'actions:read', run: (c) => c.repo.oidc },
  'actions/set-custom-oidc-sub-claim-for-repo': { needs: 'actions:write', as: 'write', run: setOidc },
  'repos/list-autolinks': adminReads((c) => c.repo.autolinks.map(autolinkShape)),
  'repos/create-autolink': admin(createAutolink),
  'repos/get-autolink': adminReads((c) => autolinkShape(one(c, c.repo.autolinks, c.params.autolink_id))),
  'repos/delete-autolink': admin((c) => drop(c, 'autolinks', c.params.autolink_id)),
  'repos/list-deploy-keys': adminReads((c) => c.page(c.repo.keys).map((key) => keyShape(c, key))),
  'repos/create-deploy-key': admin((c) => {
    if (c.repo.owner.deployKeys === false) throw forbidden('Deploy keys are disabled for this repository');
    return createKey(c);
  }),
  'repos/get-deploy-key': adminReads((c) => keyShape(c, one(c, c.repo.keys, c.params.key_id))),
  'repos/delete-deploy-key': admin((c) => drop(c, 'keys', c.params.key_id)),
  'repos/check-vulnerability-alerts': adminReads((c) => {
    if (!c.repo.vulnerabilityAlerts) throw new Halt(404, 'Vulnerability alerts are disabled.');
    return nothing();
  }),
  'repos/enable-vulnerability-alerts': admin((c) => {
    c.repo.vulnerabilityAlerts = true;
    return nothing();
  }),
  'repos/disable-vulnerability-alerts': admin((c) => {
    c.repo.vulnerabilityAlerts = false;
    return nothing();
  }),
  ...securityUpdates(),
};

function securityUpdates() {
  const set = (status) => admin((c) => {
    c.repo.security.dependabot_security_updates = { status };
    return nothing();
  });
  return {
    'repos/enable-automated-security-fixes': set('enabled'),
    'repos/disable-automated-security-fixes': set('disabled'),
    'repos/check-automated-security-fixes': adminReads((c) => ({ enabled: c.repo.security.dependabot_security_updates.status === 'enabled', paused: false })),
  };
}
