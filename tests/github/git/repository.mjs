// A bare repository: its references, what is reachable from them, and what the git command line knows best (differences, merges, archives).
import { execFile, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { Objects } from './objects.mjs';

const run = promisify(execFile);

/** What git is run with: nobody's settings, no questions. */
export const environment = {
  PATH: process.env.PATH,
  HOME: '/nonexistent',
  LC_ALL: 'C.UTF-8',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_TERMINAL_PROMPT: '0',
  GIT_AUTHOR_NAME: 'GitHub',
  GIT_AUTHOR_EMAIL: 'noreply@github.com',
  GIT_COMMITTER_NAME: 'GitHub',
  GIT_COMMITTER_EMAIL: 'noreply@github.com',
};

// Everything stays loose, see objects.mjs.
const CONFIG = `[core]
\trepositoryformatversion = 0
\tfilemode = true
\tbare = true
[gc]
\tauto = 0
[receive]
\tautogc = false
\tunpackLimit = 10000000
[transfer]
\tunpackLimit = 10000000
[http]
\treceivepack = true
[uploadpack]
\tallowAnySHA1InWant = true
\tallowFilter = true
`;

export class Repository {
  constructor(folder, head) {
    this.folder = folder;
    if (!existsSync(folder)) {
      mkdirSync(path.join(folder, 'objects/pack'), { recursive: true });
      mkdirSync(path.join(folder, 'refs/heads'), { recursive: true });
      mkdirSync(path.join(folder, 'refs/tags'), { recursive: true });
      writeFileSync(path.join(folder, 'config'), CONFIG);
    }
    this.objects = new Objects(path.join(folder, 'objects'));
    this.setHead(head);
  }

  setHead(branch) {
    writeFileSync(path.join(this.folder, 'HEAD'), `ref: refs/heads/${branch}\n`);
  }

  copyFrom(other) {
    cpSync(path.join(other.folder, 'objects'), path.join(this.folder, 'objects'), { recursive: true, force: true });
  }

  remove() {
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Every reference by its full name. */
  refs() {
    this.cached ??= readRefs(this.folder, 'refs', new Map());
    return this.cached;
  }

  changed() {
    this.cached = undefined;
  }

  ref(name) {
    return this.refs().get(name);
  }

  branch(name) {
    return this.ref(`refs/heads/${name}`);
  }

  branches() {
    return [...this.refs()]
      .filter(([name]) => name.startsWith('refs/heads/'))
      .map(([name, sha]) => ({ name: name.slice(11), sha }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  isEmpty() {
    return this.branches().length === 0;
  }

  /** Sets or deletes a reference; false where git could not hold it (a folder is in the way). */
  setRef(name, sha) {
    const file = path.join(this.folder, name);
    try {
      if (sha) {
        mkdirSync(path.dirname(file), { recursive: true });
        writeFileSync(file, `${sha}\n`);
      } else rmSync(file, { force: true });
    } catch {
      return false;
    }
    this.changed();
    return true;
  }

  /** The commit that a branch, tag, full reference or (short) sha means. */
  resolve(text) {
    if (!text) return undefined;
    for (const name of [text, `refs/${text}`, `refs/heads/${text}`, `refs/tags/${text}`]) {
      const sha = this.ref(name);
      if (sha) return this.peel(sha);
    }
    if (/^[0-9a-f]{40}$/.test(text)) return this.peel(text);
    if (/^[0-9a-f]{7,39}$/.test(text)) return this.expand(text);
    return undefined;
  }

  peel(sha) {
    const type = this.objects.type(sha);
    if (type === 'commit') return sha;
    return type === 'tag' ? this.peel(this.objects.tag(sha).object) : undefined;
  }

  expand(short) {
    const folder = path.join(this.folder, 'objects', short.slice(0, 2));
    const found = existsSync(folder) ? readdirSync(folder).filter((name) => name.startsWith(short.slice(2))) : [];
    return found.length === 1 ? this.peel(short.slice(0, 2) + found[0]) : undefined;
  }

  /** The entry at a path of a commit: `{mode, type, sha}`; the root for an empty path. */
  entry(commit, whole) {
    let entry = { mode: '040000', type: 'tree', sha: this.objects.commit(commit)?.tree };
    for (const part of whole.split('/').filter(Boolean)) {
      if (entry?.type !== 'tree') return undefined;
      entry = this.objects.tree(entry.sha)?.find(({ name }) => name === part);
    }
    return entry;
  }

  file(commit, whole) {
    const entry = this.entry(commit, whole);
    return entry?.type === 'blob' ? this.objects.blob(entry.sha) : undefined;
  }

  /** Commits from a tip, newest first; only those that change `path` when given. */
  log(tip, { path: only, limit = 10000 } = {}) {
    const found = [];
    const seen = new Set([tip]);
    const heap = [this.objects.commit(tip)].filter(Boolean);
    while (heap.length && found.length < limit) {
      heap.sort((a, b) => b.committer.date - a.committer.date);
      const commit = heap.shift();
      if (!only || this.changes(commit, only)) found.push(commit);
      for (const parent of commit.parents) {
        if (seen.has(parent)) continue;
        seen.add(parent);
        const next = this.objects.commit(parent);
        if (next) heap.push(next);
      }
    }
    return found;
  }

  changes(commit, whole) {
    const own = this.entry(commit.sha, whole)?.sha;
    if (!commit.parents.length) return own !== undefined;
    return commit.parents.every((parent) => this.entry(parent, whole)?.sha !== own);
  }

  isAncestor(old, tip) {
    return old === tip || this.log(tip).some(({ sha }) => sha === old);
  }

  async git(...args) {
    const { stdout } = await run('git', ['-C', this.folder, ...args], { env: environment, encoding: 'buffer', maxBuffer: 1 << 28 });
    return stdout;
  }

  async text(...args) {
    return (await this.git(...args)).toString('utf8');
  }

  async mergeBase(a, b) {
    try {
      return (await this.text('merge-base', a, b)).trim();
    } catch {
      return undefined;
    }
  }

  /** A merge's tree, or undefined when the two conflict. */
  async mergeTree(base, head) {
    try {
      return (await this.text('merge-tree', '--write-tree', base, head)).split('\n')[0];
    } catch {
      return undefined;
    }
  }

  archive(commit, prefix) {
    return spawn('git', ['-C', this.folder, 'archive', '--format=tar.gz', `--prefix=${prefix}/`, commit], {
      env: environment,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  }
}

function readRefs(folder, name, into) {
  for (const entry of readdirSync(path.join(folder, name), { withFileTypes: true })) {
    const whole = `${name}/${entry.name}`;
    if (entry.isDirectory()) readRefs(folder, whole, into);
    else if (!entry.name.endsWith('.lock')) into.set(whole, readFileSync(path.join(folder, whole), 'utf8').trim());
  }
  return into;
}
