// A world as a test sees it: everything, secrets included.
import { simpleCommit } from './shapes/actions.mjs';

const object = (map, make = (value) => value) => Object.fromEntries([...map].map(([key, value]) => [key, make(value)]));
const values = (map) => Object.fromEntries([...map.values()].map(({ name, value }) => [name, value]));

export function worldState(world) {
  return {
    id: world.id,
    now: world.stamp(),
    organizations: world.organizations().map((one) => ({
      login: one.login,
      id: one.id,
      members: object(one.members),
      teams: [...one.teams.values()].map((team) => ({ ...team, members: object(team.members) })),
    })),
    users: [...world.accounts.values()]
      .filter(({ kind }) => kind === 'User')
      .map(({ login, id, name, email }) => ({ login, id, name, email })),
    installations: (world.app?.installations ?? []).map((one) => ({
      id: one.id,
      account: one.account.login,
      permissions: one.permissions,
      selection: one.selection,
      repositories: [...one.repositories],
      suspended: one.suspended,
    })),
    repositories: [...world.repositories.values()].map(repositoryState),
    redirects: object(world.redirects),
  };
}

function repositoryState(repository) {
  const { git } = repository;
  return {
    id: repository.id,
    owner: repository.owner.login,
    name: repository.name,
    fullName: `${repository.owner.login}/${repository.name}`,
    description: repository.description,
    homepage: repository.homepage,
    visibility: repository.visibility,
    archived: repository.archived,
    isTemplate: repository.isTemplate,
    fork: repository.fork,
    parent: repository.parent ? `${repository.parent.owner.login}/${repository.parent.name}` : null,
    defaultBranch: repository.defaultBranch,
    createdAt: repository.createdAt,
    pushedAt: repository.pushedAt,
    settings: repository.features,
    security: repository.security,
    topics: repository.topics,
    collaborators: object(repository.collaborators),
    invitations: repository.invitations,
    teams: object(repository.teams),
    properties: object(repository.properties),
    accessLevel: repository.accessLevel,
    oidc: repository.oidc,
    subscriptions: object(repository.subscriptions),
    branches: git.branches().map(({ name, sha }) => {
      const commit = git.objects.commit(sha);
      return {
        name,
        tip: sha,
        tree: commit.tree,
        message: commit.message,
        author: simpleCommit(commit).author,
        commits: git.log(sha).length,
        files: git.objects.flatten(commit.tree).size,
      };
    }),
    tags: object(new Map([...git.refs()].filter(([name]) => name.startsWith('refs/tags/')).map(([name, sha]) => [name.slice(10), sha]))),
    protection: object(repository.protections),
    rulesets: repository.rulesets,
    environments: [...repository.environments.values()].map((one) => ({
      id: one.id,
      name: one.name,
      reviewers: one.reviewers,
      preventSelfReview: one.preventSelfReview,
      waitTimer: one.waitTimer,
      branchPolicy: one.branchPolicy ?? null,
      policies: one.policies,
      variables: values(one.variables),
      secrets: values(one.secrets),
    })),
    variables: values(repository.variables),
    secrets: values(repository.secrets),
    keys: repository.keys,
    hooks: repository.hooks,
    autolinks: repository.autolinks,
    labels: repository.labels.map(({ name, color, description }) => ({ name, color, description })),
    issues: [...repository.issues.values()].filter(({ pull }) => !pull).map(issueState),
    pulls: [...repository.issues.values()]
      .filter(({ pull }) => pull)
      .map((issue) => ({
        ...issueState(issue),
        draft: issue.pull.draft,
        merged: issue.pull.merged,
        mergeSha: issue.pull.mergeSha,
        head: {
          ref: issue.pull.head.ref,
          sha: issue.pull.head.sha,
          repository: `${issue.pull.head.repository.owner.login}/${issue.pull.head.repository.name}`,
        },
        base: { ref: issue.pull.base.ref, sha: issue.pull.base.sha },
        reviewers: issue.pull.reviewers,
        teams: issue.pull.teams,
        reviews: issue.pull.reviews.map(({ user, state }) => ({ user: user.login, state })),
      })),
    pages: repository.pages ?? null,
    runs: repository.runs.map((run) => ({
      id: run.id,
      workflow: run.workflow.path,
      event: run.event,
      branch: run.branch,
      sha: run.sha,
      status: run.status,
      conclusion: run.conclusion,
      attempt: run.attempt,
      inputs: run.inputs,
      actor: run.sender.login,
      jobs: run.jobs.map(({ id, key, name, status, conclusion }) => ({ id, key, name, status, conclusion })),
    })),
    checkRuns: repository.checkRuns.map(({ id, name, sha, status, conclusion, output, annotations, app }) => ({
      id,
      name,
      sha,
      status,
      conclusion,
      output,
      annotations,
      app,
    })),
  };
}

function issueState(issue) {
  return {
    number: issue.number,
    title: issue.title,
    body: issue.body,
    state: issue.state,
    labels: issue.labels,
    assignees: issue.assignees,
    user: issue.user.login,
    comments: issue.comments.map(({ body, user }) => ({ body, user: user.login })),
  };
}
