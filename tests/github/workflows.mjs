// Workflows and their runs: what starts one, how it goes on, what it says in the end.
import { nodeId } from './ids.mjs';
import { load } from './packages.mjs';
import { matches } from './rules.mjs';
import { botOf } from './shapes/accounts.mjs';
import { makeEnvironment } from './rest/environments.mjs';
import { workflowRunEvent } from './webhooks/events.mjs';

const yaml = load('yaml');
const FOLDER = '.github/workflows';
/** Seconds of the world's clock until a run starts, and until it ends. */
const QUEUE_SECONDS = 1;
const RUN_SECONDS = 5;

function parse(text) {
  try {
    return yaml.parse(text, { schema: 'core' }) ?? {};
  } catch {
    return undefined;
  }
}

/** The workflow files of a commit, with what they say. */
function filesOf(repository, commit) {
  const folder = repository.git.entry(commit, FOLDER);
  if (folder?.type !== 'tree') return [];
  return repository.git.objects
    .tree(folder.sha)
    .filter(({ name, type }) => type === 'blob' && /\.ya?ml$/.test(name))
    .map(({ name, sha }) => ({ path: `${FOLDER}/${name}`, spec: parse(repository.git.objects.blob(sha).toString('utf8')) }))
    .filter(({ spec }) => spec);
}

function remember(world, repository, { path, spec }) {
  if (!repository.workflows.has(path)) {
    const id = world.newId();
    repository.workflows.set(path, {
      id,
      nodeId: nodeId('Workflow', id),
      path,
      state: 'active',
      createdAt: world.stamp(),
      updatedAt: world.stamp(),
    });
  }
  return Object.assign(repository.workflows.get(path), { name: spec.name ?? path, spec });
}

/** Workflows of the default branch. */
export function workflowsOf(world, repository) {
  const tip = repository.git.branch(repository.defaultBranch);
  return tip ? filesOf(repository, tip).map((file) => remember(world, repository, file)) : [];
}

/** The settings of a trigger, or undefined when the workflow has it not. */
export function trigger(spec, event) {
  const { on } = spec;
  if (typeof on === 'string') return on === event ? {} : undefined;
  if (Array.isArray(on)) return on.includes(event) ? {} : undefined;
  return on && event in on ? (on[event] ?? {}) : undefined;
}

