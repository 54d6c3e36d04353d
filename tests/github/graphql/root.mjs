// Where queries and mutations begin.
import { readNodeId } from '../ids.mjs';
import { canSee } from '../roles.mjs';
import { tell } from '../pulls.mjs';
import { botOf } from '../shapes/accounts.mjs';
import { iso } from '../clock.mjs';
import { organizationObject, ownerObject, teamObject, userObject } from './accounts.mjs';
import { Failure, notFound } from './failure.mjs';
import { pullObject, repositoryObject } from './repositories.mjs';

export { Failure };

const NEVER = (context, account) =>
  account?.requiresSso && context.actor.kind === 'user' && !context.actor.token.sso.has(account.login.toLowerCase());

function requireSso(context, account) {
  if (!NEVER(context, account)) return;
  throw new Failure(
    'FORBIDDEN',
    'Resource protected by organization SAML enforcement. You must grant your OAuth token access to this organization.',
    { saml_failure: true },
  );
}

function findRepository(context, owner, name, followRenames = true) {
  const { world, actor } = context;
  const found =
    world.repository(owner, name) ??
    (followRenames ? world.repositoryById(world.redirects.get(`${owner}/${name}`.toLowerCase())) : undefined);
  if (!found || !canSee(world, actor, found)) throw notFound(`Could not resolve to a Repository with the name '${owner}/${name}'.`);
  requireSso(context, found.owner);
  return found;
}

function byId(context, id) {
  const { world, actor } = context;
  const { kind, parts } = readNodeId(id) ?? {};
  const number = Number(parts?.[0]);
  const repositories = [...world.repositories.values()].filter((one) => canSee(world, actor, one));
  if (kind === 'Repository')
    return wrap(
      context,
      repositories.find((one) => one.id === number),
      repositoryObject,
    );
  if (kind === 'PullRequest') {
    for (const repository of repositories)
      for (const issue of repository.issues.values()) if (issue.pull?.id === number) return pullObject(context, repository, issue);
  }
  if (kind === 'User' || kind === 'Organization')
    return wrap(
      context,
      [...world.accounts.values()].find((one) => one.id === number),
      ownerObject,
    );
  if (kind === 'Team')
    for (const organization of world.organizations())
      for (const team of organization.teams.values()) if (team.id === number) return teamObject(context, organization, team);
  throw notFound(`Could not resolve to a node with the global id of '${id}'`);
}

const wrap = (context, found, make) => {
  if (!found) throw notFound('Could not resolve to a node');
  return make(context, found);
};

function pullOf(context, id) {
  const { world } = context;
  const { kind, parts } = readNodeId(id) ?? {};
  for (const repository of world.repositories.values()) {
    for (const issue of repository.issues.values())
      if (kind === 'PullRequest' && issue.pull?.id === Number(parts[0]) && canSee(world, context.actor, repository))
        return { repository, issue };
  }
  throw notFound(`Could not resolve to a node with the global id of '${id}'`);
}

async function setDraft(context, { pullRequestId, clientMutationId = null }, draft) {
  const { world, actor } = context;
  const { repository, issue } = pullOf(context, pullRequestId);
  if (actor.kind === 'installation' && actor.permissions.pull_requests !== 'write')
    throw new Failure('FORBIDDEN', 'Resource not accessible by integration');
  if (issue.state !== 'open') throw new Failure('UNPROCESSABLE', 'The pull request is closed.');
  if (!draft && !issue.pull.draft) throw new Failure('UNPROCESSABLE', 'The pull request is already ready for review.');
  issue.pull.draft = draft;
  issue.updatedAt = world.stamp();
  if (!draft) await tell(world, repository, issue, 'ready_for_review', actor.user ?? botOf(world, world.app));
  return { clientMutationId, pullRequest: pullObject(context, repository, issue) };
}

export function root(context) {
  const { world, actor, cost, nodes } = context;
  return {
    viewer: () => userObject(context, actor.kind === 'user' ? actor.user : botOf(world, world.app)),
    rateLimit: () => {
      const { limit, remaining, used, reset } = world.limits.state(actor, 'graphql');
      return { cost, limit, nodeCount: nodes, remaining, used, resetAt: iso(reset * 1000) };
    },
    organization: ({ login }) => {
      const found = world.organization(login);
      if (!found) throw notFound(`Could not resolve to an Organization with the login of '${login}'.`);
      requireSso(context, found);
      return organizationObject(context, found);
    },
    user: ({ login }) => {
      const found = world.user(login);
      if (!found) throw notFound(`Could not resolve to a User with the login of '${login}'.`);
      return userObject(context, found);
    },
    repositoryOwner: ({ login }) => {
      const found = world.account(login);
      if (!found) return null;
      requireSso(context, found);
      return ownerObject(context, found);
    },
    repository: ({ owner, name, followRenames }) => repositoryObject(context, findRepository(context, owner, name, followRenames)),
    node: ({ id }) => byId(context, id),
    nodes: ({ ids }) => ids.map((id) => byId(context, id)),
    markPullRequestReadyForReview: ({ input }) => setDraft(context, input, false),
    convertPullRequestToDraft: ({ input }) => setDraft(context, input, true),
  };
}
