// What follows when a branch or tag moves, by git or by the API: times, pull requests, workflows, webhooks.
import { workflowsAfterPush } from './workflows.mjs';
import { branchRules } from './rules.mjs';
import { pushEvent } from './webhooks/events.mjs';
import { permits } from './roles.mjs';
import { updatePulls } from './pulls.mjs';

/** Tells everyone about every reference that differs. */
export async function refsChanged(world, repository, before, after, sender) {
  const names = [...new Set([...before.keys(), ...after.keys()])].filter((name) => before.get(name) !== after.get(name));
  adoptFirstBranch(repository, before, after);
  for (const ref of names) {
    if (!/^refs\/(heads|tags)\//.test(ref)) continue;
    const change = { ref, before: before.get(ref), after: after.get(ref) };
    repository.pushedAt = world.stamp();
    repository.updatedAt = repository.pushedAt;
    await updatePulls(world, repository, change);
    world.deliveries.send(repository, 'push', () => pushEvent(world, repository, change, sender));
    if (change.after) workflowsAfterPush(world, repository, change, sender);
  }
}

/** The first branch of an empty repository becomes its default one. */
function adoptFirstBranch(repository, before, after) {
  const heads = (refs) => [...refs.keys()].filter((name) => name.startsWith('refs/heads/'));
  const now = heads(after);
  if (heads(before).length || !now.length || after.has(`refs/heads/${repository.defaultBranch}`)) return;
  repository.defaultBranch = now[0].slice(11);
  repository.git.setHead(repository.defaultBranch);
}

/** Moves one reference of the API's. */
export async function moveRef(world, repository, ref, sha, sender) {
  const before = new Map(repository.git.refs());
  if (!repository.git.setRef(ref, sha)) return false;
  await refsChanged(world, repository, before, repository.git.refs(), sender);
  return true;
}

/** What the update hook must refuse from this pusher. */
export function pushRules(world, repository, actor) {
  const refused = [];
  const fastForward = [];
  let reason = '';
  const branches = new Set([
    ...repository.git.branches().map(({ name }) => name),
    ...repository.protections.keys(),
    repository.defaultBranch,
  ]);
  for (const name of branches) {
    const rules = branchRules(world, repository, name, actor);
    if (rules.direct) {
      refused.push(`refs/heads/${name}`);
      reason = rules.direct;
    }
    if (rules.noForce) fastForward.push(`refs/heads/${name}`);
  }
  const rules = { MODEL_REFUSED: refused.join(' '), MODEL_REASON: reason, MODEL_FAST_FORWARD: fastForward.join(' ') };
  if (actor.kind === 'installation' && !permits(actor.permissions, 'workflows:write')) rules.MODEL_NO_WORKFLOWS = 'a GitHub App';
  if (actor.kind === 'user' && !actor.scopes.has('workflow')) rules.MODEL_NO_WORKFLOWS = 'an OAuth App';
  return rules;
}
