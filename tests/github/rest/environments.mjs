// Environments of a repository: who must approve, how long to wait, which branches may.
import { nothing } from '../call.mjs';
import { Halt, notFound, unprocessable } from '../errors.mjs';
import { nodeId } from '../ids.mjs';
import { simpleUser, teamInList } from '../shapes/accounts.mjs';
import { repositoryPage, repositoryUrl } from '../shapes/repositories.mjs';

export function findEnvironment(c) {
  const found = c.repo.environments.get(c.params.environment_name.toLowerCase());
  if (!found) throw notFound();
  return found;
}

export function reviewerShape(c, { type, id }, repository = c.repo) {
  if (type === 'User')
    return {
      type,
      reviewer: simpleUser(
        c.world,
        [...c.world.accounts.values()].find((one) => one.id === id),
      ),
    };
  const team = [...repository.owner.teams.values()].find((one) => one.id === id);
  return { type, reviewer: teamInList(c.world, repository.owner, team) };
}

function shape(c, environment) {
  const rules = [];
  const rule = (type, fields) =>
    rules.push({ id: environment.id + rules.length + 1, node_id: nodeId('Policy', environment.id, type), type, ...fields });
  if (environment.waitTimer) rule('wait_timer', { wait_timer: environment.waitTimer });
  if (environment.reviewers.length)
    rule('required_reviewers', {
      prevent_self_review: environment.preventSelfReview,
      reviewers: environment.reviewers.map((one) => reviewerShape(c, one)),
    });
  if (environment.branchPolicy) rule('branch_policy', {});
  return {
    id: environment.id,
    node_id: environment.nodeId,
    name: environment.name,
    url: `${repositoryUrl(c.world, c.repo)}/environments/${encodeURIComponent(environment.name)}`,
    html_url: `${repositoryPage(c.world, c.repo)}/deployments/activity_log?environments_filter=${encodeURIComponent(environment.name)}`,
    created_at: environment.createdAt,
    updated_at: environment.updatedAt,
    protection_rules: rules,
    deployment_branch_policy: environment.branchPolicy ?? null,
  };
}

/** An environment comes to be by being asked for, or by a workflow that names it. */
export function makeEnvironment(world, repository, name) {
  const known = repository.environments.get(name.toLowerCase());
  if (known) return known;
  const id = world.newId();
  world.next += 10;
  const made = {
    id,
    nodeId: nodeId('Environment', id),
    name,
    waitTimer: 0,
    preventSelfReview: false,
    reviewers: [],
    branchPolicy: undefined,
    policies: [],
    variables: new Map(),
    secrets: new Map(),
    createdAt: world.stamp(),
    updatedAt: world.stamp(),
  };
  repository.environments.set(name.toLowerCase(), made);
  return made;
}

function put(c) {
  const { world, repo } = c;
  const body = c.body ?? {};
  const policy = body.deployment_branch_policy;
  if (policy && policy.protected_branches === policy.custom_branch_policies)
    throw unprocessable('protected_branches and custom_branch_policies cannot have the same value');
  if (body.wait_timer !== undefined && (body.wait_timer < 0 || body.wait_timer > 43_200))
    throw unprocessable('Wait timer must be between 0 and 43200 minutes.');
  if ((body.reviewers ?? []).length > 6) throw unprocessable('No more than 6 reviewers may be set.');
  if (repo.visibility !== 'public' && (repo.owner.plan ?? 'free') !== 'enterprise' && ((body.reviewers ?? []).length || body.wait_timer)) {
    throw unprocessable(
      'Failed to create the environment protection rule. Please ensure the billing plan supports the required reviewers protection rule.',
    );
  }
  for (const { type, id } of body.reviewers ?? []) {
    const known =
      type === 'User'
        ? [...world.accounts.values()].some((one) => one.id === id)
        : [...(repo.owner.teams?.values() ?? [])].some((one) => one.id === id);
    if (!known) throw unprocessable(`Could not resolve ${type.toLowerCase()} with ID ${id}.`);
  }
  const environment = makeEnvironment(world, repo, c.params.environment_name);
  // What is left out is reset, as at GitHub.
  Object.assign(environment, {
    waitTimer: body.wait_timer ?? 0,
    preventSelfReview: body.prevent_self_review ?? false,
    reviewers: body.reviewers ?? [],
    branchPolicy: policy ?? undefined,
    updatedAt: world.stamp(),
  });
  if (!policy?.custom_branch_policies) environment.policies = [];
  return shape(c, environment);
}

const policyShape = ({ id, name, type }) => ({ id, node_id: nodeId('Policy', id), name, type });

function createPolicy(c) {
  const environment = findEnvironment(c);
  if (!environment.branchPolicy?.custom_branch_policies) throw new Halt(404, 'Not Found');
  const { name, type = 'branch' } = c.body;
  // The same name twice: the first is answered.
  const known = environment.policies.find((one) => one.name === name && one.type === type);
  if (known) throw new Halt(303, policyShape(known));
  const policy = { id: c.world.newId(), name, type };
  environment.policies.push(policy);
  return policyShape(policy);
}

function deletePolicy(c) {
  const environment = findEnvironment(c);
  const id = Number(c.params.branch_policy_id);
  if (!environment.policies.some((one) => one.id === id)) throw notFound();
  environment.policies = environment.policies.filter((one) => one.id !== id);
  return nothing();
}

const sorted = (map) => [...map.values()].sort((a, b) => (a.name < b.name ? -1 : 1));

export default {
  'repos/get-all-environments': {
    needs: 'actions:read',
    as: 'read',
    run: (c) => ({ total_count: c.repo.environments.size, environments: c.page(sorted(c.repo.environments)).map((one) => shape(c, one)) }),
  },
  'repos/get-environment': { needs: 'actions:read', as: 'read', run: (c) => shape(c, findEnvironment(c)) },
  'repos/create-or-update-environment': { needs: 'administration:write', run: put },
  'repos/delete-an-environment': {
    needs: 'administration:write',
    run: (c) => {
      findEnvironment(c);
      c.repo.environments.delete(c.params.environment_name.toLowerCase());
      return nothing();
    },
  },
  'repos/list-deployment-branch-policies': {
    needs: 'actions:read',
    as: 'read',
    run: (c) => {
      const { policies } = findEnvironment(c);
      return { total_count: policies.length, branch_policies: c.page(policies).map(policyShape) };
    },
  },
  'repos/create-deployment-branch-policy': { needs: 'administration:write', run: createPolicy },
  'repos/delete-deployment-branch-policy': { needs: 'administration:write', run: deletePolicy },
};
