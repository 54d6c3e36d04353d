// The operations of Harbor's API that Greenroom uses, by the names its description gives them. Each takes what a request
// says and answers `{status, body?, location?}`; what it refuses it throws.
import { BASE } from './description.mjs';
import { Refusal, badRequest, conflict, notFound } from './state.mjs';

/** `{operationId: [resource, action, function]}`; the first two are what one must be allowed, null for no one in particular. */
export const API = {
  get_health: [null, null, () => ok({ status: 'healthy', components: [{ name: 'core', status: 'healthy' }] })],
  get_ping: [null, null, () => ok('Pong')],
  get_system_info: [null, null, ({ who }) => ok({ auth_mode: 'db_auth', self_registration: false, primary_auth_mode: false, banner_message: '', ...(who && { harbor_version: 'v2.12.2', registry_url: '' }) })],

  create_project: ['project', 'create', ({ state, body, headers }) => {
    const project = state.addProject(body);
    return created(`/projects/${headers['x-resource-name-in-location'] === 'true' ? project.name : project.id}`);
  }],
  list_projects: ['project', 'list', ({ state, query }) => page([...state.projects.values()].filter(({ name }) => fits(query, { name }) && (!query.get('name') || name.includes(query.get('name')))), query, (one) => projectOf(one))],
  head_project: ['project', 'read', ({ state, query }) => {
    state.project(query.get('project_name'));
    return { status: 200 };
  }],
  get_project: ['project', 'read', ({ project }) => ok(projectOf(project))],
  update_project: ['project', 'update', ({ project, body }) => {
    Object.assign(project.metadata, body.metadata, body.public !== undefined && { public: String(body.public) });
    return { status: 200 };
  }],
  delete_project: ['project', 'delete', ({ state, project }) => {
    state.removeProject(project);
    return { status: 200 };
  }],
  get_project_deletable: ['project', 'read', ({ project }) => ok(project.repositories.size === 0 ? { deletable: true } : { deletable: false, message: 'the project contains repositories, can not be deleted' })],
  get_project_summary: ['project', 'read', ({ state, project }) => ok({ repo_count: project.repositories.size, quota: { hard: quotaOf(state, project).hard, used: { storage: state.used(project) } } })],

  list_quotas: ['quota', 'list', ({ state, query }) => {
    const of = [...state.quotas.values()].filter(({ project }) => !query.get('reference_id') || String(project.id) === query.get('reference_id'));
    return page(of, query, (one) => describedQuota(state, one));
  }],
  get_quota: ['quota', 'read', ({ state, parameters }) => ok(describedQuota(state, quota(state, parameters.id)))],
  update_quota: ['quota', 'update', ({ state, parameters, body }) => {
    const found = quota(state, parameters.id);
    const storage = body.hard?.storage;
    if (!(storage === -1 || storage > 0)) throw badRequest('invalid hard limit for resource storage');
    Object.assign(found, { hard: { storage }, update_time: new Date().toISOString() });
    return { status: 200 };
  }],

  create_robot: ['robot', 'create', ({ state, body }) => {
    const { robot, secret } = state.addRobot(body);
    const { id, name, creation_time, expires_at } = robot;
    return { ...created(`/robots/${id}`), body: { id, name, secret, creation_time, expires_at } };
  }],
  list_robot: ['robot', 'list', ({ state, query }) => {
    const asked = criteria(query);
    const project = asked.ProjectID && state.project(asked.ProjectID).name;
    const all = [...state.robots.values()].filter((one) => (asked.Level ?? 'system') === one.level && (!project || one.permissions[0].namespace === project) && fits(query, { name: one.name }));
    return page(all, query, robotOf);
  }],
  get_robot_by_id: ['robot', 'read', ({ state, parameters }) => ok(robotOf(state.robot(parameters.robot_id)))],
  update_robot: ['robot', 'update', ({ state, parameters, body }) => {
    const robot = state.robot(parameters.robot_id);
    if (body.name !== robot.name || body.level !== robot.level) throw badRequest('cannot update the level or name of robot');
    for (const field of ['description', 'duration', 'disable', 'permissions']) if (body[field] !== undefined) robot[field] = body[field];
    return { status: 200 };
  }],
  refresh_sec: ['robot', 'update', ({ state, parameters, body }) => ok({ secret: state.refreshSecret(state.robot(parameters.robot_id), body.secret) })],
  delete_robot: ['robot', 'delete', ({ state, parameters }) => {
    state.robots.delete(state.robot(parameters.robot_id).id);
    return { status: 200 };
  }],

  create_immu_rule: ['immutable-tag', 'create', ({ state, project, body }) => {
    const same = (one) => JSON.stringify([one.tag_selectors, one.scope_selectors]) === JSON.stringify([body.tag_selectors, body.scope_selectors]);
    if ([...project.rules.values()].some(same)) throw conflict('immutable tag rule with same parameters already exists');
    const id = state.next('rule');
    project.rules.set(id, { disabled: false, priority: 0, action: 'immutable', template: 'immutable_template', ...body, id });
    return created(`/projects/${project.name}/immutabletagrules/${id}`);
  }],
  list_immu_rules: ['immutable-tag', 'list', ({ project, query }) => page([...project.rules.values()], query, (one) => one)],
  update_immu_rule: ['immutable-tag', 'update', ({ project, parameters, body }) => {
    const id = rule(project, parameters.immutable_rule_id);
    project.rules.set(id, { ...project.rules.get(id), ...body, id });
    return { status: 200 };
  }],
  delete_immu_rule: ['immutable-tag', 'delete', ({ project, parameters }) => {
    project.rules.delete(rule(project, parameters.immutable_rule_id));
    return { status: 200 };
  }],

  list_repositories: ['repository', 'list', ({ project, query }) => page([...project.repositories.values()].filter(({ name }) => fits(query, { name: `${project.name}/${name}` })), query, (one) => repositoryOf(project, one))],
  get_repository: ['repository', 'read', ({ state, project, parameters }) => ok(repositoryOf(project, state.repository(project, parameters.repository_name)))],
  delete_repository: ['repository', 'delete', ({ state, project, parameters }) => {
    const found = state.repository(project, parameters.repository_name);
    for (const { tags } of found.artifacts.values()) refuseImmutable(state, project, found.name, [...tags.keys()]);
    project.repositories.delete(found.name);
    return { status: 200 };
  }],
  list_artifacts: ['artifact', 'list', ({ state, project, parameters, query }) => {
    const found = state.repository(project, parameters.repository_name);
    return page([...found.artifacts.values()].reverse(), query, (one) => artifactOf(state, project, found, one, query));
  }],
  get_artifact: ['artifact', 'read', ({ state, project, parameters, query }) => {
    const found = state.repository(project, parameters.repository_name);
    return ok(artifactOf(state, project, found, state.artifact(project, found.name, parameters.reference), query));
  }],
  delete_artifact: ['artifact', 'delete', ({ state, project, parameters }) => {
    const found = state.repository(project, parameters.repository_name);
    const artifact = state.artifact(project, found.name, parameters.reference);
    refuseImmutable(state, project, found.name, [...artifact.tags.keys()]);
    found.artifacts.delete(artifact.digest);
    return { status: 200 };
  }],
  list_tags: ['tag', 'list', ({ state, project, parameters, query }) => {
    const found = state.repository(project, parameters.repository_name);
    const artifact = state.artifact(project, found.name, parameters.reference);
    return page([...artifact.tags.values()], query, (one) => tagOf(state, project, found, artifact, one, query));
  }],
  create_tag: ['tag', 'create', ({ state, project, parameters, body }) => {
    const found = state.repository(project, parameters.repository_name);
    const artifact = state.artifact(project, found.name, parameters.reference);
    if ([...found.artifacts.values()].some(({ tags }) => tags.has(body.name))) throw conflict(`tag ${body.name} already exists`);
    state.push(project, found.name, { ...artifact, tag: body.name });
    return created(`/projects/${project.name}/repositories/${encodeURIComponent(found.name)}/artifacts/${artifact.digest}/tags/${body.name}`);
  }],
  delete_tag: ['tag', 'delete', ({ state, project, parameters }) => {
    const artifact = state.artifact(project, parameters.repository_name, parameters.reference);
    if (!artifact.tags.has(parameters.tag_name)) throw notFound(`tag ${parameters.tag_name}`);
    refuseImmutable(state, project, parameters.repository_name, [parameters.tag_name]);
    artifact.tags.delete(parameters.tag_name);
    return { status: 200 };
  }],
};

