// Git's own objects in the GraphQL API: references, commits, trees and blobs.
import { iso } from '../clock.mjs';
import { nodeId } from '../ids.mjs';
import { accountOf } from '../shapes/commits.mjs';
import { userObject } from './accounts.mjs';
import { connection } from './connection.mjs';
import { repositoryObject } from './repositories.mjs';

export function refObject(context, repository, name) {
  return {
    __typename: 'Ref',
    id: nodeId('Ref', repository.id, name),
    name: name.replace(/^refs\/(heads|tags)\//, ''),
    prefix: /^refs\/[^/]+\//.exec(name)[0],
    target: () => gitObject(context, repository, repository.git.ref(name)),
    repository: () => repositoryObject(context, repository),
    branchProtectionRule: null,
  };
}

/** The object with a sha, or null. */
export function gitObject(context, repository, sha) {
  const { objects } = repository.git;
  const type = sha && objects.type(sha);
  if (!type) return null;
  const page = `${context.world.url}/${repository.owner.login}/${repository.name}`;
  const kind = { blob: 'Blob', tree: 'Tree', commit: 'Commit', tag: 'Tag' }[type];
  const base = {
    __typename: kind,
    id: nodeId(kind, repository.id, sha),
    oid: sha,
    abbreviatedOid: sha.slice(0, 7),
    commitUrl: `${page}/commit/${sha}`,
    commitResourcePath: `/${repository.owner.login}/${repository.name}/commit/${sha}`,
    repository: () => repositoryObject(context, repository),
  };
  if (type === 'blob') return { ...base, ...blobFields(objects.blob(sha)) };
  if (type === 'tree') return { ...base, entries: () => objects.tree(sha).map((entry) => entryObject(context, repository, entry)) };
  if (type === 'tag')
    return {
      ...base,
      name: objects.tag(sha).name,
      message: objects.tag(sha).message,
      target: () => gitObject(context, repository, objects.tag(sha).object),
    };
  return { ...base, ...commitFields(context, repository, objects.commit(sha), page) };
}

/** Text longer than this is cut. */
const TEXT = 512_000;

function blobFields(content) {
  const binary = content.subarray(0, 8000).includes(0);
  return {
    byteSize: content.length,
    isBinary: binary,
    isTruncated: !binary && content.length > TEXT,
    text: binary ? null : content.subarray(0, TEXT).toString('utf8'),
  };
}

function entryObject(context, repository, entry) {
  return {
    __typename: 'TreeEntry',
    name: entry.name,
    oid: entry.sha,
    type: entry.type,
    mode: Number.parseInt(entry.mode, 8),
    path: entry.name,
    size: entry.type === 'blob' ? repository.git.objects.blob(entry.sha).length : 0,
    object: () => gitObject(context, repository, entry.sha),
  };
}

function actorObject(context, person) {
  const account = accountOf(context.world, person);
  return {
    __typename: 'GitActor',
    name: person.name,
    email: person.email,
    date: iso(person.date),
    avatarUrl: `${context.world.url}/avatars/e`,
    user: () => (account && !account.bot ? userObject(context, account) : null),
  };
}

function commitFields(context, repository, commit, page) {
  const [headline, ...rest] = commit.message.split('\n');
  const { git } = repository;
  return {
    message: commit.message,
    messageHeadline: headline,
    messageBody: rest.join('\n').trim(),
    committedDate: iso(commit.committer.date),
    authoredDate: iso(commit.author.date),
    url: `${page}/commit/${commit.sha}`,
    resourcePath: `/${repository.owner.login}/${repository.name}/commit/${commit.sha}`,
    treeUrl: `${page}/tree/${commit.sha}`,
    author: () => actorObject(context, commit.author),
    committer: () => actorObject(context, commit.committer),
    tree: () => gitObject(context, repository, commit.tree),
    statusCheckRollup: null,
    signature: null,
    parents: (args) => connection(commit.parents, args, { key: (sha) => sha, make: (sha) => gitObject(context, repository, sha) }),
    file: ({ path }) => {
      const entry = git.entry(commit.sha, path);
      return entry ? entryObject(context, repository, { ...entry, name: path.split('/').at(-1) }) : null;
    },
    history: (args) => {
      const { path, since, until, author } = args;
      const all = git
        .log(commit.sha, { path: path ?? undefined })
        .filter(
          (one) =>
            (!since || one.committer.date >= new Date(since)) &&
            (!until || one.committer.date <= new Date(until)) &&
            (!author?.emails || author.emails.includes(one.author.email)),
        );
      return connection(all, args, { key: ({ sha }) => sha, make: ({ sha }) => gitObject(context, repository, sha) });
    },
  };
}
