// What protection and rulesets say of a branch, for the one who wants to change it.
import { RANK, permits, roleOf } from './roles.mjs';

/** Roles by the numbers that rulesets name them with. */
const ROLE_IDS = { 2: 'maintain', 4: 'write', 5: 'admin' };

/** Whether a pattern of a ruleset or a policy takes a name; `*` stops at slashes, `**` does not. */
export function matches(pattern, name) {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*\*\/?|\*|\?/g, (found) => (found.startsWith('**') ? '.*' : found === '*' ? '[^/]*' : '[^/]'));
  return new RegExp(`^${source}$`).test(name);
}

/** Active rules of every ruleset that a branch falls under and the actor does not bypass. */
export function rulesetRules(world, repository, branch, actor) {
  const found = [];
  for (const ruleset of [...repository.rulesets, ...(repository.owner.rulesets ?? [])]) {
    if (ruleset.enforcement !== 'active' || ruleset.target !== 'branch' || !targets(repository, ruleset, branch)) continue;
    if (actor && bypasses(world, repository, ruleset, actor)) continue;
    for (const rule of ruleset.rules) found.push({ ...rule, ruleset });
  }
  return found;
}

function targets(repository, ruleset, branch) {
  const { include = [], exclude = [] } = ruleset.conditions?.ref_name ?? { include: ['~ALL'] };
  const takes = (pattern) =>
    pattern === '~ALL' || (pattern === '~DEFAULT_BRANCH' ? branch === repository.defaultBranch : matches(pattern, `refs/heads/${branch}`));
  return include.some(takes) && !exclude.some(takes);
}

function bypasses(world, repository, ruleset, actor) {
  return (ruleset.bypass_actors ?? []).some(({ actor_id, actor_type, bypass_mode }) => {
    if (bypass_mode === 'pull_request') return false;
    if (actor_type === 'Integration') return actor.kind === 'installation' && actor_id === world.app?.id;
    if (actor.kind !== 'user') return false;
    const login = actor.user.login.toLowerCase();
    if (actor_type === 'OrganizationAdmin') return repository.owner.members?.get(login) === 'admin';
    if (actor_type === 'RepositoryRole') return RANK[roleOf(world, repository, actor.user)] >= RANK[ROLE_IDS[actor_id] ?? 'admin'];
    if (actor_type === 'Team')
      return [...(repository.owner.teams?.values() ?? [])].some((team) => team.id === actor_id && team.members.has(login));
    return actor_type === 'User' && actor.user.id === actor_id;
  });
}

function isAdmin(world, repository, actor) {
  if (actor.kind === 'user') return roleOf(world, repository, actor.user) === 'admin';
  return actor.kind === 'installation' && permits(actor.permissions, 'administration:write');
}

const listed = (world, repository, actor, { users = [], teams = [], apps = [] } = {}) => {
  if (actor.kind === 'installation') return apps.includes(world.app?.slug);
  if (actor.kind !== 'user') return false;
  const login = actor.user.login.toLowerCase();
  return users.some((one) => one.toLowerCase() === login) || teams.some((slug) => repository.owner.teams?.get(slug)?.members.has(login));
};

/** `direct` says why the branch takes no direct changes, `noForce` that it must not be rewritten. */
export function branchRules(world, repository, branch, actor) {
  const rules = { any: false, direct: '', noForce: false, creation: false, ruleset: false };
  const protection = repository.protections.get(branch);
  if (protection) {
    rules.any = true;
    rules.noForce = !protection.allow_force_pushes;
    rules.direct = refusalOf(world, repository, protection, actor);
  }
  for (const rule of rulesetRules(world, repository, branch, actor)) {
    rules.any = true;
    if (rule.type === 'non_fast_forward') rules.noForce = true;
    if (rule.type === 'creation') rules.creation = true;
    const reason = {
      pull_request: 'Changes must be made through a pull request.',
      update: 'Cannot update this protected ref.',
      required_status_checks: 'Required status checks are expected.',
    }[rule.type];
    if (!reason || rules.direct) continue;
    rules.direct = reason;
    rules.ruleset = true;
  }
  return rules;
}

function refusalOf(world, repository, protection, actor) {
  if (protection.lock_branch) return 'This branch is locked and cannot be changed.';
  if (!protection.enforce_admins && isAdmin(world, repository, actor)) return '';
  if (protection.restrictions && !listed(world, repository, actor, protection.restrictions))
    return "You're not authorized to push to this branch.";
  const reviews = protection.required_pull_request_reviews;
  if (reviews && !listed(world, repository, actor, reviews.bypass_pull_request_allowances))
    return 'Changes must be made through a pull request.';
  const count = protection.required_status_checks?.contexts.length ?? 0;
  return count ? `${count} of ${count} required status checks are expected.` : '';
}

/** Why a pull request cannot be merged into a branch yet, or nothing. */
export function mergeRefusal(world, repository, branch, { approvals, passed }, actor) {
  const protection = repository.protections.get(branch);
  const contexts = [
    ...(protection && (protection.enforce_admins || !isAdmin(world, repository, actor))
      ? (protection.required_status_checks?.contexts ?? [])
      : []),
  ];
  let needed =
    protection && (protection.enforce_admins || !isAdmin(world, repository, actor))
      ? (protection.required_pull_request_reviews?.required_approving_review_count ?? 0)
      : 0;
  for (const { type, parameters } of rulesetRules(world, repository, branch, actor)) {
    if (type === 'required_status_checks') contexts.push(...parameters.required_status_checks.map(({ context }) => context));
    if (type === 'pull_request') needed = Math.max(needed, parameters.required_approving_review_count);
  }
  if (approvals < needed)
    return `At least ${needed} approving review${needed === 1 ? ' is' : 's are'} required by reviewers with write access.`;
  const missing = contexts.filter((context) => !passed.has(context));
  if (missing.length === 1) return `Required status check "${missing[0]}" is expected.`;
  return missing.length ? `${missing.length} of ${contexts.length} required status checks are expected.` : undefined;
}

/** Features of protection are for public repositories, and for private ones where the plan has them. */
export const planLacksProtection = (repository) => repository.visibility !== 'public' && (repository.owner.plan ?? 'free') === 'free';