export function workflowsAfterPush(world, repository, { ref, after }, sender) {
  const commit = repository.git.peel(after);
  if (!commit || /\[(skip ci|ci skip|no ci)\]/.test(repository.git.objects.commit(commit).message)) return;
  for (const file of filesOf(repository, commit)) {
    const push = trigger(file.spec, 'push');
    if (!push || !takes(push, ref)) continue;
    startRun(world, repository, {
      workflow: remember(world, repository, file),
      event: 'push',
      branch: ref.replace(/^refs\/(heads|tags)\//, ''),
      sha: commit,
      sender,
    });
  }
}

function takes(push, ref) {
  const isTag = ref.startsWith('refs/tags/');
  const name = ref.replace(/^refs\/(heads|tags)\//, '');
  const [own, ignored, other] = isTag
    ? [push.tags, push['tags-ignore'], push.branches]
    : [push.branches, push['branches-ignore'], push.tags];
  if (own)
    return []
      .concat(own)
      .reduce(
        (taken, pattern) => (pattern.startsWith('!') ? taken && !matches(pattern.slice(1), name) : taken || matches(pattern, name)),
        false,
      );
  if (ignored) return ![].concat(ignored).some((pattern) => matches(pattern, name));
  return !other;
}

/** Makes a run with its jobs, and lets it go on by the clock. */
export function startRun(world, repository, { workflow, event, branch, sha, sender, inputs = {} }) {
  const id = world.newId();
  const now = world.stamp();
  const suite = { id: world.newId(), branch, sha, app: 'actions', createdAt: now, updatedAt: now, status: 'queued', conclusion: null };
  repository.checkSuites.push(suite);
  const run = {
    id,
    nodeId: nodeId('WorkflowRun', id),
    workflow,
    event,
    branch,
    sha,
    inputs,
    sender: sender ?? botOf(world, world.app),
    suite,
    number: repository.runs.filter((one) => one.workflow === workflow).length + 1,
    attempt: 1,
    status: 'queued',
    conclusion: null,
    createdAt: now,
    updatedAt: now,
    startedAt: now,
    jobs: [],
    logs: new Map(),
    approved: new Set(),
  };
  run.jobs = Object.entries(workflow.spec.jobs ?? {}).map(([key, spec]) => newJob(world, repository, run, key, spec ?? {}));
  repository.runs.push(run);
  tell(world, repository, run, 'requested');
  proceed(world, repository, run);
  return run;
}

function newJob(world, repository, run, key, spec) {
  const id = world.newId();
  const environment = typeof spec.environment === 'object' ? spec.environment?.name : spec.environment;
  if (environment) makeEnvironment(world, repository, environment);
  const job = {
    id,
    key,
    name: spec.name ?? key,
    environment,
    status: 'queued',
    conclusion: null,
    createdAt: world.stamp(),
    startedAt: world.stamp(),
    completedAt: null,
    attempt: run.attempt,
    labels: [].concat(spec['runs-on'] ?? []).filter((one) => typeof one === 'string'),
    steps: (spec.steps ?? []).map((step, index) => ({
      name: step.name ?? (step.uses ? `Run ${step.uses}` : `Run ${String(step.run ?? '').split('\n')[0]}`),
      number: index + 1,
      status: 'queued',
      conclusion: null,
      startedAt: null,
      completedAt: null,
    })),
  };
  job.check = {
    id,
    nodeId: nodeId('CheckRun', id),
    name: job.name,
    sha: run.sha,
    app: 'actions',
    suite: run.suite,
    status: 'queued',
    conclusion: null,
    startedAt: null,
    completedAt: null,
    output: { title: null, summary: null, text: null },
    annotations: [],
    job,
    run,
  };
  repository.checkRuns.push(job.check);
  return job;
}

const waiting = (repository, run) =>
  run.jobs.filter(
    (job) =>
      job.environment &&
      !run.approved.has(job.environment.toLowerCase()) &&
      repository.environments.get(job.environment.toLowerCase())?.reviewers.length,
  );

/** Lets a run go on by itself, unless the world's runs are driven by hand. */
function proceed(world, repository, run) {
  const { manual = false, queueSeconds = QUEUE_SECONDS, runSeconds = RUN_SECONDS, conclusion = 'success' } = world.runs ?? {};
  if (manual) return;
  const { attempt } = run;
  const still = (status) => run.attempt === attempt && run.status === status;
  world.clock.after(queueSeconds, () => {
    if (!still('queued')) return;
    if (waiting(repository, run).length) advance(world, repository, run, { status: 'waiting' });
    else {
      advance(world, repository, run, { status: 'in_progress' });
      world.clock.after(runSeconds, () => {
        if (still('in_progress')) advance(world, repository, run, { status: 'completed', conclusion });
      });
    }
  });
}

/** Reviewers have spoken: the run goes on or ends. */
export function reviewed(world, repository, run, environment, approve) {
  if (!approve) {
    advance(world, repository, run, { status: 'completed', conclusion: 'failure' });
    return;
  }
  run.approved.add(environment.toLowerCase());
  if (waiting(repository, run).length) return;
  run.status = 'queued';
  proceed(world, repository, run);
}

/** Sets a run to a state; `jobs` says other conclusions by the job's key or name, `logs` what they print. */
export function advance(world, repository, run, { status, conclusion = null, jobs = {}, logs = {} }) {
  const now = world.stamp();
  Object.assign(run, { status, conclusion: status === 'completed' ? (conclusion ?? 'success') : null, updatedAt: now });
  Object.assign(run.suite, { status: status === 'waiting' ? 'queued' : status, conclusion: run.conclusion, updatedAt: now });
  for (const job of run.jobs) {
    if (job.status === 'completed') continue;
    const text = logs[job.key] ?? logs[job.name];
    if (text !== undefined) run.logs.set(job.id, text);
    setJob(job, { status, conclusion: status === 'completed' ? (jobs[job.key] ?? jobs[job.name] ?? run.conclusion) : null }, now);
  }
  if (status === 'in_progress' || status === 'completed') tell(world, repository, run, status);
}

function setJob(job, { status, conclusion }, now) {
  Object.assign(job, { status, conclusion });
  if (status === 'in_progress') job.startedAt = now;
  if (status === 'completed') job.completedAt = now;
  job.steps.forEach((step, index) => {
    const isLast = index === job.steps.length - 1;
    step.status = status === 'waiting' ? 'queued' : status;
    step.startedAt ??= status === 'queued' ? null : now;
    if (status !== 'completed') return;
    // The last step is the one that failed.
    step.conclusion = isLast || conclusion === 'success' || conclusion === 'skipped' ? conclusion : 'success';
    step.completedAt = now;
  });
  Object.assign(job.check, { status, conclusion, startedAt: job.startedAt, completedAt: job.completedAt });
}

/** Starts a run again: every job, or those that failed. */
export function rerun(world, repository, run, { onlyFailed = false } = {}) {
  const now = world.stamp();
  run.attempt += 1;
  Object.assign(run, { status: 'queued', conclusion: null, updatedAt: now, startedAt: now });
  run.jobs = run.jobs.map((job) =>
    onlyFailed && job.conclusion === 'success' ? job : newJob(world, repository, run, job.key, run.workflow.spec.jobs[job.key] ?? {}),
  );
  Object.assign(run.suite, { status: 'queued', conclusion: null });
  proceed(world, repository, run);
}

function tell(world, repository, run, action) {
  world.deliveries.send(repository, 'workflow_run', () => workflowRunEvent(world, action, repository, run));
}

/** What a job printed. */
export function logOf(run, job) {
  const told = run.logs.get(job.id);
  const lines =
    told === undefined
      ? job.steps.flatMap(({ name, conclusion }) => [
          `##[group]${name}`,
          '##[endgroup]',
          ...(conclusion === 'failure' ? ['##[error]Process completed with exit code 1.'] : []),
        ])
      : told.split('\n');
  const time = new Date(job.completedAt ?? job.startedAt).toISOString().replace('Z', '0000Z');
  return lines.map((line) => `${time} ${line}\n`).join('');
}
