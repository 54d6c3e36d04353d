// Repositories, as the REST API writes them: alone, in lists, and inside other things.
import { permissionsOf, roleOf } from '../roles.mjs';
import { simpleUser } from './accounts.mjs';

const SUFFIXES = {
  archive_url: '/{archive_format}{/ref}',
  assignees_url: '/assignees{/user}',
  blobs_url: '/git/blobs{/sha}',
  branches_url: '/branches{/branch}',
  collaborators_url: '/collaborators{/collaborator}',
  comments_url: '/comments{/number}',
  commits_url: '/commits{/sha}',
  compare_url: '/compare/{base}...{head}',
  contents_url: '/contents/{+path}',
  contributors_url: '/contributors',
  deployments_url: '/deployments',
  downloads_url: '/downloads',
  events_url: '/events',
  forks_url: '/forks',
  git_commits_url: '/git/commits{/sha}',
  git_refs_url: '/git/refs{/sha}',
  git_tags_url: '/git/tags{/sha}',
  issue_comment_url: '/issues/comments{/number}',
  issue_events_url: '/issues/events{/number}',
  issues_url: '/issues{/number}',
  keys_url: '/keys{/key_id}',
  labels_url: '/labels{/name}',
  languages_url: '/languages',
  merges_url: '/merges',
  milestones_url: '/milestones{/number}',
  notifications_url: '/notifications{?since,all,participating}',
  pulls_url: '/pulls{/number}',
  releases_url: '/releases{/id}',
  stargazers_url: '/stargazers',
  statuses_url: '/statuses/{sha}',
  subscribers_url: '/subscribers',
  subscription_url: '/subscription',
  tags_url: '/tags',
  teams_url: '/teams',
  trees_url: '/git/trees{/sha}',
  hooks_url: '/hooks',
};
const MERGE_FIELDS = [
  'allow_rebase_merge',
  'allow_squash_merge',
  'allow_merge_commit',
  'allow_auto_merge',
  'delete_branch_on_merge',
  'allow_update_branch',
  'use_squash_pr_title_as_default',
  'squash_merge_commit_title',
  'squash_merge_commit_message',
  'merge_commit_title',
  'merge_commit_message',
];

export const repositoryUrl = (world, repository) => `${world.api}/repos/${repository.owner.login}/${repository.name}`;
export const repositoryPage = (world, repository) => `${world.url}/${repository.owner.login}/${repository.name}`;
const openIssues = (repository) => [...repository.issues.values()].filter(({ state }) => state === 'open').length;

function base(world, actor, repository) {
  const url = repositoryUrl(world, repository);
  const page = repositoryPage(world, repository);
  const host = new URL(world.url).host;
  const { features } = repository;
  const forks = [...world.repositories.values()].filter(({ parent }) => parent === repository).length;
  return {
    id: repository.id,
    node_id: repository.nodeId,
    name: repository.name,
    full_name: `${repository.owner.login}/${repository.name}`,
    owner: simpleUser(world, repository.owner),
    private: repository.visibility !== 'public',
    html_url: page,
    description: repository.description,
    fork: repository.fork,
    url,
    ...Object.fromEntries(Object.entries(SUFFIXES).map(([key, suffix]) => [key, url + suffix])),
    git_url: `git://${host}/${repository.owner.login}/${repository.name}.git`,
    ssh_url: `git@${host}:${repository.owner.login}/${repository.name}.git`,
    clone_url: `${page}.git`,
    mirror_url: null,
    svn_url: page,
    homepage: repository.homepage,
    language: null,
    forks_count: forks,
    stargazers_count: 0,
    watchers_count: 0,
    size: 0,
    default_branch: repository.defaultBranch,
    open_issues_count: openIssues(repository),
    is_template: repository.isTemplate,
    topics: repository.topics,
    has_issues: features.has_issues,
    has_projects: features.has_projects,
    has_wiki: features.has_wiki,
    has_pages: Boolean(repository.pages),
    has_downloads: features.has_downloads,
    has_discussions: features.has_discussions,
    archived: repository.archived,
    disabled: false,
    visibility: repository.visibility,
    pushed_at: repository.pushedAt,
    created_at: repository.createdAt,
    updated_at: repository.updatedAt,
    permissions: permissionsOf(world, actor, repository),
    allow_forking: features.allow_forking,
    web_commit_signoff_required: features.web_commit_signoff_required,
    license: null,
    forks,
    open_issues: openIssues(repository),
    watchers: 0,
  };
}

/** As in lists. */
export function minimalRepository(world, actor, repository) {
  return { ...base(world, actor, repository), security_and_analysis: repository.security };
}

/** As in the lists of an installation, and as parents and sources. */
export const plainRepository = base;

/** As part of a webhook, an invitation, a run. */
export const repositoryInside = (world, repository) => {
  const { permissions, ...shown } = base(world, { kind: 'anonymous' }, repository);
  return shown;
};

/** Alone. Settings of merging are for those who may change the code. */
export function fullRepository(world, actor, repository) {
  const shown = base(world, actor, repository);
  const { permissions } = shown;
  const full = { ...shown, temp_clone_token: '', subscribers_count: 1, network_count: shown.forks };
  if (permissions.push) for (const key of MERGE_FIELDS) full[key] = repository.features[key];
  if (permissions.admin) full.security_and_analysis = repository.security;
  if (repository.owner.kind === 'Organization') {
    full.organization = simpleUser(world, repository.owner);
    full.custom_properties = Object.fromEntries(repository.properties);
  }
  if (repository.parent) {
    full.parent = base(world, actor, repository.parent);
    full.source = base(world, actor, repository.source ?? repository.parent);
  }
  if (repository.template) full.template_repository = base(world, actor, repository.template);
  return full;
}

export function collaboratorShape(world, repository, user) {
  const role = roleOf(world, repository, user);
  return { ...simpleUser(world, user), permissions: permissionsOf(world, { kind: 'user', user }, repository), role_name: role };
}
