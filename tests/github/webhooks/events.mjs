// The payloads of webhooks.
import { iso } from '../clock.mjs';
import { nodeId } from '../ids.mjs';
import { checkShape } from '../rest/checks.mjs';
import { installationShape, simpleOrganization, simpleTeam, simpleUser } from '../shapes/accounts.mjs';
import { runShape, workflowShape } from '../shapes/actions.mjs';
import { accountOf } from '../shapes/commits.mjs';
import { hookShape } from '../shapes/hooks.mjs';
import { fullPull } from '../shapes/issues.mjs';
import { repositoryInside, repositoryPage } from '../shapes/repositories.mjs';

const ZERO = '0'.repeat(40);
/** A push tells this many of its commits. */
const COMMITS = 2048;
const nobody = { kind: 'anonymous' };

function inside(world, repository) {
  const { has_discussions, ...shown } = repositoryInside(world, repository);
  return { ...shown, has_discussions, custom_properties: Object.fromEntries(repository.properties) };
}

/** What is the same in every event of a repository. */
function around(world, repository, sender) {
  return {
    repository: inside(world, repository),
    ...(repository.owner.kind === 'Organization' ? { organization: simpleOrganization(world, repository.owner) } : {}),
    sender: simpleUser(world, sender ?? repository.owner),
  };
}

export function repositoryEvent(world, action, repository, sender, extra = {}) {
  return { action, ...extra, ...around(world, repository, sender) };
}

function changedNames(repository, commit) {
  const { objects } = repository.git;
  const after = objects.flatten(commit.tree);
  const before = commit.parents[0] ? objects.flatten(objects.commit(commit.parents[0]).tree) : new Map();
  const names = { added: [], removed: [], modified: [] };
  for (const [name, { sha }] of after)
    if (!before.has(name)) names.added.push(name);
    else if (before.get(name).sha !== sha) names.modified.push(name);
  for (const name of before.keys()) if (!after.has(name)) names.removed.push(name);
  return names;
}

function pushedCommit(world, repository, commit) {
  const person = (who) => ({
    name: who.name,
    email: who.email,
    ...(accountOf(world, who) ? { username: accountOf(world, who).login } : {}),
  });
  return {
    id: commit.sha,
    tree_id: commit.tree,
    distinct: true,
    message: commit.message,
    timestamp: iso(commit.committer.date),
    url: `${repositoryPage(world, repository)}/commit/${commit.sha}`,
    author: person(commit.author),
    committer: person(commit.committer),
    ...changedNames(repository, commit),
  };
}

export function pushEvent(world, repository, { ref, before, after }, sender) {
  const { git } = repository;
  const page = repositoryPage(world, repository);
  const tip = after && git.peel(after);
  const known = before && git.peel(before) ? new Set(git.log(git.peel(before)).map(({ sha }) => sha)) : new Set();
  const commits =
    tip && ref.startsWith('refs/heads/')
      ? git
          .log(tip, { limit: COMMITS })
          .filter(({ sha }) => !known.has(sha))
          .reverse()
      : [];
  const { repository: shown, ...rest } = around(world, repository, sender);
  const seconds = (time) => Math.floor(new Date(time).getTime() / 1000);
  const { owner } = repository;
  return {
    ref,
    before: before ?? ZERO,
    after: after ?? ZERO,
    base_ref: null,
    compare: `${page}/compare/${(before ?? ZERO).slice(0, 12)}...${(after ?? ZERO).slice(0, 12)}`,
    created: !before,
    deleted: !after,
    forced: Boolean(before && tip && !git.isAncestor(git.peel(before), tip)),
    commits: commits.map((commit) => pushedCommit(world, repository, commit)),
    head_commit: tip ? pushedCommit(world, repository, git.objects.commit(tip)) : null,
    pusher: { name: sender.login, email: sender.bot ? null : (sender.email ?? `${sender.login}@users.noreply.github.com`) },
    repository: {
      ...shown,
      owner: { name: owner.login, email: owner.email, ...shown.owner },
      created_at: seconds(repository.createdAt),
      pushed_at: seconds(repository.pushedAt),
      stargazers: 0,
      master_branch: repository.defaultBranch,
      ...(owner.kind === 'Organization' ? { organization: owner.login } : {}),
    },
    ...rest,
  };
}

export function pingEvent(world, repository, hook, sender) {
  return {
    zen: 'Keep it logically awesome.',
    hook_id: hook.id,
    hook: hookShape(world, repository, hook),
    ...around(world, repository, sender),
  };
}

