// One request of the REST API on its way through: what it asks, by whom, and how it is answered.
import { Halt, archived, emptyRepository, forbidden, notAccessible, notFound } from './errors.mjs';
import { requireSso } from './auth.mjs';
import { RANK, canSee, covers, permits, roleOf } from './roles.mjs';
import { botOf } from './shapes/accounts.mjs';

export class Call {
  constructor(fields) {
    Object.assign(this, fields);
    this.out = {};
  }

  /** Finds the repository or organization of the request and refuses those who may not. */
  authorize(spec) {
    const { world, params, actor } = this;
    if (spec.app) return this.requireApp();
    if (actor.kind === 'app') throw notAccessible();
    if (params.owner !== undefined && params.repo !== undefined) {
      this.owner = world.account(params.owner);
      requireSso(world, actor, this.owner);
      this.repo = this.findRepository(params.owner, params.repo);
      if (!params.org) this.requireRepository(spec);
    }
    if (params.org !== undefined) {
      this.org = world.organization(params.org);
      if (!this.org) throw notFound();
      requireSso(world, actor, this.org);
      this.requireOrganization(spec);
      if (this.repo) this.requireRepository({ ...spec, needs: spec.repoNeeds ?? spec.needs, as: spec.repoAs ?? 'admin' });
    }
    if (spec.user && actor.kind === 'anonymous') throw new Halt(401, 'Requires authentication');
    if (spec.user && actor.kind !== 'user') throw notAccessible();
    return undefined;
  }

  requireApp() {
    if (this.actor.kind !== 'app') throw new Halt(401, 'A JSON web token could not be decoded');
  }

  findRepository(owner, name) {
    const { world, actor } = this;
    const clean = name.replace(/\.git$/, '');
    const found = world.repository(owner, clean);
    const moved = found ? undefined : world.repositoryById(world.redirects.get(`${owner}/${clean}`.toLowerCase()));
    if (moved && canSee(world, actor, moved)) {
      const rest = this.path.split('/').slice(4).join('/');
      const url = `${world.api}/repositories/${moved.id}${rest ? `/${rest}` : ''}${this.search}`;
      throw new Halt(
        this.method === 'GET' ? 301 : 307,
        { message: this.method === 'GET' ? 'Moved Permanently' : 'Temporary Redirect', url },
        { location: url },
      );
    }
    if (!found || !canSee(world, actor, found)) throw notFound();
    return found;
  }

  requireRepository({ needs, as, reads, empty }) {
    const { world, actor, repo } = this;
    const need = needs ?? 'metadata:read';
    const writes = !/:read$/.test(need);
    if (actor.kind === 'installation') {
      if (!covers(actor, repo) && (writes || repo.visibility !== 'public')) throw writes ? notAccessible() : notFound();
      if (covers(actor, repo) && !permits(actor.permissions, need)) throw notAccessible();
    } else {
      const least = as ?? defaultRole(need);
      const user = actor.kind === 'user' ? actor.user : undefined;
      if (!user && (writes || RANK[least] > 1)) throw new Halt(401, 'Requires authentication');
      if (user && writes && !actor.scopes.has(repo.visibility === 'public' ? 'public_repo' : 'repo')) throw notFound();
      if (RANK[roleOf(world, repo, user)] < RANK[least])
        throw least === 'admin' ? forbidden('Must have admin rights to Repository.') : forbidden('Must have push access to repository');
    }
    if (writes && repo.archived && !reads) throw archived();
    if (empty === 'refuse' && repo.git.isEmpty()) throw emptyRepository();
  }

  requireOrganization({ needs, as, orgNeeds }) {
    const { actor, org } = this;
    const need = orgNeeds ?? needs;
    if (actor.kind === 'installation') {
      if (actor.installation.account !== org && !/:read$/.test(need ?? ':read')) throw notAccessible();
      if (need && need !== 'public' && (actor.installation.account !== org || !permits(actor.permissions, need))) throw notAccessible();
      return;
    }
    if (!need || need === 'public') return;
    if (actor.kind !== 'user') throw new Halt(401, 'Requires authentication');
    const membership = org.members.get(actor.user.login.toLowerCase());
    if (!membership) throw notFound();
    if (as === 'owner' && membership !== 'admin') throw forbidden('Must have admin rights to organization.');
    if (/^members:/.test(need) && !actor.scopes.has('read:org') && !actor.scopes.has('repo')) throw notFound();
  }

  get git() {
    return this.repo.git;
  }

  /** The account that acts: a person, or the app's own. */
  get sender() {
    if (this.actor.kind === 'user') return this.actor.user;
    return this.world.app ? botOf(this.world, this.world.app) : undefined;
  }

  /** A page of a list, with the links to the others. */
  page(items) {
    const size = Math.min(Math.max(Number(this.query.per_page ?? 30), 1), 100);
    const number = Math.max(Number(this.query.page ?? 1), 1);
    const last = Math.max(1, Math.ceil(items.length / size));
    const link = (to) => {
      const search = new URLSearchParams(this.search);
      search.set('page', to);
      return `<${this.world.api}${this.path}?${search}>`;
    };
    const links = [];
    if (number > 1) links.push(`${link(Math.min(number - 1, last))}; rel="prev"`);
    if (number < last) links.push(`${link(number + 1)}; rel="next"`, `${link(last)}; rel="last"`);
    if (number > 1) links.push(`${link(1)}; rel="first"`);
    if (links.length) this.out.link = links.join(', ');
    return items.slice((number - 1) * size, number * size);
  }

  header(name, value) {
    this.out[name] = value;
  }

  /** Whether the caller asks for a media type: `raw`, `sha`, `object`, `diff`. */
  wants(kind) {
    return new RegExp(`application/vnd\\.github\\.(?:v3\\.)?${kind}(?:\\+json)?\\b`).test(this.headers.accept ?? '');
  }
}

function defaultRole(need) {
  const [name, level] = need.split('|')[0].split(':');
  if (['administration', 'repository_hooks', 'pages'].includes(name) && (level === 'write' || name !== 'pages')) return 'admin';
  if (['secrets', 'variables', 'environments'].includes(name)) return 'write';
  if (level === 'read' || name === 'issues') return 'read';
  return 'write';
}

/** What an operation answers when it is more than a body with status 200. */
export class Answer {
  constructor(fields) {
    Object.assign(this, fields);
  }
}

export const created = (body) => new Answer({ status: 201, body });
export const accepted = (body = {}) => new Answer({ status: 202, body });
export const nothing = () => new Answer({ status: 204 });
/** Bytes that are no JSON. */
export const bytes = (type, content) => new Answer({ status: 200, type, content });
export const redirect = (location) =>
  new Answer({ status: 302, headers: { location }, content: Buffer.alloc(0), type: 'text/html;charset=utf-8' });
