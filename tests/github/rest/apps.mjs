// The app, its installations and their tokens.
import { issueInstallationToken } from '../auth.mjs';
import { Answer, created, nothing } from '../call.mjs';
import { Halt, forbidden, notFound, unprocessable } from '../errors.mjs';
import { covers, permits } from '../roles.mjs';
import { appShape, installationShape } from '../shapes/accounts.mjs';
import { plainRepository } from '../shapes/repositories.mjs';

const byId = (c) => {
  const found = c.world.app.installations.find(({ id }) => id === Number(c.params.installation_id));
  if (!found) throw notFound();
  return found;
};
const ofAccount = (c, account) => {
  const found = account && c.world.app.installations.find((one) => one.account === account);
  if (!found) throw notFound();
  return installationShape(c.world, found);
};

function createToken(c) {
  const { world, body } = c;
  const installation = byId(c);
  if (installation.suspended) throw forbidden('This installation has been suspended');
  const permissions = body.permissions ?? installation.permissions;
  for (const [name, level] of Object.entries(permissions)) {
    if (!permits(installation.permissions, `${name}:${level}`))
      throw unprocessable('The permissions requested are not granted to this installation.');
  }
  const own = world.repositoriesOf(installation.account).filter((repository) => covers({ installation }, repository));
  let chosen;
  if (body.repositories || body.repository_ids) {
    chosen = [
      ...(body.repositories ?? []).map((name) => own.find((one) => one.name.toLowerCase() === name.toLowerCase())),
      ...(body.repository_ids ?? []).map((id) => own.find((one) => one.id === id)),
    ];
    if (chosen.includes(undefined))
      throw unprocessable('There is at least one repository that does not exist or is not accessible to the parent installation.');
  }
  const token = issueInstallationToken(
    world,
    installation,
    { metadata: 'read', ...permissions },
    chosen ? new Set(chosen.map(({ id }) => id)) : undefined,
  );
  const actor = { kind: 'installation', installation, permissions };
  return created({
    ...token,
    permissions: { metadata: 'read', ...permissions },
    repository_selection: chosen ? 'selected' : installation.selection,
    ...(chosen ? { repositories: chosen.map((one) => plainRepository(world, actor, one)) } : {}),
  });
}

function accessible(c) {
  if (c.actor.kind !== 'installation')
    throw new Halt(403, 'You must authenticate with an installation access token in order to list repositories for an installation.');
  const all = c.world.repositoriesOf(c.actor.installation.account).filter((repository) => covers(c.actor, repository));
  return {
    total_count: all.length,
    repository_selection: c.actor.repositoryIds ? 'selected' : c.actor.installation.selection,
    repositories: c.page(all).map((one) => plainRepository(c.world, c.actor, one)),
  };
}

/** A repository's installation is asked for by the app, which may see more than anyone. */
function repositoryInstallation(c) {
  const { world, params } = c;
  const repository = world.repository(params.owner, params.repo);
  const moved = repository ?? world.repositoryById(world.redirects.get(`${params.owner}/${params.repo}`.toLowerCase()));
  const found = moved && world.app.installations.find((installation) => covers({ installation }, moved));
  if (!found) throw notFound();
  if (!repository)
    throw new Halt(
      301,
      { message: 'Moved Permanently', url: `${world.api}/repositories/${moved.id}/installation` },
      { location: `${world.api}/repositories/${moved.id}/installation` },
    );
  return installationShape(world, found);
}

function rateLimit(c) {
  const core = c.world.limits.state(c.actor, 'core');
  const graphql = c.world.limits.state(c.actor, 'graphql');
  const search = { limit: 30, used: 0, remaining: 30, reset: c.world.clock.seconds() + 60 };
  return { resources: { core, graphql, search }, rate: core };
}

export default {
  'apps/get-authenticated': { app: true, run: (c) => ({ ...appShape(c.world), installations_count: c.world.app.installations.length }) },
  'apps/list-installations': { app: true, run: (c) => c.page(c.world.app.installations).map((one) => installationShape(c.world, one)) },
  'apps/get-installation': { app: true, run: (c) => installationShape(c.world, byId(c)) },
  'apps/get-org-installation': { app: true, run: (c) => ofAccount(c, c.world.organization(c.params.org)) },
  'apps/get-user-installation': { app: true, run: (c) => ofAccount(c, c.world.account(c.params.username)) },
  'apps/get-repo-installation': { app: true, run: repositoryInstallation },
  'apps/create-installation-access-token': { app: true, run: createToken },
  'apps/revoke-installation-access-token': {
    run: (c) => {
      if (c.actor.kind !== 'installation') throw new Halt(401, 'Bad credentials');
      c.actor.token.revoked = true;
      return nothing();
    },
  },
  'apps/list-repos-accessible-to-installation': { run: accessible },
  'rate-limit/get': { run: (c) => new Answer({ status: 200, body: rateLimit(c), headers: {} }) },
};
