// What a Harbor has: projects with their quota, rules and members, robot accounts, repositories with artifacts and tags; and
// who may do what with it.
import { createHash, randomBytes } from 'node:crypto';

const DAY = 24 * 60 * 60;
const NAME = /^[a-z0-9]+(?:[._-][a-z0-9]+)*$/;

/** What Harbor refuses: its status, its code and a sentence. */
export class Refusal extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export const notFound = (what) => new Refusal(404, 'NOT_FOUND', `${what} not found`);
export const badRequest = (message) => new Refusal(400, 'BAD_REQUEST', message);
export const conflict = (message) => new Refusal(409, 'CONFLICT', message);

export class State {
  constructor({ admin }) {
    this.admin = admin;
    this.counters = {};
    this.projects = new Map();
    this.robots = new Map();
    this.quotas = new Map();
    this.addProject({ project_name: 'library', metadata: { public: 'true' } });
  }

  next(kind) {
    this.counters[kind] = (this.counters[kind] ?? 0) + 1;
    return this.counters[kind];
  }

  /** Who a name and a password are: `{name, admin}` or `{name, robot}`; undefined for nobody. */
  login(name, password) {
    if (name === 'admin' && password === this.admin) return { name, admin: true };
    const robot = [...this.robots.values()].find((one) => one.name === name && one.hash === hashed(password));
    if (!robot || robot.disable || (robot.expires_at !== -1 && robot.expires_at * 1000 < Date.now())) return undefined;
    return { name, robot };
  }

  /** Whether someone may do something with a kind of thing, in a project or, without one, in all of Harbor. */
  may(who, resource, action, project) {
    if (who?.admin) return true;
    if (project && resource === 'repository' && action === 'pull' && project.metadata.public === 'true') return true;
    return (who?.robot?.permissions ?? []).some(({ kind, namespace, access }) => {
      const here = project ? kind === 'project' && (namespace === '*' || namespace === project.name) : kind === 'system';
      return here && access.some((one) => one.effect !== 'deny' && [resource, '*'].includes(one.resource) && [action, '*'].includes(one.action));
    });
  }

  addProject({ project_name: name, public: open, metadata = {}, storage_limit: limit = -1 }) {
    if (!name || name.length > 255 || !NAME.test(name)) throw badRequest(`project name ${name} is not in lower case or contains illegal characters!`);
    if (this.findProject(name)) throw conflict(`The project named ${name} already exists`);
    const now = new Date().toISOString();
    const id = this.next('project');
    const project = { id, name, owner_id: 1, owner_name: 'admin', creation_time: now, update_time: now, metadata: { public: String(open ?? metadata.public === 'true'), ...metadata }, rules: new Map(), repositories: new Map() };
    this.projects.set(id, project);
    const quota = this.next('quota');
    this.quotas.set(quota, { id: quota, project, hard: { storage: limit }, creation_time: now, update_time: now });
    return project;
  }

  findProject(nameOrId) {
    const named = [...this.projects.values()].find(({ name }) => name === nameOrId);
    return named ?? (/^\d+$/.test(nameOrId) ? this.projects.get(Number(nameOrId)) : undefined);
  }

  /** The project of a request, or the refusal that Harbor answers with. */
  project(nameOrId) {
    const found = this.findProject(String(nameOrId));
    if (!found) throw notFound(`project ${nameOrId}`);
    return found;
  }

  removeProject(project) {
    if (project.repositories.size > 0) throw new Refusal(412, 'PRECONDITION', 'the project contains repositories, can not be deleted');
    this.projects.delete(project.id);
    for (const [id, quota] of this.quotas) if (quota.project === project) this.quotas.delete(id);
    for (const [id, robot] of this.robots) if (robot.level === 'project' && robot.permissions[0].namespace === project.name) this.robots.delete(id);
  }

  used(project) {
    const blobs = new Map([...project.repositories.values()].flatMap(({ artifacts }) => [...artifacts.values()]).flatMap(({ blobs: all }) => all));
    return [...blobs.values()].reduce((sum, size) => sum + size, 0);
  }

