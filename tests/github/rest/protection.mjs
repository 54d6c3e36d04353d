// Protection of branches.
import { nothing } from '../call.mjs';
import { Halt, forbidden, invalid } from '../errors.mjs';
import { planLacksProtection } from '../rules.mjs';
import { appShape, simpleUser, teamInList } from '../shapes/accounts.mjs';
import { repositoryUrl } from '../shapes/repositories.mjs';

const urlOf = (c) => `${repositoryUrl(c.world, c.repo)}/branches/${encodeURIComponent(c.params.branch)}/protection`;

function branch(c) {
  if (!c.git.branch(c.params.branch)) throw new Halt(404, 'Branch not found');
  if (planLacksProtection(c.repo)) throw forbidden('Upgrade to GitHub Pro or make this repository public to enable this feature.');
  return c.params.branch;
}

function stored(c) {
  const found = c.repo.protections.get(branch(c));
  if (!found) throw new Halt(404, 'Branch not protected');
  return found;
}

function people(c, { users = [], teams = [], apps = [] } = {}) {
  return {
    users: users.map((login) => simpleUser(c.world, c.world.user(login))).filter(Boolean),
    teams: teams
      .map((slug) => c.repo.owner.teams?.get(slug))
      .filter(Boolean)
      .map((team) => teamInList(c.world, c.repo.owner, team)),
    apps: apps.filter((slug) => slug === c.world.app?.slug).map(() => appShape(c.world)),
  };
}

function shape(c, protection) {
  const url = urlOf(c);
  const { required_status_checks: checks, required_pull_request_reviews: reviews, restrictions } = protection;
  const shown = { url };
  if (checks)
    shown.required_status_checks = {
      url: `${url}/required_status_checks`,
      strict: checks.strict,
      contexts: checks.contexts,
      contexts_url: `${url}/required_status_checks/contexts`,
      checks: checks.checks.map(({ context, app_id }) => ({ context, app_id: app_id ?? null })),
    };
  if (reviews) {
    const at = `${url}/required_pull_request_reviews`;
    shown.required_pull_request_reviews = {
      url: at,
      dismiss_stale_reviews: reviews.dismiss_stale_reviews ?? false,
      require_code_owner_reviews: reviews.require_code_owner_reviews ?? false,
      required_approving_review_count: reviews.required_approving_review_count ?? 1,
      require_last_push_approval: reviews.require_last_push_approval ?? false,
    };
    if (reviews.dismissal_restrictions && Object.keys(reviews.dismissal_restrictions).length) {
      const place = `${url}/dismissal_restrictions`;
      shown.required_pull_request_reviews.dismissal_restrictions = {
        url: place,
        users_url: `${place}/users`,
        teams_url: `${place}/teams`,
        ...people(c, reviews.dismissal_restrictions),
      };
    }
    if (reviews.bypass_pull_request_allowances)
      shown.required_pull_request_reviews.bypass_pull_request_allowances = people(c, reviews.bypass_pull_request_allowances);
  }
  shown.required_signatures = { url: `${url}/required_signatures`, enabled: protection.required_signatures ?? false };
  shown.enforce_admins = { url: `${url}/enforce_admins`, enabled: Boolean(protection.enforce_admins) };
  if (restrictions) {
    const place = `${url}/restrictions`;
    shown.restrictions = {
      url: place,
      users_url: `${place}/users`,
      teams_url: `${place}/teams`,
      apps_url: `${place}/apps`,
      ...people(c, restrictions),
    };
    for (const app of shown.restrictions.apps) {
      delete app.installations_count;
      app.permissions = { metadata: 'read', contents: 'write' };
    }
  }
  for (const key of [
    'required_linear_history',
    'allow_force_pushes',
    'allow_deletions',
    'block_creations',
    'required_conversation_resolution',
    'lock_branch',
    'allow_fork_syncing',
  ])
    shown[key] = { enabled: Boolean(protection[key]) };
  return shown;
}

function put(c) {
  const name = branch(c);
  const { body } = c;
  if (body.restrictions && c.repo.owner.kind !== 'Organization')
    throw invalid({
      message: 'Only organization repositories can have users and team restrictions',
      resource: 'ProtectedBranch',
      field: 'restrictions',
      code: 'custom',
    });
  const checks = body.required_status_checks;
  const protection = {
    ...body,
    required_signatures: c.repo.protections.get(name)?.required_signatures ?? false,
    // Either list may be given; each tells the other.
    required_status_checks: checks
      ? {
          strict: checks.strict,
          contexts: checks.checks?.length ? checks.checks.map(({ context }) => context) : checks.contexts,
          checks: checks.checks?.length ? checks.checks : checks.contexts.map((context) => ({ context })),
        }
      : null,
  };
  c.repo.protections.set(name, protection);
  return shape(c, protection);
}

const signatures = (c) => ({ url: `${urlOf(c)}/required_signatures`, enabled: stored(c).required_signatures });

function setSignatures(c, enabled) {
  stored(c).required_signatures = enabled;
  return signatures(c);
}

const admin = (run) => ({ needs: 'administration:write', run });

export default {
  'repos/get-branch-protection': { needs: 'administration:read', as: 'admin', run: (c) => shape(c, stored(c)) },
  'repos/update-branch-protection': admin(put),
  'repos/delete-branch-protection': admin((c) => {
    stored(c);
    c.repo.protections.delete(c.params.branch);
    return nothing();
  }),
  'repos/get-commit-signature-protection': { needs: 'administration:read', as: 'admin', run: signatures },
  'repos/create-commit-signature-protection': admin((c) => setSignatures(c, true)),
  'repos/delete-commit-signature-protection': admin((c) => {
    setSignatures(c, false);
    return nothing();
  }),
};
