// Workflows, runs and jobs, as the REST API writes them.
import { nodeId } from '../ids.mjs';
import { iso } from '../clock.mjs';
import { simpleUser } from './accounts.mjs';
import { minimalRepository, repositoryPage, repositoryUrl } from './repositories.mjs';

export function workflowShape(world, repository, workflow) {
  const page = repositoryPage(world, repository);
  return {
    id: workflow.id,
    node_id: workflow.nodeId,
    name: workflow.name,
    path: workflow.path,
    state: workflow.state,
    created_at: workflow.createdAt,
    updated_at: workflow.updatedAt,
    url: `${repositoryUrl(world, repository)}/actions/workflows/${workflow.id}`,
    html_url: `${page}/blob/${repository.defaultBranch}/${workflow.path}`,
    badge_url: `${page}/workflows/${encodeURIComponent(workflow.name)}/badge.svg`,
  };
}

/** A commit inside other things. */
export function simpleCommit(commit) {
  const person = ({ name, email }) => ({ name, email });
  return {
    id: commit.sha,
    tree_id: commit.tree,
    message: commit.message,
    timestamp: iso(commit.committer.date),
    author: person(commit.author),
    committer: person(commit.committer),
  };
}

export function runShape(world, actor, repository, run) {
  const url = `${repositoryUrl(world, repository)}/actions/runs/${run.id}`;
  const commit = repository.git.objects.commit(run.sha);
  const inside = () => {
    const { security_and_analysis, ...shown } = minimalRepository(world, actor, repository);
    return shown;
  };
  return {
    id: run.id,
    name: run.workflow.name,
    node_id: run.nodeId,
    check_suite_id: run.suite.id,
    check_suite_node_id: nodeId('CheckSuite', run.suite.id),
    head_branch: run.branch,
    head_sha: run.sha,
    path: run.workflow.path,
    run_number: run.number,
    run_attempt: run.attempt,
    referenced_workflows: [],
    event: run.event,
    status: run.status,
    conclusion: run.conclusion,
    workflow_id: run.workflow.id,
    url,
    html_url: `${repositoryPage(world, repository)}/actions/runs/${run.id}`,
    pull_requests: [],
    created_at: run.createdAt,
    updated_at: run.updatedAt,
    actor: simpleUser(world, run.sender),
    triggering_actor: simpleUser(world, run.sender),
    run_started_at: run.startedAt,
    jobs_url: `${url}/jobs`,
    logs_url: `${url}/logs`,
    check_suite_url: `${repositoryUrl(world, repository)}/check-suites/${run.suite.id}`,
    artifacts_url: `${url}/artifacts`,
    cancel_url: `${url}/cancel`,
    rerun_url: `${url}/rerun`,
    previous_attempt_url: run.attempt > 1 ? `${url}/attempts/${run.attempt - 1}` : null,
    workflow_url: `${repositoryUrl(world, repository)}/actions/workflows/${run.workflow.id}`,
    head_commit: commit ? simpleCommit(commit) : null,
    repository: inside(),
    head_repository: inside(),
    display_title: commit?.message.split('\n')[0] ?? run.workflow.name,
  };
}

export function jobShape(world, repository, run, job) {
  const url = repositoryUrl(world, repository);
  return {
    id: job.id,
    run_id: run.id,
    workflow_name: run.workflow.name,
    head_branch: run.branch,
    run_url: `${url}/actions/runs/${run.id}`,
    run_attempt: job.attempt,
    node_id: job.check.nodeId,
    head_sha: run.sha,
    url: `${url}/actions/jobs/${job.id}`,
    html_url: `${repositoryPage(world, repository)}/actions/runs/${run.id}/job/${job.id}`,
    status: job.status,
    conclusion: job.conclusion,
    created_at: job.createdAt,
    started_at: job.startedAt,
    completed_at: job.completedAt,
    name: job.name,
    steps:
      job.status === 'queued'
        ? []
        : job.steps.map((step) => ({
            name: step.name,
            status: step.status,
            conclusion: step.conclusion,
            number: step.number,
            started_at: step.startedAt,
            completed_at: step.completedAt,
          })),
    check_run_url: `${url}/check-runs/${job.id}`,
    labels: job.labels,
    runner_id: job.status === 'queued' ? null : 1,
    runner_name: job.status === 'queued' ? null : 'GitHub Actions 1',
    runner_group_id: job.status === 'queued' ? null : 0,
    runner_group_name: job.status === 'queued' ? null : 'GitHub Actions',
  };
}
