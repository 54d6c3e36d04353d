// Issues, labels and pull requests, as the REST API writes them.
import { RANK, roleOf } from '../roles.mjs';
import { simpleTeam, simpleUser, teamInList } from './accounts.mjs';
import { plainRepository, repositoryPage, repositoryUrl } from './repositories.mjs';

export function association(world, repository, user) {
  if (user === repository.owner) return 'OWNER';
  const login = user.login.toLowerCase();
  if (repository.owner.members?.has(login)) return 'MEMBER';
  if (repository.collaborators.has(login)) return 'COLLABORATOR';
  return RANK[roleOf(world, repository, user)] > 1 ? 'CONTRIBUTOR' : 'NONE';
}

export const labelShape = (world, repository, label) => ({
  id: label.id,
  node_id: label.nodeId,
  url: `${repositoryUrl(world, repository)}/labels/${encodeURIComponent(label.name)}`,
  name: label.name,
  color: label.color,
  default: label.default,
  description: label.description,
});

const labelsOf = (world, repository, issue) =>
  issue.labels.map((name) =>
    labelShape(
      world,
      repository,
      repository.labels.find((label) => label.name === name),
    ),
  );
const peopleOf = (world, logins) => logins.map((login) => simpleUser(world, world.user(login)));

function reactions(url) {
  return { url: `${url}/reactions`, total_count: 0, '+1': 0, '-1': 0, laugh: 0, hooray: 0, confused: 0, heart: 0, rocket: 0, eyes: 0 };
}

export function issueShape(world, repository, issue) {
  const url = `${repositoryUrl(world, repository)}/issues/${issue.number}`;
  const page = `${repositoryPage(world, repository)}/${issue.pull ? 'pull' : 'issues'}/${issue.number}`;
  const shown = {
    url,
    repository_url: repositoryUrl(world, repository),
    labels_url: `${url}/labels{/name}`,
    comments_url: `${url}/comments`,
    events_url: `${url}/events`,
    html_url: page,
    id: issue.id,
    node_id: issue.nodeId,
    number: issue.number,
    title: issue.title,
    user: simpleUser(world, issue.user),
    labels: labelsOf(world, repository, issue),
    state: issue.state,
    locked: false,
    assignee: peopleOf(world, issue.assignees)[0] ?? null,
    assignees: peopleOf(world, issue.assignees),
    milestone: null,
    comments: issue.comments.length,
    created_at: issue.createdAt,
    updated_at: issue.updatedAt,
    closed_at: issue.closedAt,
    author_association: association(world, repository, issue.user),
    active_lock_reason: null,
    body: issue.body,
    closed_by: simpleUser(world, issue.closedBy),
    reactions: reactions(url),
    timeline_url: `${url}/timeline`,
    performed_via_github_app: null,
    state_reason: issue.stateReason ?? null,
  };
  if (!issue.pull) return shown;
  const { pull } = issue;
  return {
    ...shown,
    draft: pull.draft,
    pull_request: {
      url: url.replace('/issues/', '/pulls/'),
      html_url: page,
      diff_url: `${page}.diff`,
      patch_url: `${page}.patch`,
      merged_at: pull.mergedAt,
    },
  };
}

export function commentShape(world, repository, issue, comment) {
  const url = `${repositoryUrl(world, repository)}/issues/comments/${comment.id}`;
  return {
    url,
    html_url: `${repositoryPage(world, repository)}/issues/${issue.number}#issuecomment-${comment.id}`,
    issue_url: `${repositoryUrl(world, repository)}/issues/${issue.number}`,
    id: comment.id,
    node_id: comment.nodeId,
    user: simpleUser(world, comment.user),
    created_at: comment.createdAt,
    updated_at: comment.updatedAt,
    body: comment.body,
    author_association: association(world, repository, comment.user),
    reactions: reactions(url),
    performed_via_github_app: null,
  };
}

function side(world, actor, { repository, ref, sha }) {
  return {
    label: `${repository.owner.login}:${ref}`,
    ref,
    sha,
    user: simpleUser(world, repository.owner),
    repo: plainRepository(world, actor, repository),
  };
}

/** A pull request as in lists. */
export function simplePull(world, actor, repository, issue) {
  const { pull } = issue;
  const url = `${repositoryUrl(world, repository)}/pulls/${issue.number}`;
  const page = `${repositoryPage(world, repository)}/pull/${issue.number}`;
  const issueUrl = url.replace('/pulls/', '/issues/');
  const statuses = `${repositoryUrl(world, repository)}/statuses/${pull.head.sha}`;
  const link = (href) => ({ href });
  const { owner } = repository;
  return {
    url,
    id: pull.id,
    node_id: pull.nodeId,
    html_url: page,
    diff_url: `${page}.diff`,
    patch_url: `${page}.patch`,
    issue_url: issueUrl,
    number: issue.number,
    state: issue.state,
    locked: false,
    title: issue.title,
    user: simpleUser(world, issue.user),
    body: issue.body,
    created_at: issue.createdAt,
    updated_at: issue.updatedAt,
    closed_at: issue.closedAt,
    merged_at: pull.mergedAt,
    merge_commit_sha: pull.mergeSha,
    assignee: peopleOf(world, issue.assignees)[0] ?? null,
    assignees: peopleOf(world, issue.assignees),
    requested_reviewers: peopleOf(world, pull.reviewers),
    requested_teams: pull.teams.map((slug) => teamInList(world, owner, owner.teams.get(slug))),
    labels: labelsOf(world, repository, issue).map((label) => ({ ...label, description: label.description ?? '' })),
    milestone: null,
    draft: pull.draft,
    commits_url: `${url}/commits`,
    review_comments_url: `${url}/comments`,
    review_comment_url: `${repositoryUrl(world, repository)}/pulls/comments{/number}`,
    comments_url: `${issueUrl}/comments`,
    statuses_url: statuses,
    head: side(world, actor, pull.head),
    base: side(world, actor, pull.base),
    _links: {
      self: link(url),
      html: link(page),
      issue: link(issueUrl),
      comments: link(`${issueUrl}/comments`),
      review_comments: link(`${url}/comments`),
      review_comment: link(`${repositoryUrl(world, repository)}/pulls/comments{/number}`),
      commits: link(`${url}/commits`),
      statuses: link(statuses),
    },
    author_association: association(world, repository, issue.user),
    auto_merge: null,
    active_lock_reason: null,
  };
}

/** A pull request alone: with what comparing its two sides says. */
export function fullPull(world, actor, repository, issue, numbers) {
  const { owner } = repository;
  return {
    ...simplePull(world, actor, repository, issue),
    requested_teams: issue.pull.teams.map((slug) => simpleTeam(world, owner, owner.teams.get(slug))),
    labels: labelsOf(world, repository, issue),
    merged: issue.pull.merged,
    mergeable: issue.pull.merged || issue.state === 'closed' ? null : numbers.mergeable,
    rebaseable: issue.pull.merged ? null : numbers.mergeable,
    mergeable_state: numbers.state,
    merged_by: simpleUser(world, issue.pull.mergedBy),
    comments: issue.comments.length,
    review_comments: 0,
    maintainer_can_modify: false,
    commits: numbers.commits,
    additions: numbers.additions,
    deletions: numbers.deletions,
    changed_files: numbers.files,
  };
}