export function workflowRunEvent(world, action, repository, run) {
  const shown = runShape(world, nobody, repository, run);
  // Here a repository is its name and addresses.
  const kept = new Set(['id', 'node_id', 'name', 'full_name', 'private', 'owner', 'html_url', 'description', 'fork', 'url']);
  const bare = (whole) =>
    Object.fromEntries(
      Object.entries(whole).filter(
        ([key]) => kept.has(key) || (key.endsWith('_url') && !['git_url', 'ssh_url', 'clone_url', 'mirror_url', 'svn_url'].includes(key)),
      ),
    );
  return {
    action,
    workflow: workflowShape(world, repository, run.workflow),
    workflow_run: { ...shown, repository: bare(shown.repository), head_repository: bare(shown.head_repository) },
    ...around(world, repository, run.sender),
  };
}

export function checkRunEvent(world, action, repository, check, sender) {
  const { suite } = check;
  const shown = checkShape(world, repository, check);
  return {
    action,
    check_run: {
      ...shown,
      check_suite: {
        id: suite.id,
        node_id: nodeId('CheckSuite', suite.id),
        head_branch: suite.branch,
        head_sha: suite.sha,
        status: check.status,
        conclusion: check.conclusion,
        url: `${world.api}/repos/${repository.owner.login}/${repository.name}/check-suites/${suite.id}`,
        before: null,
        after: null,
        pull_requests: [],
        app: shown.app,
        created_at: suite.createdAt,
        updated_at: suite.updatedAt,
      },
    },
    ...around(world, repository, sender),
  };
}

export function pullEvent(world, action, repository, issue, numbers, sender, extra = {}) {
  const shown = fullPull(world, nobody, repository, issue, numbers);
  const side = (half, whole) => {
    const { permissions, ...repo } = half.repo;
    const { features } = whole.repository;
    const {
      allow_auto_merge,
      allow_merge_commit,
      allow_rebase_merge,
      allow_squash_merge,
      delete_branch_on_merge,
      allow_update_branch,
      use_squash_pr_title_as_default,
      squash_merge_commit_title,
      squash_merge_commit_message,
      merge_commit_title,
      merge_commit_message,
    } = features;
    return {
      ...half,
      repo: {
        ...repo,
        allow_auto_merge,
        allow_merge_commit,
        allow_rebase_merge,
        allow_squash_merge,
        delete_branch_on_merge,
        allow_update_branch,
        use_squash_pr_title_as_default,
        squash_merge_commit_title,
        squash_merge_commit_message,
        merge_commit_title,
        merge_commit_message,
      },
    };
  };
  return {
    action,
    number: issue.number,
    ...extra,
    pull_request: { ...shown, head: side(shown.head, issue.pull.head), base: side(shown.base, issue.pull.base) },
    ...around(world, repository, sender ?? issue.user),
  };
}

export function teamEvent(world, action, organization, team, sender, repository, changes) {
  const shown = { ...simpleTeam(world, organization, team), parent: simpleTeam(world, organization, organization.teams.get(team.parent)) };
  return {
    action,
    ...(changes ? { changes } : {}),
    team: shown,
    ...(repository ? { repository: inside(world, repository) } : {}),
    organization: simpleOrganization(world, organization),
    sender: simpleUser(world, sender ?? organization),
  };
}

export function membershipEvent(world, action, organization, team, member, sender) {
  return {
    action,
    scope: 'team',
    member: simpleUser(world, member),
    sender: simpleUser(world, sender),
    team: { ...simpleTeam(world, organization, team), parent: simpleTeam(world, organization, organization.teams.get(team.parent)) },
    organization: simpleOrganization(world, organization),
  };
}

export function organizationEvent(world, action, organization, { user, role, sender, changes }) {
  const membership = user
    ? {
        url: `${world.api}/orgs/${organization.login}/memberships/${user.login}`,
        state: 'active',
        role,
        organization_url: `${world.api}/orgs/${organization.login}`,
        user: simpleUser(world, user),
        direct_membership: true,
      }
    : undefined;
  return {
    action,
    ...(changes ? { changes } : {}),
    ...(membership ? { membership } : {}),
    organization: simpleOrganization(world, organization),
    sender: simpleUser(world, sender),
  };
}

const named = (repository) => ({
  id: repository.id,
  node_id: repository.nodeId,
  name: repository.name,
  full_name: `${repository.owner.login}/${repository.name}`,
  private: repository.visibility !== 'public',
});

export function installationEvent(world, action, installation, repositories, sender) {
  return {
    action,
    installation: installationShape(world, installation),
    ...(action === 'created' ? { repositories: repositories.map(named), requester: null } : {}),
    sender: simpleUser(world, sender),
  };
}

export function installationRepositoriesEvent(world, action, installation, repositories, sender) {
  return {
    action,
    installation: installationShape(world, installation),
    repository_selection: installation.selection,
    repositories_added: action === 'added' ? repositories.map(named) : [],
    repositories_removed: action === 'removed' ? repositories.map(named) : [],
    requester: null,
    sender: simpleUser(world, sender),
  };
}
