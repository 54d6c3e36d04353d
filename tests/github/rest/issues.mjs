// Issues and labels.
import { created, nothing } from '../call.mjs';
import { Halt, invalid, notFound } from '../errors.mjs';
import { openIssue, setAssignees, setLabels, setState } from '../issues.mjs';
import { nodeId } from '../ids.mjs';
import { newLabel } from '../repositories.mjs';
import { permissionsOf } from '../roles.mjs';
import { commentShape, issueShape, labelShape } from '../shapes/issues.mjs';

function requireIssues(c) {
  if (!c.repo.features.has_issues) throw new Halt(410, 'Issues has been disabled in this repository.');
}

function find(c) {
  const issue = c.repo.issues.get(Number(c.params.issue_number));
  if (!issue) throw notFound();
  if (!issue.pull) requireIssues(c);
  return issue;
}

const shape = (c, issue) => issueShape(c.world, c.repo, issue);
const logins = (given) => given.map((one) => (typeof one === 'string' ? one : one.login));

function create(c) {
  requireIssues(c);
  const { body } = c;
  // Who may not triage opens an issue without labels and assignees.
  const may = c.actor.kind === 'installation' || permissionsOf(c.world, c.actor, c.repo).triage;
  const issue = openIssue(c.world, c.repo, {
    title: body.title,
    body: body.body ?? null,
    labels: may ? (body.labels ?? []) : [],
    assignees: may ? (body.assignees ?? (body.assignee ? [body.assignee] : [])) : [],
    user: c.sender,
  });
  return created(shape(c, issue));
}

function list(c) {
  requireIssues(c);
  const { state = 'open', labels, creator, assignee, since, sort = 'created', direction = 'desc' } = c.query;
  const wanted = labels?.split(',') ?? [];
  const found = [...c.repo.issues.values()].filter(
    (issue) =>
      (state === 'all' || issue.state === state) &&
      wanted.every((name) => issue.labels.includes(name)) &&
      (!creator || issue.user.login === creator) &&
      (!assignee ||
        (assignee === '*' ? issue.assignees.length : assignee === 'none' ? !issue.assignees.length : issue.assignees.includes(assignee))) &&
      (!since || issue.updatedAt >= since),
  );
  const key = sort === 'updated' ? 'updatedAt' : 'number';
  found.sort((a, b) => (a[key] < b[key] ? -1 : 1) * (direction === 'asc' ? 1 : -1));
  return c.page(found).map((issue) => shape(c, issue));
}

function update(c) {
  const issue = find(c);
  const { body } = c;
  if (body.title !== undefined && body.title !== null) issue.title = String(body.title);
  if (body.body !== undefined) issue.body = body.body;
  if (body.labels) setLabels(c.world, c.repo, issue, body.labels);
  if (body.assignees) setAssignees(c.world, c.repo, issue, logins(body.assignees));
  if (body.state) setState(c.world, issue, body.state, body.state_reason, c.sender);
  issue.updatedAt = c.world.stamp();
  return shape(c, issue);
}

const labelsShown = (c, issue) =>
  issue.labels.map((name) =>
    labelShape(
      c.world,
      c.repo,
      c.repo.labels.find((label) => label.name === name),
    ),
  );
const givenLabels = (c) => (Array.isArray(c.body) ? c.body : (c.body.labels ?? []));

function changeLabels(c, change) {
  const issue = find(c);
  setLabels(c.world, c.repo, issue, change(issue));
  issue.updatedAt = c.world.stamp();
  return labelsShown(c, issue);
}

function removeLabel(c) {
  const name = c.params.name.toLowerCase();
  if (!find(c).labels.some((label) => label.toLowerCase() === name)) throw new Halt(404, 'Label does not exist');
  return changeLabels(c, (issue) => issue.labels.filter((label) => label.toLowerCase() !== name));
}

function assignees(c, change) {
  const issue = find(c);
  setAssignees(c.world, c.repo, issue, change(issue, logins(c.body.assignees ?? [])), { strict: false });
  return shape(c, issue);
}

function findLabel(c) {
  const found = c.repo.labels.find(({ name }) => name.toLowerCase() === c.params.name.toLowerCase());
  if (!found) throw notFound();
  return found;
}

function createLabel(c) {
  const { name, color = 'ededed', description = null } = c.body;
  if (c.repo.labels.some((label) => label.name.toLowerCase() === name.toLowerCase()))
    throw invalid({ resource: 'Label', code: 'already_exists', field: 'name' });
  if (!/^[0-9a-fA-F]{6}$/.test(color)) throw invalid({ resource: 'Label', code: 'invalid', field: 'color' });
  const label = newLabel(c.world, name, color, description);
  c.repo.labels.push(label);
  return created(labelShape(c.world, c.repo, label));
}

function updateLabel(c) {
  const label = findLabel(c);
  const { new_name: name = label.name, color = label.color, description = label.description } = c.body;
  for (const issue of c.repo.issues.values()) issue.labels = issue.labels.map((one) => (one === label.name ? name : one));
  Object.assign(label, { name, color, description });
  return labelShape(c.world, c.repo, label);
}

function comment(c) {
  const issue = find(c);
  const id = c.world.newId();
  const made = { id, nodeId: nodeId('IC', id), body: c.body.body, user: c.sender, createdAt: c.world.stamp(), updatedAt: c.world.stamp() };
  issue.comments.push(made);
  return created(commentShape(c.world, c.repo, issue, made));
}

const EITHER = 'issues:write|pull_requests:write';
const reads = (run) => ({ needs: 'issues:read|pull_requests:read', as: 'read', run });
const writes = (run) => ({ needs: EITHER, as: 'triage', run });

export default {
  'issues/create': { needs: 'issues:write', as: 'read', content: true, run: create },
  'issues/list-for-repo': reads(list),
  'issues/get': reads((c) => shape(c, find(c))),
  'issues/update': { needs: EITHER, as: 'read', run: update },
  'issues/list-labels-on-issue': reads((c) => c.page(labelsShown(c, find(c)))),
  'issues/add-labels': writes((c) => changeLabels(c, (issue) => [...issue.labels, ...givenLabels(c)])),
  'issues/set-labels': writes((c) => changeLabels(c, () => givenLabels(c))),
  'issues/remove-label': writes(removeLabel),
  'issues/remove-all-labels': writes((c) => {
    changeLabels(c, () => []);
    return nothing();
  }),
  'issues/add-assignees': writes((c) => created(assignees(c, (issue, given) => [...issue.assignees, ...given]))),
  'issues/remove-assignees': writes((c) => assignees(c, (issue, given) => issue.assignees.filter((login) => !given.includes(login)))),
  'issues/create-comment': { needs: EITHER, as: 'read', content: true, run: comment },
  'issues/list-comments': reads((c) => {
    const issue = find(c);
    return c.page(issue.comments).map((one) => commentShape(c.world, c.repo, issue, one));
  }),
  'issues/list-labels-for-repo': reads((c) => c.page(c.repo.labels).map((label) => labelShape(c.world, c.repo, label))),
  'issues/get-label': reads((c) => labelShape(c.world, c.repo, findLabel(c))),
  'issues/create-label': { needs: EITHER, as: 'write', run: createLabel },
  'issues/update-label': { needs: EITHER, as: 'write', run: updateLabel },
  'issues/delete-label': {
    needs: EITHER,
    as: 'write',
    run: (c) => {
      const label = findLabel(c);
      c.repo.labels = c.repo.labels.filter((one) => one !== label);
      for (const issue of c.repo.issues.values()) issue.labels = issue.labels.filter((name) => name !== label.name);
      return nothing();
    },
  },
};
