// Who may use a repository: teams and collaborators.
import { created, nothing } from '../call.mjs';
import { invalid, notFound, unprocessable } from '../errors.mjs';
import { nodeId } from '../ids.mjs';
import { RANK, roleName, roleOf } from '../roles.mjs';
import { simpleUser, teamInList } from '../shapes/accounts.mjs';
import { collaboratorShape, minimalRepository, plainRepository, repositoryPage } from '../shapes/repositories.mjs';
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
  return {
    ...shown,
    role_name: permission,
    permissions: { admin: rank >= 5, maintain: rank >= 4, push: rank >= 3, triage: rank >= 2, pull: true },
  };
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
  if (c.repo.teams.delete(found.slug))
    c.world.deliveries.send(c.repo, 'team', () => teamEvent(c.world, 'removed_from_repository', c.org, found, c.sender, c.repo));
  return nothing();
}

function addCollaborator(c) {
  const { world, repo, params } = c;
  const user = world.user(params.username);
  if (!user) throw notFound();
  const permission = c.body.permission ?? 'push';
  if (!PERMISSIONS.has(permission)) throw unprocessable(`${permission} is not a valid permission`);
  if (user === repo.owner)
    throw invalid({ resource: 'Repository', code: 'custom', field: 'collaborator', message: 'Repository owner cannot be a collaborator' });
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
    id: invitation.id,
    node_id: nodeId('RI', invitation.id),
    repository: minimalRepository(world, c.actor, repo),
    invitee: simpleUser(world, user),
    inviter: simpleUser(world, c.sender),
    permissions: invitation.permission,
    created_at: invitation.createdAt,
    expired: false,
    url: `${world.api}/user/repository_invitations/${invitation.id}`,
    html_url: `${repositoryPage(world, repo)}/invitations`,
  });
}

function collaborators(c) {
  const { world, repo, query } = c;
  const everyone = [...world.accounts.values()].filter((one) => one.kind === 'User');
  const direct = (user) => repo.collaborators.has(user.login.toLowerCase());
  const member = (user) => repo.owner.members?.has(user.login.toLowerCase());
  const kinds = {
    direct: (user) => direct(user) || user === repo.owner,
    outside: (user) => direct(user) && !member(user),
    all: (user) => direct(user) || user === repo.owner || (member(user) && roleOf(world, repo, user) !== 'none'),
  };
  const found = everyone
    .filter(kinds[query.affiliation ?? 'all'])
    .filter((user) => !query.permission || RANK[roleOf(world, repo, user)] >= RANK[query.permission]);
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
  return c.page(
    [...c.repo.teams].map(([slug, permission]) => {
      const rank = RANK[permission];
      const { privacy, ...shown } = teamInList(c.world, c.repo.owner, c.repo.owner.teams.get(slug));
      return {
        ...shown,
        privacy,
        permission: { read: 'pull', write: 'push' }[permission] ?? permission,
        permissions: { admin: rank >= 5, maintain: rank >= 4, push: rank >= 3, triage: rank >= 2, pull: true },
      };
    }),
  );
}

const admin = (run) => ({ needs: 'administration:write', run });

export default {
  'teams/check-permissions-for-repo-in-org': { needs: 'members:read', repoNeeds: 'metadata:read', repoAs: 'read', run: teamRepository },
  'teams/add-or-update-repo-permissions-in-org': { needs: 'administration:write', orgNeeds: 'members:read', run: setTeam },
  'teams/remove-repo-in-org': { needs: 'administration:write', orgNeeds: 'members:read', run: removeTeam },
  'repos/list-teams': { needs: 'administration:read', as: 'read', run: repositoryTeams },
  'repos/list-collaborators': { needs: 'metadata:read', as: 'write', run: collaborators },
  'repos/check-collaborator': {
    needs: 'metadata:read',
    run: (c) => {
      const user = c.world.user(c.params.username);
      if (
        !user ||
        !(
          user === c.repo.owner ||
          c.repo.collaborators.has(user.login.toLowerCase()) ||
          c.repo.owner.members?.has(user.login.toLowerCase())
        )
      )
        throw notFound();
      return nothing();
    },
  },
  'repos/add-collaborator': admin(addCollaborator),
  'repos/remove-collaborator': admin((c) => {
    c.repo.collaborators.delete(c.params.username.toLowerCase());
    return nothing();
  }),
  'repos/get-collaborator-permission-level': { needs: 'metadata:read', run: permissionLevel },
};