function ok(body) { return { status: 200, body }; }

function created(where) { return { status: 201, location: `${BASE}${where}` }; }

/** One page of a list, with the number of all. */
function page(all, query, describe) {
  const size = Math.min(Number(query.get('page_size') ?? 10), 100);
  const number = Number(query.get('page') ?? 1);
  if (size < -1 || number < 1) throw new Refusal(422, 'UNPROCESSABLE_ENTITY', 'page and page_size must be positive');
  return { status: 200, body: all.slice((number - 1) * size, number * size).map(describe), total: all.length, number, size };
}

/** The fields of `q=name=~web,Level=project`. */
function criteria(query) {
  return Object.fromEntries((query.get('q') ?? '').split(',').filter(Boolean).map((part) => part.split(/=(.*)/s).slice(0, 2)));
}

/** Whether names are as `q` asks: `name=web` exactly, `name=~web` in part. */
function fits(query, { name }) {
  const asked = criteria(query).name;
  if (asked === undefined) return true;
  return asked.startsWith('~') ? name.includes(asked.slice(1)) : name === asked;
}

function quota(state, id) {
  const found = state.quotas.get(Number(id));
  if (!found) throw notFound(`quota ${id}`);
  return found;
}

function rule(project, id) {
  if (!project.rules.has(Number(id))) throw notFound(`immutable tag rule ${id}`);
  return Number(id);
}