  /** Adds a robot account and answers it with its secret, which nobody can ask for later. */
  addRobot({ name, description = '', level, duration, permissions = [], disable = false, secret }) {
    if (!name || !NAME.test(name)) throw badRequest(`robot name ${name} is not in lower case or contains illegal characters`);
    if (!['project', 'system'].includes(level)) throw badRequest(`bad request error level input: ${level}`);
    if (!(duration === -1 || duration > 0)) throw badRequest(`bad request error duration input: ${duration}, duration must be either -1(Never) or a positive integer`);
    if (permissions.length === 0) throw badRequest('bad request empty permission');
    if (level === 'project' && (permissions.length !== 1 || permissions[0].kind !== 'project')) throw badRequest('bad request permission');
    for (const { kind, namespace, access = [] } of permissions) {
      if (access.length === 0) throw badRequest('bad request empty access');
      if (kind === 'project' && namespace !== '*') this.project(namespace);
    }
    const full = level === 'project' ? `robot$${permissions[0].namespace}+${name}` : `robot$${name}`;
    if ([...this.robots.values()].some((one) => one.name === full)) throw conflict(`the robot account ${name} already exists`);
    const now = new Date();
    const made = secret ?? `A${randomBytes(15).toString('hex')}`;
    const robot = {
      id: this.next('robot'), name: full, description, level, duration, disable, permissions, editable: true, hash: hashed(made),
      expires_at: duration === -1 ? -1 : Math.floor(now / 1000) + duration * DAY, creation_time: now.toISOString(), update_time: now.toISOString(),
    };
    this.robots.set(robot.id, robot);
    return { robot, secret: made };
  }

  robot(id) {
    const found = this.robots.get(Number(id));
    if (!found) throw notFound(`robot ${id}`);
    return found;
  }

  refreshSecret(robot, wanted) {
    if (wanted && !/^(?=.*[a-z])(?=.*[A-Z])(?=.*\d).{8,128}$/.test(wanted)) throw badRequest('the secret must be 8-128, include one upper case, one lower case and one number');
    const secret = wanted || `A${randomBytes(15).toString('hex')}`;
    robot.hash = hashed(secret);
    return secret;
  }

  /** Notes what was pushed: a manifest with its blobs (digest to size) under a tag. */
  push(project, repository, { digest, mediaType, size, blobs, tag, config, configType, annotations = {} }) {
    const now = new Date().toISOString();
    if (!project.repositories.has(repository)) project.repositories.set(repository, { id: this.next('repository'), name: repository, creation_time: now, update_time: now, pulls: 0, artifacts: new Map() });
    const to = project.repositories.get(repository);
    const artifact = to.artifacts.get(digest) ?? { id: this.next('artifact'), digest, mediaType, size, blobs, config, configType, annotations, push_time: now, tags: new Map() };
    to.artifacts.set(digest, artifact);
    if (tag) {
      for (const other of to.artifacts.values()) if (other !== artifact) other.tags.delete(tag);
      if (!artifact.tags.has(tag)) artifact.tags.set(tag, { id: this.next('tag'), name: tag, push_time: now });
    }
    to.update_time = now;
    return artifact;
  }

  repository(project, name) {
    const found = project.repositories.get(name);
    if (!found) throw notFound(`repository ${project.name}/${name}`);
    return found;
  }

  /** An artifact by digest or by tag. */
  artifact(project, name, reference) {
    const found = [...this.repository(project, name).artifacts.values()].find(({ digest, tags }) => digest === reference || tags.has(reference));
    if (!found) throw notFound(`artifact ${project.name}/${name}:${reference}`);
    return found;
  }

  /** Whether a rule forbids to move or delete a tag. */
  immutable(project, repository, tag) {
    return [...project.rules.values()].some(({ disabled, tag_selectors: tags = [], scope_selectors: scopes = {} }) => !disabled
      && (scopes.repository ?? []).every(({ decoration, pattern }) => selected(pattern, repository) === (decoration !== 'repoExcludes'))
      && tags.every(({ decoration, pattern }) => selected(pattern, tag) === (decoration !== 'excludes')));
  }
}

/** Harbor's `doublestar`: `*` within a segment, `**` across them, `{a,b}` for either. */
function selected(pattern, value) {
  const text = pattern.replace(/[.+^$()|[\]\\]/g, '\\$&').replace(/\{([^}]*)\}/g, (_, all) => `(?:${all.split(',').join('|')})`).replace(/\*\*|\*|\?/g, (one) => ({ '**': '.*', '*': '[^/]*', '?': '[^/]' })[one]);
  return new RegExp(`^${text}$`).test(value);
}

function hashed(secret) { return createHash('sha256').update(secret).digest('hex'); }
