// Check runs: what an app, or a workflow's job, says of a commit.
import { created } from '../call.mjs';
import { forbidden, notFound, unprocessable } from '../errors.mjs';
import { nodeId } from '../ids.mjs';
import { actionsApp, appShape } from '../shapes/accounts.mjs';
import { minimalRepository, repositoryPage, repositoryUrl } from '../shapes/repositories.mjs';
import { checkRunEvent } from '../webhooks/events.mjs';

export function checkShape(world, repository, check) {
  const url = `${repositoryUrl(world, repository)}/check-runs/${check.id}`;
  const page = check.run
    ? `${repositoryPage(world, repository)}/actions/runs/${check.run.id}/job/${check.id}`
    : `${repositoryPage(world, repository)}/runs/${check.id}`;
  const { installations_count, ...app } = appShape(world, check.app === 'actions' ? actionsApp(world) : world.app);
  return {
    id: check.id,
    name: check.name,
    node_id: check.nodeId,
    head_sha: check.sha,
    external_id: check.externalId ?? '',
    url,
    html_url: page,
    details_url: check.detailsUrl ?? page,
    status: check.status,
    conclusion: check.conclusion,
    started_at: check.startedAt,
    completed_at: check.completedAt,
    output: { ...check.output, annotations_count: check.annotations.length, annotations_url: `${url}/annotations` },
    check_suite: { id: check.suite.id },
    app,
    pull_requests: [],
  };
}

function requireApp(c) {
  if (c.actor.kind !== 'installation') throw forbidden('You must authenticate via a GitHub App.');
}

function suiteOf(c, sha) {
  const { repo, world } = c;
  let suite = repo.checkSuites.find((one) => one.sha === sha && one.app === 'own');
  if (!suite) {
    suite = {
      id: world.newId(),
      branch: repo.git.branches().find((one) => one.sha === sha)?.name ?? null,
      sha,
      app: 'own',
      createdAt: world.stamp(),
      updatedAt: world.stamp(),
    };
    repo.checkSuites.push(suite);
  }
  return suite;
}

function fill(c, check, body) {
  const now = c.world.stamp();
  for (const [key, field] of [
    ['name', 'name'],
    ['details_url', 'detailsUrl'],
    ['external_id', 'externalId'],
    ['started_at', 'startedAt'],
    ['completed_at', 'completedAt'],
    ['status', 'status'],
  ])
    if (body[key] !== undefined) check[field] = body[key];
  if (body.conclusion !== undefined)
    Object.assign(check, { conclusion: body.conclusion, status: 'completed', completedAt: body.completed_at ?? now });
  if (check.status === 'completed' && !check.conclusion)
    throw unprocessable('Invalid request.\n\nFor \'properties/status\', "completed" requires a conclusion.');
  if (!body.output) return;
  check.output = { title: body.output.title ?? check.output.title, summary: body.output.summary ?? null, text: body.output.text ?? null };
  // Annotations of one request are added to those of the ones before.
  check.annotations.push(...(body.output.annotations ?? []));
}

function create(c) {
  requireApp(c);
  const sha = c.git.peel(c.body.head_sha);
  if (!sha) throw unprocessable(`No commit found for SHA: ${c.body.head_sha}`);
  const id = c.world.newId();
  const check = {
    id,
    nodeId: nodeId('CheckRun', id),
    app: 'own',
    suite: suiteOf(c, sha),
    sha,
    status: 'queued',
    conclusion: null,
    startedAt: c.world.stamp(),
    completedAt: null,
    output: { title: null, summary: null, text: null },
    annotations: [],
  };
  fill(c, check, c.body);
  c.repo.checkRuns.push(check);
  tell(c, check, 'created');
  return created(checkShape(c.world, c.repo, check));
}

function find(c) {
  const found = c.repo.checkRuns.find(({ id }) => id === Number(c.params.check_run_id));
  if (!found) throw notFound();
  return found;
}

function update(c) {
  requireApp(c);
  const check = find(c);
  if (check.app !== 'own') throw forbidden('Invalid app_id `15368` - check run can only be modified by the GitHub App that created it.');
  const was = check.status;
  fill(c, check, c.body);
  if (was !== 'completed' && check.status === 'completed') tell(c, check, 'completed');
  return checkShape(c.world, c.repo, check);
}

function tell(c, check, action) {
  c.world.deliveries.send(c.repo, 'check_run', () => checkRunEvent(c.world, action, c.repo, check, c.sender));
}

function listForRef(c) {
  const sha = c.git.resolve(c.params.ref);
  if (!sha) throw unprocessable(`No commit found for SHA: ${c.params.ref}`);
  const { check_name: name, status, filter = 'latest', app_id: app } = c.query;
  let found = c.repo.checkRuns.filter(
    (check) =>
      check.sha === sha &&
      (!name || check.name === name) &&
      (!status || check.status === status) &&
      (!app || (check.app === 'own' ? c.world.app.id : 15368) === app),
  );
  if (filter === 'latest') found = [...new Map(found.map((check) => [`${check.suite.id} ${check.name}`, check])).values()];
  return { total_count: found.length, check_runs: c.page(found.reverse()).map((check) => checkShape(c.world, c.repo, check)) };
}

function annotations(c) {
  const check = find(c);
  return c.page(check.annotations).map((one) => ({
    path: one.path,
    start_line: one.start_line,
    end_line: one.end_line,
    start_column: one.start_column ?? null,
    end_column: one.end_column ?? null,
    annotation_level: one.annotation_level,
    title: one.title ?? '',
    message: one.message,
    raw_details: one.raw_details ?? '',
    blob_href: `${repositoryUrl(c.world, c.repo)}/contents/${one.path}?ref=${check.sha}`,
  }));
}

const IDENTITY = new Set(['id', 'node_id', 'name', 'full_name', 'private', 'owner', 'description', 'fork', 'url']);
const REMOTES = new Set(['git_url', 'ssh_url', 'clone_url', 'mirror_url', 'svn_url']);

function combinedStatus(c) {
  const sha = c.git.resolve(c.params.ref);
  if (!sha) throw notFound();
  const url = repositoryUrl(c.world, c.repo);
  // GitHub shows who and where the repository is there, and nothing of its state.
  const shown = Object.entries(minimalRepository(c.world, c.actor, c.repo));
  const repository = Object.fromEntries(shown.filter(([key]) => IDENTITY.has(key) || (key.endsWith('_url') && !REMOTES.has(key))));
  return {
    state: 'pending',
    statuses: [],
    sha,
    total_count: 0,
    repository,
    commit_url: `${url}/commits/${sha}`,
    url: `${url}/commits/${sha}/status`,
  };
}

export default {
  'checks/create': { needs: 'checks:write', content: true, run: create },
  'checks/update': { needs: 'checks:write', run: update },
  'checks/get': { needs: 'checks:read', as: 'read', run: (c) => checkShape(c.world, c.repo, find(c)) },
  'checks/list-for-ref': { needs: 'checks:read', as: 'read', run: listForRef },
  'checks/list-annotations': { needs: 'checks:read', as: 'read', run: annotations },
  'repos/get-combined-status-for-ref': { needs: 'statuses:read', as: 'read', run: combinedStatus },
};
