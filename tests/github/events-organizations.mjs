// What people do with organizations and the app: members, teams, names, installations.
import { addInstallation, addTeam } from './seed.mjs';
import { covers } from './roles.mjs';
import { installationEvent, installationRepositoriesEvent, membershipEvent, organizationEvent, teamEvent } from './webhooks/events.mjs';

/** Who does it: the person named, or an owner. */
export function senderOf(world, event, owner) {
  const login =
    event.by ??
    (owner?.kind === 'Organization' ? [...owner.members].find(([, role]) => role === 'admin')?.[0] : owner?.login) ??
    [...world.accounts.values()].find(({ kind }) => kind === 'User')?.login;
  return world.user(login) ?? owner;
}

function join(world, organization, user, role, sender) {
  organization.members.set(user.login.toLowerCase(), role);
  world.deliveries.send(organization, 'organization', () => organizationEvent(world, 'member_added', organization, { user, role, sender }));
}

export const organizationEvents = {
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
      world.deliveries.send(organization, 'membership', () =>
        membershipEvent(world, remove ? 'removed' : 'added', organization, team, user, sender),
      );
    } else if (remove) {
      const was = organization.members.get(login);
      organization.members.delete(login);
      for (const team of organization.teams.values()) team.members.delete(login);
      world.deliveries.send(organization, 'organization', () =>
        organizationEvent(world, 'member_removed', organization, { user, role: was, sender }),
      );
    } else join(world, organization, user, role, sender);
  },
  team(world, event) {
    const organization = world.organization(event.organization);
    const sender = senderOf(world, event, organization);
    const send = (action, team, changes) =>
      world.deliveries.send(organization, 'team', () => teamEvent(world, action, organization, team, sender, undefined, changes));
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
    world.deliveries.send(organization, 'organization', () =>
      organizationEvent(world, 'renamed', organization, { changes: { login: { from } }, sender: senderOf(world, event, organization) }),
    );
  },
  /** `action`: created, deleted, suspend, unsuspend, permissions, added, removed. */
  installation(world, event) {
    const sender = senderOf(world, event, world.account(event.account));
    if (event.action === 'created') {
      const made = addInstallation(world, event);
      world.deliveries.sendApp(
        'installation',
        installationEvent(
          world,
          'created',
          made,
          world.repositoriesOf(made.account).filter((one) => covers({ installation: made }, one)),
          sender,
        ),
      );
      return { id: made.id };
    }
    const installation = world.app.installations.find(({ account }) => account.login.toLowerCase() === event.account.toLowerCase());
    const repositories = (event.repositories ?? []).map((name) => world.repository(installation.account.login, name.split('/').at(-1)));
    installation.updatedAt = world.stamp();
    if (event.action === 'added' || event.action === 'removed') {
      if (event.action === 'removed' && installation.selection === 'all')
        for (const one of world.repositoriesOf(installation.account)) installation.repositories.add(one.id);
      installation.selection = 'selected';
      for (const { id } of repositories)
        event.action === 'added' ? installation.repositories.add(id) : installation.repositories.delete(id);
      world.deliveries.sendApp(
        'installation_repositories',
        installationRepositoriesEvent(world, event.action, installation, repositories, sender),
      );
      return undefined;
    }
    if (event.action === 'permissions') {
      installation.permissions = { metadata: 'read', ...event.permissions };
      for (const token of world.tokens.values())
        if (token.installation === installation)
          token.permissions = Object.fromEntries(Object.entries(token.permissions).filter(([name]) => installation.permissions[name]));
    }
    if (event.action === 'suspend' || event.action === 'unsuspend') installation.suspended = event.action === 'suspend';
    if (event.action === 'deleted') {
      installation.deleted = true;
      world.app.installations = world.app.installations.filter((one) => one !== installation);
    }
    world.deliveries.sendApp(
      'installation',
      installationEvent(world, event.action === 'permissions' ? 'new_permissions_accepted' : event.action, installation, [], sender),
    );
    return undefined;
  },
};