function refuseImmutable(state, project, repository, tags) {
  const kept = tags.find((tag) => state.immutable(project, repository, tag));
  if (kept) throw new Refusal(412, 'PRECONDITION', `the tag ${project.name}/${repository}:${kept} is immutable and cannot be deleted`);
}

function quotaOf(state, project) { return [...state.quotas.values()].find((one) => one.project === project); }

function describedQuota(state, { id, project, hard, creation_time, update_time }) {
  return { id, ref: { id: project.id, name: project.name, owner_name: project.owner_name }, hard, used: { storage: state.used(project) }, creation_time, update_time };
}

function projectOf({ id, name, owner_id, owner_name, creation_time, update_time, metadata, repositories }) {
  return { project_id: id, name, owner_id, owner_name, creation_time, update_time, metadata, repo_count: repositories.size, current_user_role_id: 1, current_user_role_ids: [1] };
}

function robotOf({ id, name, description, level, duration, disable, editable, expires_at, permissions, creation_time, update_time }) {
  return { id, name, description, level, duration, disable, editable, expires_at, permissions, creation_time, update_time };
}

function repositoryOf(project, { id, name, artifacts, pulls, creation_time, update_time }) {
  return { id, project_id: project.id, name: `${project.name}/${name}`, artifact_count: artifacts.size, pull_count: pulls, creation_time, update_time };
}

function artifactOf(state, project, repository, artifact, query) {
  const { id, digest, mediaType, size, config, configType, annotations, push_time, tags } = artifact;
  const chart = configType === 'application/vnd.cncf.helm.config.v1+json';
  return {
    id, type: chart ? 'CHART' : 'IMAGE', media_type: configType, manifest_media_type: mediaType, project_id: project.id, repository_id: repository.id, repository_name: `${project.name}/${repository.name}`,
    digest, size, push_time, annotations, extra_attrs: chart ? config : { architecture: config.architecture, os: config.os, created: config.created, config: config.config },
    ...(query.get('with_tag') !== 'false' && { tags: [...tags.values()].map((one) => tagOf(state, project, repository, artifact, one, query)) }),
  };
}

function tagOf(state, project, repository, artifact, { id, name, push_time }, query) {
  const immutable = query.get('with_immutable_status') === 'true' && state.immutable(project, repository.name, name);
  return { id, repository_id: repository.id, artifact_id: artifact.id, name, push_time, immutable };
}
