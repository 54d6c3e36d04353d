// Repositories of the GraphQL API, with their topics, branches and pull requests.
import { nodeId } from '../ids.mjs';
import { RANK, canSee, permissionsOf, roleOf } from '../roles.mjs';
import { connection } from './connection.mjs';
import { ownerObject, userObject } from './accounts.mjs';
import { gitObject, refObject } from './objects.mjs';

const ORDER = { CREATED_AT: 'createdAt', UPDATED_AT: 'updatedAt', PUSHED_AT: 'pushedAt', NAME: 'name', STARGAZERS: 'id' };

export function repositoriesOf(context, account, args) {
  const { world, actor } = context;
  const { isArchived, isFork, privacy, visibility, orderBy, hasIssuesEnabled } = args;
  const found = world
    .repositoriesOf(account)
    .filter((one) => canSee(world, actor, one))
    .filter(
      (one) =>
        (isArchived === undefined || isArchived === null || one.archived === isArchived) &&
        (isFork === undefined || isFork === null || one.fork === isFork) &&
        (!privacy || (one.visibility === 'public') === (privacy === 'PUBLIC')) &&
        (!visibility || one.visibility.toUpperCase() === visibility) &&
        (hasIssuesEnabled === undefined || hasIssuesEnabled === null || one.features.has_issues === hasIssuesEnabled),
    );
  const key = ORDER[orderBy?.field] ?? 'id';
  const up = orderBy?.direction === 'DESC' ? -1 : 1;
  found.sort((a, b) => (a[key] === b[key] ? a.id - b.id : a[key] < b[key] ? -up : up));
  return connection(found, args, { key: ({ id }) => id, make: (one) => repositoryObject(context, one), more: { totalDiskUsage: 0 } });
}

function languageless() {
  return {
    totalCount: 0,
    totalSize: 0,
    nodes: [],
    edges: [],
    pageInfo: { hasNextPage: false, hasPreviousPage: false, startCursor: null, endCursor: null },
  };
}

export function repositoryObject(context, repository) {
  const { world, actor } = context;
  const { git, features } = repository;
  const url = `${world.url}/${repository.owner.login}/${repository.name}`;
  const refNames = (prefix) => [...git.refs().keys()].filter((name) => name.startsWith(prefix)).sort();
  return {
    __typename: 'Repository',
    id: repository.nodeId,
    databaseId: repository.id,
    name: repository.name,
    nameWithOwner: `${repository.owner.login}/${repository.name}`,
    url,
    resourcePath: `/${repository.owner.login}/${repository.name}`,
    description: repository.description,
    homepageUrl: repository.homepage,
    isArchived: repository.archived,
    isFork: repository.fork,
    isTemplate: repository.isTemplate,
    isPrivate: repository.visibility !== 'public',
    isDisabled: false,
    isLocked: false,
    isMirror: false,
    isEmpty: () => git.isEmpty(),
    isInOrganization: repository.owner.kind === 'Organization',
    visibility: repository.visibility.toUpperCase(),
    pushedAt: () => (git.isEmpty() ? null : repository.pushedAt),
    createdAt: repository.createdAt,
    updatedAt: repository.updatedAt,
    archivedAt: repository.archived ? repository.updatedAt : null,
    sshUrl: `git@${new URL(world.url).host}:${repository.owner.login}/${repository.name}.git`,
    stargazerCount: 0,
    forkCount: 0,
    diskUsage: 0,
    primaryLanguage: null,
    licenseInfo: null,
    languages: languageless,
    hasIssuesEnabled: features.has_issues,
    hasWikiEnabled: features.has_wiki,
    hasProjectsEnabled: features.has_projects,
    hasDiscussionsEnabled: features.has_discussions,
    mergeCommitAllowed: features.allow_merge_commit,
    squashMergeAllowed: features.allow_squash_merge,
    rebaseMergeAllowed: features.allow_rebase_merge,
    deleteBranchOnMerge: features.delete_branch_on_merge,
    autoMergeAllowed: features.allow_auto_merge,
    owner: () => ownerObject(context, repository.owner),
    parent: () => (repository.parent && canSee(world, actor, repository.parent) ? repositoryObject(context, repository.parent) : null),
    templateRepository: () => (repository.template ? repositoryObject(context, repository.template) : null),
    viewerPermission: () =>
      actor.kind === 'user'
        ? roleOf(world, repository, actor.user).toUpperCase()
        : permissionsOf(world, actor, repository).push
          ? 'WRITE'
          : 'READ',
    viewerCanAdminister: () => actor.kind === 'user' && RANK[roleOf(world, repository, actor.user)] === 5,
    repositoryTopics: (args) =>
      connection(repository.topics, args, { key: (topic) => topic, make: (topic) => topicObject(world, repository, topic) }),
    defaultBranchRef: () =>
      git.branch(repository.defaultBranch) ? refObject(context, repository, `refs/heads/${repository.defaultBranch}`) : null,
    ref: ({ qualifiedName }) => {
      const name = [qualifiedName, `refs/heads/${qualifiedName}`, `refs/tags/${qualifiedName}`].find((one) => git.ref(one));
      return name ? refObject(context, repository, name) : null;
    },
    refs: (args) =>
      connection(refNames(args.refPrefix), args, { key: (name) => name, make: (name) => refObject(context, repository, name) }),
    object: ({ expression, oid }) => gitObject(context, repository, oid ?? resolveExpression(repository, expression)),
    pullRequests: (args) =>
      connection(
        [...repository.issues.values()].filter(
          ({ pull, ...issue }) => pull && (!args.states || args.states.includes(stateOf(issue, pull))),
        ),
        args,
        { key: ({ number }) => number, make: (issue) => pullObject(context, repository, issue) },
      ),
    pullRequest: ({ number }) => {
      const issue = repository.issues.get(number);
      return issue?.pull ? pullObject(context, repository, issue) : null;
    },
  };
}

