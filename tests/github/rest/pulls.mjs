// Pull requests.
import { created } from '../call.mjs';
import { Halt, invalid, notFound } from '../errors.mjs';
import { changedFiles } from '../git/diff.mjs';
import { setState } from '../issues.mjs';
import { mergePull, numbersOf, openPull, ownCommits, tell } from '../pulls.mjs';
import { moveRef } from '../pushes.mjs';
import { changedFile, commitShape } from '../shapes/commits.mjs';
import { fullPull, simplePull } from '../shapes/issues.mjs';

function find(c) {
  const issue = c.repo.issues.get(Number(c.params.pull_number));
  if (!issue?.pull) throw notFound();
  return issue;
}

const shape = async (c, issue) => fullPull(c.world, c.actor, c.repo, issue, await numbersOf(c.repo, issue));

function list(c) {
  const { state = 'open', head, base, sort = 'created', direction = sort === 'created' ? 'desc' : 'asc' } = c.query;
  const found = [...c.repo.issues.values()].filter(
    (issue) =>
      issue.pull &&
      (state === 'all' || issue.state === state) &&
      (!base || issue.pull.base.ref === base) &&
      (!head ||
        !head.includes(':') ||
        `${issue.pull.head.repository.owner.login}:${issue.pull.head.ref}`.toLowerCase() === head.toLowerCase()),
  );
  const key = sort === 'updated' ? 'updatedAt' : 'number';
  found.sort((a, b) => (a[key] < b[key] ? -1 : 1) * (direction === 'asc' ? 1 : -1));
  return c.page(found).map((issue) => simplePull(c.world, c.actor, c.repo, issue));
}

async function create(c) {
  const { title, body, head, base, draft } = c.body;
  if (!title) throw invalid({ resource: 'PullRequest', field: 'title', code: 'missing_field' });
  return created(await shape(c, await openPull(c.world, c.repo, { title, body, head, base, draft, user: c.sender })));
}

async function update(c) {
  const issue = find(c);
  const { title, body, state, base } = c.body;
  if (title !== undefined) issue.title = title;
  if (body !== undefined) issue.body = body;
  if (base !== undefined) {
    const sha = c.git.branch(base);
    if (!sha) throw invalid({ resource: 'PullRequest', field: 'base', code: 'invalid' });
    Object.assign(issue.pull.base, { ref: base, sha });
  }
  issue.updatedAt = c.world.stamp();
  if (state && issue.pull.merged)
    throw invalid({
      resource: 'PullRequest',
      code: 'custom',
      field: 'state',
      message: 'state cannot be changed. The pull request is merged.',
    });
  if (state && setState(c.world, issue, state, null, c.sender))
    await tell(c.world, c.repo, issue, state === 'closed' ? 'closed' : 'reopened', c.sender);
  return shape(c, issue);
}

async function files(c) {
  const { pull } = find(c);
  const base = (await c.git.mergeBase(pull.base.sha, pull.head.sha)) ?? pull.base.sha;
  return c.page(await changedFiles(c.git, base, pull.head.sha)).map((file) => changedFile(c.world, c.repo, pull.head.sha, file));
}

async function reviewers(c, add) {
  const issue = find(c);
  const { pull } = issue;
  const { reviewers: users = [], team_reviewers: teams = [] } = c.body;
  if (!add) {
    pull.reviewers = pull.reviewers.filter((login) => !users.includes(login));
    pull.teams = pull.teams.filter((slug) => !teams.includes(slug));
    return simplePull(c.world, c.actor, c.repo, issue);
  }
  for (const login of users) {
    if (login === issue.user.login) throw new Halt(422, 'Review cannot be requested from pull request author.');
    const user = c.world.user(login);
    if (
      !user ||
      !(c.repo.owner === user || c.repo.collaborators.has(login.toLowerCase()) || c.repo.owner.members?.has(login.toLowerCase()))
    )
      throw new Halt(
        422,
        'Reviews may only be requested from collaborators. One or more of the users or teams you specified is not a collaborator of the repository.',
      );
  }
  for (const slug of teams)
    if (!c.repo.teams.has(slug))
      throw new Halt(
        422,
        'Reviews may only be requested from collaborators. One or more of the users or teams you specified is not a collaborator of the repository.',
      );
  pull.reviewers = [...new Set([...pull.reviewers, ...users])];
  pull.teams = [...new Set([...pull.teams, ...teams])];
  return created(simplePull(c.world, c.actor, c.repo, issue));
}

async function merge(c) {
  const body = c.body ?? {};
  const sha = await mergePull(c.world, c.repo, find(c), {
    method: body.merge_method,
    title: body.commit_title,
    message: body.commit_message,
    sha: body.sha,
    sender: c.sender,
    actor: c.actor,
    move: (ref, to) => moveRef(c.world, c.repo, ref, to, c.sender),
  });
  return { sha, merged: true, message: 'Pull Request successfully merged' };
}

const reads = (run) => ({ needs: 'pull_requests:read', as: 'read', run });
const writes = (run) => ({ needs: 'pull_requests:write', run });

export default {
  'pulls/list': reads(list),
  'pulls/create': { needs: 'pull_requests:write', as: 'read', content: true, run: create },
  'pulls/get': reads((c) => shape(c, find(c))),
  'pulls/update': writes(update),
  'pulls/list-files': reads(files),
  'pulls/list-commits': reads((c) => {
    const { pull } = find(c);
    return c.page(ownCommits(c.repo, pull.base.sha, pull.head.sha)).map((commit) => commitShape(c.world, c.repo, commit));
  }),
  'pulls/request-reviewers': { ...writes((c) => reviewers(c, true)), content: true },
  'pulls/remove-requested-reviewers': writes((c) => reviewers(c, false)),
  'pulls/merge': { needs: 'contents:write', content: true, run: merge },
};
