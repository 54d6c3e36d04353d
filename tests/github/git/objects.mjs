// Git's objects on disk. They are written loose, without a process for each, so that a tree of thousands takes a second;
// pushes are unpacked to loose objects too, hence every object can be read here.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { deflateSync, inflateSync } from 'node:zlib';

export const EMPTY_TREE = '4b825dc642cb6eb9a060e54bf8d69288fbee4904';

export class Objects {
  constructor(folder) {
    this.folder = folder;
    this.parsed = new Map();
  }

  file(sha) {
    return path.join(this.folder, sha.slice(0, 2), sha.slice(2));
  }

  has(sha) {
    return /^[0-9a-f]{40}$/.test(sha) && (sha === EMPTY_TREE || existsSync(this.file(sha)));
  }

  write(type, content) {
    const whole = Buffer.concat([Buffer.from(`${type} ${content.length}\0`), content]);
    const sha = createHash('sha1').update(whole).digest('hex');
    const file = this.file(sha);
    if (!existsSync(file)) {
      mkdirSync(path.dirname(file), { recursive: true });
      // Git itself may look while this writes.
      writeFileSync(`${file}.new`, deflateSync(whole, { level: 1 }), { mode: 0o444 });
      renameSync(`${file}.new`, file);
    }
    return sha;
  }

  /** `{type, content}` of an object, or undefined. */
  read(sha) {
    if (sha === EMPTY_TREE) return { type: 'tree', content: Buffer.alloc(0) };
    if (!this.has(sha)) return undefined;
    const whole = inflateSync(readFileSync(this.file(sha)));
    const end = whole.indexOf(0);
    return { type: whole.toString('latin1', 0, whole.indexOf(32)), content: whole.subarray(end + 1) };
  }

  type(sha) {
    return this.read(sha)?.type;
  }

  blob(sha) {
    const found = this.read(sha);
    return found?.type === 'blob' ? found.content : undefined;
  }

  /** A tree's own entries: `{mode, name, sha, type}`. */
  tree(sha) {
    return this.remember(`tree ${sha}`, () => {
      const found = this.read(sha);
      return found?.type === 'tree' ? parseTree(found.content) : undefined;
    });
  }

  commit(sha) {
    return this.remember(`commit ${sha}`, () => {
      const found = this.read(sha);
      return found?.type === 'commit' ? parseCommit(sha, found.content) : undefined;
    });
  }

  tag(sha) {
    const found = this.read(sha);
    if (found?.type !== 'tag') return undefined;
    const { headers, message } = parseHeaders(found.content.toString('utf8'));
    return { object: headers.get('object')[0], type: headers.get('type')[0], name: headers.get('tag')[0], message };
  }

  remember(key, make) {
    if (!this.parsed.has(key)) {
      const value = make();
      if (value === undefined) return undefined;
      this.parsed.set(key, value);
    }
    return this.parsed.get(key);
  }

  /** Every file of a tree by path: `{mode, sha, type}`; folders too when asked. */
  flatten(sha, { folders = false, prefix = '' } = {}, into = new Map()) {
    for (const entry of this.tree(sha) ?? []) {
      const whole = prefix + entry.name;
      if (entry.type !== 'tree' || folders) into.set(whole, entry);
      if (entry.type === 'tree') this.flatten(entry.sha, { folders, prefix: `${whole}/` }, into);
    }
    return into;
  }

  /** Writes nested trees for files by path and answers the root's sha. */
  writeFiles(files) {
    const root = new Map();
    for (const [whole, entry] of files) {
      const parts = whole.split('/');
      let folder = root;
      for (const part of parts.slice(0, -1)) {
        if (!(folder.get(part) instanceof Map)) folder.set(part, new Map());
        folder = folder.get(part);
      }
      folder.set(parts.at(-1), entry);
    }
    return this.writeFolder(root);
  }

  writeFolder(folder) {
    const entries = [];
    for (const [name, entry] of folder) {
      if (entry instanceof Map) entries.push({ name, mode: '40000', sha: this.writeFolder(entry), sort: `${name}/` });
      else entries.push({ name, mode: entry.mode.replace(/^0/, ''), sha: entry.sha, sort: name });
    }
    entries.sort((a, b) => Buffer.compare(Buffer.from(a.sort), Buffer.from(b.sort)));
    const parts = entries.flatMap(({ mode, name, sha }) => [Buffer.from(`${mode} ${name}\0`), Buffer.from(sha, 'hex')]);
    return this.write('tree', Buffer.concat(parts));
  }

  writeCommit({ tree, parents, author, committer, message, signature }) {
    const lines = [
      `tree ${tree}`,
      ...parents.map((parent) => `parent ${parent}`),
      `author ${person(author)}`,
      `committer ${person(committer)}`,
    ];
    if (signature) lines.push(`gpgsig ${signature.trimEnd().replaceAll('\n', '\n ')}`);
    return this.write('commit', Buffer.from(`${lines.join('\n')}\n\n${message}`));
  }
}

function person({ name, email, date }) {
  const clean = (text) => text.replace(/[<>\n]/g, '');
  return `${clean(name)} <${clean(email)}> ${Math.floor(date.getTime() / 1000)} +0000`;
}

const TYPES = { 40000: 'tree', 160000: 'commit' };

function parseTree(content) {
  const entries = [];
  let at = 0;
  while (at < content.length) {
    const space = content.indexOf(32, at);
    const end = content.indexOf(0, space);
    const mode = content.toString('latin1', at, space);
    entries.push({
      mode: mode.padStart(6, '0'),
      type: TYPES[mode] ?? 'blob',
      name: content.toString('utf8', space + 1, end),
      sha: content.toString('hex', end + 1, end + 21),
    });
    at = end + 21;
  }
  return entries;
}

function parseHeaders(text) {
  const end = text.indexOf('\n\n');
  const headers = new Map();
  let last;
  for (const line of text.slice(0, end).split('\n')) {
    if (line.startsWith(' ')) {
      last.push(`${last.pop()}\n${line.slice(1)}`);
      continue;
    }
    const space = line.indexOf(' ');
    const name = line.slice(0, space);
    if (!headers.has(name)) headers.set(name, []);
    last = headers.get(name);
    last.push(line.slice(space + 1));
  }
  return { headers, message: text.slice(end + 2) };
}

function parseCommit(sha, content) {
  const { headers, message } = parseHeaders(content.toString('utf8'));
  return {
    sha,
    tree: headers.get('tree')[0],
    parents: headers.get('parent') ?? [],
    author: parsePerson(headers.get('author')[0]),
    committer: parsePerson(headers.get('committer')[0]),
    message: message.replace(/\n+$/, ''),
    signature: headers.get('gpgsig')?.[0],
  };
}

function parsePerson(text) {
  const [, name, email, seconds] = /^(.*?) ?<(.*?)> (\d+)/.exec(text) ?? [text, text, '', '0'];
  return { name, email, date: new Date(Number(seconds) * 1000) };
}