/** `HEAD:path`, `branch:path`, a branch or a sha. */
function resolveExpression({ git, defaultBranch }, expression) {
  const colon = expression.indexOf(':');
  const rev = colon < 0 ? expression : expression.slice(0, colon);
  const commit = git.resolve(rev === 'HEAD' || rev === '' ? defaultBranch : rev);
  if (!commit) return git.objects.has(expression) ? expression : undefined;
  return colon < 0 ? commit : git.entry(commit, expression.slice(colon + 1))?.sha;
}

function topicObject(world, repository, topic) {
  return {
    __typename: 'RepositoryTopic',
    id: nodeId('RT', repository.id, topic),
    url: `${world.url}/topics/${topic}`,
    resourcePath: `/topics/${topic}`,
    topic: { __typename: 'Topic', id: nodeId('TO', topic), name: topic, stargazerCount: 0, relatedTopics: [], viewerHasStarred: false },
  };
}

const stateOf = ({ state }, pull) => (pull.merged ? 'MERGED' : state.toUpperCase());

export function pullObject(context, repository, issue) {
  const { world } = context;
  const { pull } = issue;
  return {
    __typename: 'PullRequest',
    id: pull.nodeId,
    databaseId: pull.id,
    fullDatabaseId: String(pull.id),
    number: issue.number,
    title: issue.title,
    body: issue.body ?? '',
    state: stateOf(issue, pull),
    isDraft: pull.draft,
    merged: pull.merged,
    mergedAt: pull.mergedAt,
    closed: issue.state === 'closed',
    createdAt: issue.createdAt,
    updatedAt: issue.updatedAt,
    closedAt: issue.closedAt,
    url: `${world.url}/${repository.owner.login}/${repository.name}/pull/${issue.number}`,
    resourcePath: `/${repository.owner.login}/${repository.name}/pull/${issue.number}`,
    baseRefName: pull.base.ref,
    baseRefOid: pull.base.sha,
    headRefName: pull.head.ref,
    headRefOid: pull.head.sha,
    author: () => (issue.user.bot ? botObject(context, issue.user) : userObject(context, issue.user)),
    repository: () => repositoryObject(context, repository),
    reviewDecision: null,
  };
}

const botObject = ({ world }, account) => ({
  __typename: 'Bot',
  id: account.nodeId,
  databaseId: account.id,
  login: account.login.replace('[bot]', ''),
  url: `${world.url}/apps/${account.login.replace('[bot]', '')}`,
  resourcePath: `/apps/${account.login}`,
  avatarUrl: `${world.url}/avatars/u/${account.id}`,
  createdAt: world.stamp(),
  updatedAt: world.stamp(),
});
