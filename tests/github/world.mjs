// One GitHub with its accounts, repositories, tokens and app. Worlds know nothing of each other.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Clock, iso } from './clock.mjs';
import { Faults } from './faults.mjs';
import { nodeId } from './ids.mjs';
import { Limits } from './limits.mjs';
import { Deliveries } from './webhooks/deliveries.mjs';

export class World {
  constructor(id, { speed, limits, webhook, runs } = {}) {
    this.id = id;
    this.runs = runs;
    this.clock = new Clock(speed);
    this.folder = mkdtempSync(path.join(tmpdir(), 'github-model-'));
    this.accounts = new Map();
    this.repositories = new Map();
    this.redirects = new Map();
    this.tokens = new Map();
    this.requests = [];
    this.violations = [];
    this.faults = new Faults();
    this.limits = new Limits(this.clock, limits);
    this.deliveries = new Deliveries(this, webhook);
    this.next = 1000;
    this.busy = new Map();
  }

  get api() {
    return `${this.url}/api/v3`;
  }

  get graphql() {
    return `${this.url}/api/graphql`;
  }

  newId() {
    this.next += 1;
    return this.next;
  }

  stamp() {
    return iso(this.clock.now());
  }

  violation(request, wrong) {
    this.violations.push({ at: this.stamp(), ...request, wrong: [].concat(wrong) });
  }

  account(login) {
    return this.accounts.get(login?.toLowerCase());
  }

  organization(login) {
    const found = this.account(login);
    return found?.kind === 'Organization' ? found : undefined;
  }

  user(login) {
    const found = this.account(login);
    return found?.kind === 'User' ? found : undefined;
  }

  addAccount(kind, login, fields = {}) {
    const id = fields.id ?? this.newId();
    const now = this.stamp();
    const account = { kind, login, name: null, email: null, createdAt: now, updatedAt: now, ...fields, id, nodeId: nodeId(kind, id) };
    if (kind === 'Organization')
      Object.assign(account, { members: new Map(), teams: new Map(), properties: fields.properties ?? [], hooks: [], rulesets: [] });
    this.accounts.set(login.toLowerCase(), account);
    return account;
  }

  organizations() {
    return [...this.accounts.values()].filter(({ kind }) => kind === 'Organization');
  }

  repository(owner, name) {
    return this.repositories.get(`${owner}/${name}`.toLowerCase());
  }

  repositoryById(id) {
    return [...this.repositories.values()].find((repository) => repository.id === Number(id));
  }

  repositoriesOf(account) {
    return [...this.repositories.values()].filter(({ owner }) => owner === account);
  }

  /** Runs changes of one thing one after another, as a database's lock would. */
  exclusive(key, act) {
    const before = this.busy.get(key) ?? Promise.resolve();
    const result = before.then(act, act);
    const settled = result.catch(() => {});
    this.busy.set(key, settled);
    settled.then(() => {
      if (this.busy.get(key) === settled) this.busy.delete(key);
    });
    return result;
  }

  close() {
    this.clock.stop();
    this.faults.clear();
    this.deliveries.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
