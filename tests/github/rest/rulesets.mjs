// Rulesets of a repository, and the rules a branch falls under.
import { created, nothing } from '../call.mjs';
import { forbidden, invalid, notFound } from '../errors.mjs';
import { nodeId } from '../ids.mjs';
import { permissionsOf } from '../roles.mjs';
import { planLacksProtection, rulesetRules } from '../rules.mjs';
import { repositoryPage, repositoryUrl } from '../shapes/repositories.mjs';

function requirePlan(c) {
  if (planLacksProtection(c.repo)) throw forbidden('Upgrade to GitHub Pro or make this repository public to enable this feature.');
}

function find(c) {
  requirePlan(c);
  const found = c.repo.rulesets.find(({ id }) => id === Number(c.params.ruleset_id));
  if (!found) throw notFound();
  return found;
}

function shape(c, ruleset, { whole = true } = {}) {
  const shown = {
    id: ruleset.id,
    name: ruleset.name,
    target: ruleset.target,
    source_type: 'Repository',
    source: `${c.repo.owner.login}/${c.repo.name}`,
    enforcement: ruleset.enforcement,
    node_id: nodeId('Ruleset', ruleset.id),
    _links: {
      self: { href: `${repositoryUrl(c.world, c.repo)}/rulesets/${ruleset.id}` },
      html: { href: `${repositoryPage(c.world, c.repo)}/rules/${ruleset.id}` },
    },
    created_at: ruleset.createdAt,
    updated_at: ruleset.updatedAt,
  };
  if (!whole) return shown;
  Object.assign(shown, { conditions: ruleset.conditions, rules: ruleset.rules, current_user_can_bypass: 'never' });
  // Who may bypass is told to those who may change it.
  if (permissionsOf(c.world, c.actor, c.repo).admin) shown.bypass_actors = ruleset.bypass_actors;
  return shown;
}

function fill(ruleset, body) {
  for (const key of ['name', 'target', 'enforcement', 'bypass_actors', 'conditions', 'rules'])
    if (body[key] !== undefined) ruleset[key] = body[key];
  for (const one of ruleset.bypass_actors) one.bypass_mode ??= 'always';
}

function refuseSameName(c, name, except) {
  if (c.repo.rulesets.some((one) => one.name === name && one !== except))
    throw invalid({ resource: 'RepositoryRuleset', code: 'custom', field: 'name', message: 'Name must be unique' });
}

function create(c) {
  requirePlan(c);
  refuseSameName(c, c.body.name);
  const now = c.world.stamp();
  const ruleset = {
    id: c.world.newId(),
    target: 'branch',
    bypass_actors: [],
    conditions: { ref_name: { include: [], exclude: [] } },
    rules: [],
    createdAt: now,
    updatedAt: now,
  };
  fill(ruleset, c.body);
  c.repo.rulesets.push(ruleset);
  return created(shape(c, ruleset));
}

function update(c) {
  const ruleset = find(c);
  if (c.body.name) refuseSameName(c, c.body.name, ruleset);
  fill(ruleset, c.body);
  ruleset.updatedAt = c.world.stamp();
  return shape(c, ruleset);
}

function ofBranch(c) {
  const rules = rulesetRules(c.world, c.repo, c.params.branch);
  return c.page(
    rules.map(({ ruleset, ...rule }) => ({
      ...rule,
      ruleset_source_type: 'Repository',
      ruleset_source: `${c.repo.owner.login}/${c.repo.name}`,
      ruleset_id: ruleset.id,
    })),
  );
}

const admin = (run) => ({ needs: 'administration:write', run });

export default {
  'repos/get-repo-rulesets': {
    needs: 'metadata:read',
    run: (c) => {
      requirePlan(c);
      return c
        .page(c.repo.rulesets.filter(({ target }) => !c.query.targets || c.query.targets.split(',').includes(target)))
        .map((one) => shape(c, one, { whole: false }));
    },
  },
  'repos/get-repo-ruleset': { needs: 'metadata:read', run: (c) => shape(c, find(c)) },
  'repos/create-repo-ruleset': admin(create),
  'repos/update-repo-ruleset': admin(update),
  'repos/delete-repo-ruleset': admin((c) => {
    const ruleset = find(c);
    c.repo.rulesets = c.repo.rulesets.filter((one) => one !== ruleset);
    return nothing();
  }),
  'repos/get-branch-rules': { needs: 'metadata:read', run: ofBranch },
};
