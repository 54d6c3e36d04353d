// GitHub Actions: workflows, starting them, their runs, jobs and logs.
import { accepted, created, nothing, redirect } from '../call.mjs';
import { Halt, forbidden, notFound, unprocessable } from '../errors.mjs';
import { offer } from '../files.mjs';
import { repositoryPage, repositoryUrl } from '../shapes/repositories.mjs';
import { jobShape, runShape, workflowShape } from '../shapes/actions.mjs';
import { advance, logOf, reviewed, rerun, startRun, trigger, workflowsOf } from '../workflows.mjs';
import { zip } from '../zip.mjs';
import { reviewerShape } from './environments.mjs';

function workflow(c) {
  const asked = c.params.workflow_id;
  const found = workflowsOf(c.world, c.repo).find(({ id, path }) => String(id) === asked || path.split('/').at(-1) === asked);
  if (!found) throw notFound();
  return found;
}

function listWorkflows(c) {
  const all = workflowsOf(c.world, c.repo);
  return { total_count: all.length, workflows: c.page(all).map((one) => workflowShape(c.world, c.repo, one)) };
}

function dispatch(c) {
  const { world, repo, body } = c;
  const found = workflow(c);
  const sha = repo.git.resolve(body.ref);
  if (!sha) throw unprocessable(`No ref found for: ${body.ref}`);
  const settings = trigger(found.spec, 'workflow_dispatch');
  if (!settings) throw unprocessable("Workflow does not have 'workflow_dispatch' trigger");
  if (found.state !== 'active') throw unprocessable('Cannot trigger a workflow that is disabled.');
  const known = settings.inputs ?? {};
  const given = body.inputs ?? {};
  const unexpected = Object.keys(given).filter((name) => !(name in known));
  if (unexpected.length) throw unprocessable(`Unexpected inputs provided: ${JSON.stringify(unexpected)}`);
  const missing = Object.entries(known).find(
    ([name, input]) => input?.required && input.default === undefined && given[name] === undefined,
  );
  if (missing) throw unprocessable(`Required input '${missing[0]}' not provided`);
  const inputs = Object.fromEntries(Object.entries(known).map(([name, input]) => [name, given[name] ?? input?.default ?? '']));
  const run = startRun(world, repo, {
    workflow: found,
    event: 'workflow_dispatch',
    branch: body.ref.replace(/^refs\/(heads|tags)\//, ''),
    sha,
    sender: c.sender,
    inputs,
  });
  if (!body.return_run_details) return nothing();
  return {
    workflow_run_id: run.id,
    run_url: `${repositoryUrl(world, repo)}/actions/runs/${run.id}`,
    html_url: `${repositoryPage(world, repo)}/actions/runs/${run.id}`,
  };
}

/** A time, or a range of times, as searches write it. */
function within(text, time) {
  const [from, to] = text.split('..');
  if (to !== undefined) return (from === '*' || time >= from) && (to === '*' || time <= `${to}~`);
  const [, sign, value] = /^(>=|<=|>|<)?(.*)$/.exec(text);
  const day = time.slice(0, value.length);
  return { '>=': day >= value, '<=': day <= value, '>': day > value, '<': day < value }[sign] ?? day === value;
}

function listRuns(c, only = () => true) {
  const { query } = c;
  const found = c.repo.runs.filter(
    (run) =>
      only(run) &&
      (!query.branch || run.branch === query.branch) &&
      (!query.event || run.event === query.event) &&
      (!query.status || run.status === query.status || run.conclusion === query.status) &&
      (!query.head_sha || run.sha === query.head_sha) &&
      (!query.actor || run.sender.login === query.actor) &&
      (!query.check_suite_id || run.suite.id === query.check_suite_id) &&
      (!query.created || within(query.created, run.createdAt)),
  );
  found.sort((a, b) => b.id - a.id);
  return { total_count: found.length, workflow_runs: c.page(found).map((run) => runShape(c.world, c.actor, c.repo, run)) };
}

function findRun(c) {
  const found = c.repo.runs.find(({ id }) => id === Number(c.params.run_id));
  if (!found) throw notFound();
  return found;
}

function findJob(c) {
  for (const run of c.repo.runs) {
    const job =
      run.jobs.find(({ id }) => id === Number(c.params.job_id)) ??
      c.repo.checkRuns.find((check) => check.id === Number(c.params.job_id) && check.run === run)?.job;
    if (job) return { run, job };
  }
  throw notFound();
}

function listJobs(c) {
  const run = findRun(c);
  const jobs = c.query.filter === 'all' ? c.repo.checkRuns.filter((check) => check.run === run).map(({ job }) => job) : run.jobs;
  return { total_count: jobs.length, jobs: c.page(jobs).map((job) => jobShape(c.world, c.repo, run, job)) };
}

function again(c, options) {
  const run = findRun(c);
  if (run.status !== 'completed') throw forbidden('This workflow is already running');
  if (options.onlyFailed && run.jobs.every(({ conclusion }) => conclusion === 'success'))
    throw forbidden('This workflow run has no failed jobs and cannot be retried');
  rerun(c.world, c.repo, run, options);
  return created({});
}

function cancel(c) {
  const run = findRun(c);
  if (run.status === 'completed') throw new Halt(409, 'Cannot cancel a workflow run that is completed.');
  advance(c.world, c.repo, run, { status: 'completed', conclusion: 'cancelled' });
  return accepted();
}

function runLogs(c) {
  const run = findRun(c);
  if (!run.jobs.some(({ status }) => status === 'completed')) throw notFound();
  return redirect(
    offer(c.world, `logs_${run.id}.zip`, () => ({
      type: 'application/zip',
      content: zip(run.jobs.map((job, index) => [`${index}_${job.name.replaceAll('/', '_')}.txt`, logOf(run, job)])),
    })),
  );
}

function jobLogs(c) {
  const { run, job } = findJob(c);
  if (job.status !== 'completed') throw notFound();
  return redirect(offer(c.world, 'job-logs.txt', () => ({ type: 'text/plain; charset=utf-8', content: Buffer.from(logOf(run, job)) })));
}

function pending(c) {
  const run = findRun(c);
  if (run.status !== 'waiting') return [];
  const names = [
    ...new Set(run.jobs.map(({ environment }) => environment?.toLowerCase()).filter((name) => name && !run.approved.has(name))),
  ];
  return names
    .map((name) => c.repo.environments.get(name))
    .filter(({ reviewers }) => reviewers.length)
    .map((environment) => ({
      environment: {
        id: environment.id,
        node_id: environment.nodeId,
        name: environment.name,
        url: `${repositoryUrl(c.world, c.repo)}/environments/${encodeURIComponent(environment.name)}`,
        html_url: `${repositoryPage(c.world, c.repo)}/deployments/activity_log?environments_filter=${encodeURIComponent(environment.name)}`,
      },
      wait_timer: environment.waitTimer,
      wait_timer_started_at: run.createdAt,
      current_user_can_approve: c.actor.kind === 'user',
      reviewers: environment.reviewers.map((one) => reviewerShape(c, one)),
    }));
}

function review(c) {
  const run = findRun(c);
  for (const id of c.body.environment_ids) {
    const environment = [...c.repo.environments.values()].find((one) => one.id === id);
    if (!environment) throw unprocessable('Environment not found');
    reviewed(c.world, c.repo, run, environment.name, c.body.state === 'approved');
  }
  return [];
}

function setWorkflow(c, state) {
  workflow(c).state = state;
  return nothing();
}

const reads = (run) => ({ needs: 'actions:read', run });
const writes = (run) => ({ needs: 'actions:write', run });

export default {
  'actions/list-repo-workflows': reads(listWorkflows),
  'actions/get-workflow': reads((c) => workflowShape(c.world, c.repo, workflow(c))),
  'actions/disable-workflow': writes((c) => setWorkflow(c, 'disabled_manually')),
  'actions/enable-workflow': writes((c) => setWorkflow(c, 'active')),
  'actions/create-workflow-dispatch': writes(dispatch),
  'actions/list-workflow-runs-for-repo': reads((c) => listRuns(c)),
  'actions/list-workflow-runs': reads((c) => {
    const found = workflow(c);
    return listRuns(c, (run) => run.workflow === found);
  }),
  'actions/get-workflow-run': reads((c) => runShape(c.world, c.actor, c.repo, findRun(c))),
  'actions/list-jobs-for-workflow-run': reads(listJobs),
  'actions/get-job-for-workflow-run': reads((c) => {
    const { run, job } = findJob(c);
    return jobShape(c.world, c.repo, run, job);
  }),
  'actions/re-run-workflow': writes((c) => again(c, {})),
  'actions/re-run-workflow-failed-jobs': writes((c) => again(c, { onlyFailed: true })),
  'actions/cancel-workflow-run': writes(cancel),
  'actions/download-workflow-run-logs': reads(runLogs),
  'actions/download-job-logs-for-workflow-run': reads(jobLogs),
  'actions/get-pending-deployments-for-run': reads(pending),
  'actions/review-pending-deployments-for-run': { needs: 'deployments:write', run: review },
};
