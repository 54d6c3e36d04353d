// Pull requests: opening, keeping up with pushes, merging.
import { Halt, invalid } from './errors.mjs';
import { changedFiles } from './git/diff.mjs';
import { nodeId } from './ids.mjs';
import { openIssue, setState } from './issues.mjs';
import { mergeRefusal } from './rules.mjs';
import { pullEvent } from './webhooks/events.mjs';

/** Commits of a head that its base has not, oldest first. */
export function ownCommits(repository, base, head) {
  const known = new Set(repository.git.log(base).map(({ sha }) => sha));
  return repository.git
    .log(head)
    .filter(({ sha }) => !known.has(sha))
    .reverse();
}

/** What comparing the two sides says. */
export async function numbersOf(repository, issue) {
  const { base, head, merged } = issue.pull;
  const { git } = repository;
  const merge = (await git.mergeBase(base.sha, head.sha)) ?? base.sha;
  const files = await changedFiles(git, merge, head.sha);
  const mergeable = !merged && Boolean(await git.mergeTree(base.sha, head.sha));
  const state = merged ? 'unknown' : issue.pull.draft ? 'draft' : mergeable ? 'clean' : 'dirty';
  return {
    mergeable,
    state,
    commits: ownCommits(repository, base.sha, head.sha).length,
    files: files.length,
    additions: files.reduce((sum, one) => sum + one.additions, 0),
    deletions: files.reduce((sum, one) => sum + one.deletions, 0),
  };
}

export async function openPull(world, repository, { title, body, head, base, draft = false, user }) {
  const [owner, ref] = head.includes(':') ? head.split(':') : [repository.owner.login, head];
  const from =
    owner.toLowerCase() === repository.owner.login.toLowerCase()
      ? repository
      : [...world.repositories.values()].find((one) => one.owner.login.toLowerCase() === owner.toLowerCase() && one.parent === repository);
  const sha = from?.git.branch(ref);
  const baseSha = repository.git.branch(base);
  const wrong = [];
  if (!baseSha) wrong.push({ resource: 'PullRequest', field: 'base', code: 'invalid' });
  if (!sha) wrong.push({ resource: 'PullRequest', field: 'head', code: 'invalid' });
  if (wrong.length) throw invalid(...wrong);
  if (
    [...repository.issues.values()].some(
      ({ state, pull }) => pull && state === 'open' && pull.head.repository === from && pull.head.ref === ref && pull.base.ref === base,
    )
  ) {
    throw invalid({ resource: 'PullRequest', code: 'custom', message: `A pull request already exists for ${from.owner.login}:${ref}.` });
  }
  if (draft && repository.visibility !== 'public' && (repository.owner.plan ?? 'free') === 'free')
    throw invalid({ resource: 'PullRequest', code: 'custom', message: 'Draft pull requests are not supported in this repository.' });
  if (from !== repository) repository.git.copyFrom(from.git);
  if (!ownCommits(repository, baseSha, sha).length)
    throw invalid({
      resource: 'PullRequest',
      code: 'custom',
      message: `No commits between ${base} and ${from === repository ? ref : `${from.owner.login}:${ref}`}`,
    });
  const issue = openIssue(world, repository, { title, body: body ?? null, user });
  const id = world.newId();
  issue.pull = {
    id,
    nodeId: nodeId('PullRequest', id),
    draft,
    merged: false,
    mergedAt: null,
    mergedBy: undefined,
    mergeSha: null,
    head: { repository: from, ref, sha },
    base: { repository, ref: base, sha: baseSha },
    reviewers: [],
    teams: [],
    reviews: [],
  };
  repository.git.setRef(`refs/pull/${issue.number}/head`, sha);
  await tell(world, repository, issue, 'opened', user);
  return issue;
}

export async function tell(world, repository, issue, action, sender, extra) {
  const numbers = await numbersOf(repository, issue);
  world.deliveries.send(repository, 'pull_request', () => pullEvent(world, action, repository, issue, numbers, sender, extra));
}

