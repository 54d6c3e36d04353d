// Issues of a repository, pull requests among them, whoever opens them.
import { invalid } from './errors.mjs';
import { nodeId } from './ids.mjs';
import { newLabel } from './repositories.mjs';

export function openIssue(world, repository, { title, body = null, labels = [], assignees = [], user }) {
  const id = world.newId();
  const now = world.stamp();
  const issue = {
    id,
    nodeId: nodeId('Issue', id),
    number: repository.nextNumber,
    title: String(title),
    body,
    state: 'open',
    stateReason: null,
    labels: [],
    assignees: [],
    comments: [],
    user,
    closedBy: undefined,
    createdAt: now,
    updatedAt: now,
    closedAt: null,
  };
  repository.nextNumber += 1;
  setLabels(world, repository, issue, labels);
  setAssignees(world, repository, issue, assignees);
  repository.issues.set(issue.number, issue);
  return issue;
}

/** Labels by name; one that is not there yet is made, in grey. */
export function setLabels(world, repository, issue, labels) {
  issue.labels = [
    ...new Set(
      labels.map((given) => {
        const name = typeof given === 'string' ? given : given.name;
        const known = repository.labels.find((label) => label.name.toLowerCase() === name.toLowerCase());
        if (known) return known.name;
        repository.labels.push(newLabel(world, name, 'ededed'));
        return name;
      }),
    ),
  ];
}

export function setAssignees(world, repository, issue, assignees, { strict = true } = {}) {
  const able = (login) => {
    const user = world.user(login);
    return (
      user &&
      (user === repository.owner || repository.owner.members?.has(login.toLowerCase()) || repository.collaborators.has(login.toLowerCase()))
    );
  };
  const bad = assignees.filter((login) => !able(login));
  if (bad.length && strict) throw invalid({ resource: 'Issue', field: 'assignees', code: 'invalid', value: bad[0] });
  issue.assignees = [...new Set(assignees.filter(able).map((login) => world.user(login).login))].slice(0, 10);
}

export function setState(world, issue, state, reason, user) {
  if (state === issue.state) return false;
  const closed = state === 'closed';
  Object.assign(issue, {
    state,
    stateReason: closed ? (reason ?? 'completed') : 'reopened',
    closedAt: closed ? world.stamp() : null,
    closedBy: closed ? user : undefined,
  });
  return true;
}