/** Open pull requests follow their branches. */
export async function updatePulls(world, repository, { ref, before, after }) {
  if (!ref.startsWith('refs/heads/')) return;
  const branch = ref.slice(11);
  for (const target of world.repositories.values()) {
    for (const issue of target.issues.values()) {
      if (!issue.pull || issue.state !== 'open') continue;
      const { head, base } = issue.pull;
      if (base.repository === repository && base.ref === branch && after) base.sha = after;
      if (head.repository !== repository || head.ref !== branch) continue;
      if (!after) {
        setState(world, issue, 'closed', null, undefined);
        await tell(world, target, issue, 'closed', repository.owner);
        continue;
      }
      if (head.repository !== target) target.git.copyFrom(head.repository.git);
      head.sha = after;
      target.git.setRef(`refs/pull/${issue.number}/head`, after);
      issue.updatedAt = world.stamp();
      await tell(world, target, issue, 'synchronize', issue.user, { before, after });
    }
  }
}

/** Merges, or says why not. Answers the commit that the base has then. */
export async function mergePull(world, repository, issue, { method = 'merge', title, message, sha, sender, actor, move }) {
  const { pull } = issue;
  const { git } = repository;
  if (issue.state !== 'open') throw new Halt(405, 'Pull Request is not mergeable');
  if (pull.draft) throw new Halt(405, 'Pull Request is still a draft');
  if (sha && sha !== pull.head.sha) throw new Halt(409, 'Head branch was modified. Review and try the merge again.');
  const names = {
    merge: ['allow_merge_commit', 'Merge commits'],
    squash: ['allow_squash_merge', 'Squash merges'],
    rebase: ['allow_rebase_merge', 'Rebase merges'],
  };
  const [feature, words] = names[method];
  if (!repository.features[feature]) throw new Halt(405, `${words} are not allowed on this repository.`);
  const latest = new Map(pull.reviews.map((review) => [review.user.login, review.state]));
  const passed = new Set(
    repository.checkRuns
      .filter((check) => check.sha === pull.head.sha && ['success', 'neutral', 'skipped'].includes(check.conclusion))
      .map(({ name }) => name),
  );
  const refusal = mergeRefusal(
    world,
    repository,
    pull.base.ref,
    { approvals: [...latest.values()].filter((state) => state === 'APPROVED').length, passed },
    actor,
  );
  if (refusal) throw new Halt(405, refusal);
  const tree = await git.mergeTree(pull.base.sha, pull.head.sha);
  if (!tree) throw new Halt(405, 'Pull Request is not mergeable');
  const who = {
    name: sender.name ?? sender.login,
    email: sender.email ?? `${sender.id}+${sender.login}@users.noreply.github.com`,
    date: world.clock.date(),
  };
  const subject =
    title ??
    (method === 'merge'
      ? `Merge pull request #${issue.number} from ${pull.head.repository.owner.login}/${pull.head.ref}`
      : `${issue.title} (#${issue.number})`);
  const text = message ?? (method === 'merge' ? issue.title : '');
  const made = git.objects.writeCommit({
    tree,
    parents: method === 'merge' ? [pull.base.sha, pull.head.sha] : [pull.base.sha],
    author: who,
    committer: who,
    message: text ? `${subject}\n\n${text}` : subject,
  });
  // Closed before its base moves, lest it follow.
  setState(world, issue, 'closed', null, sender);
  Object.assign(pull, { merged: true, mergedAt: world.stamp(), mergedBy: sender, mergeSha: made });
  issue.updatedAt = pull.mergedAt;
  await move(`refs/heads/${pull.base.ref}`, made);
  await tell(world, repository, issue, 'closed', sender);
  if (repository.features.delete_branch_on_merge && pull.head.repository === repository)
    await move(`refs/heads/${pull.head.ref}`, undefined);
  return made;
}
