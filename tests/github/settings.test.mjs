// Settings, secrets, workflows, pull requests and the GraphQL API.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { appClient, failure, personal } from './clients.mjs';
import { startModel } from './model.mjs';
import { seal } from './sealed.mjs';
import { acme, noViolations } from './testing.mjs';

let model;
before(async () => {
  model = await startModel();
});
after(() => model.stop());

const shop = { owner: 'acme', repo: 'shop' };

test('secrets are sealed for their holder and opened by the model alone', async () => {
  const world = await model.create(acme());
  const app = appClient(world, 0);
  const environment = { ...shop, environment_name: 'production' };
  await app.request('PUT /repos/{owner}/{repo}/environments/{environment_name}', environment);
  const { data: key } = await app.request('GET /repos/{owner}/{repo}/actions/secrets/public-key', shop);
  const { data: own } = await app.request('GET /repos/{owner}/{repo}/environments/{environment_name}/secrets/public-key', environment);
  const put = 'PUT /repos/{owner}/{repo}/actions/secrets/{secret_name}';
  const first = await app.request(put, { ...shop, secret_name: 'token', key_id: key.key_id, encrypted_value: seal('one', key.key) });
  const second = await app.request(put, { ...shop, secret_name: 'TOKEN', key_id: key.key_id, encrypted_value: seal('two ✓', key.key) });
  assert.deepEqual([first.status, second.status], [201, 204]);
  await app.request('PUT /repos/{owner}/{repo}/environments/{environment_name}/secrets/{secret_name}', {
    ...environment,
    secret_name: 'KEY',
    key_id: own.key_id,
    encrypted_value: seal('three', own.key),
  });
  const [repository] = (await world.state()).repositories;
  assert.deepEqual(repository.secrets, { TOKEN: 'two ✓' });
  assert.deepEqual(repository.environments[0].secrets, { KEY: 'three' });
  const { data } = await app.request('GET /repos/{owner}/{repo}/actions/secrets', shop);
  assert.deepEqual(
    data.secrets.map(({ name }) => name),
    ['TOKEN'],
  );
  await noViolations(world);
  await failure(app.request(put, { ...shop, secret_name: 'TOKEN', key_id: key.key_id, encrypted_value: seal('four', own.key) }));
  assert.match((await world.violations())[0].wrong[0], /no sealed box/);
});

test('a workflow is dispatched, waits for its reviewers, fails and is run again', async () => {
  const world = await model.create(acme());
  const app = appClient(world, 0);
  const ada = personal(world, 'ghp_ada');
  const { users } = await world.state();
  await app.request('PUT /repos/{owner}/{repo}/environments/{environment_name}', {
    ...shop,
    environment_name: 'production',
    reviewers: [{ type: 'User', id: users[0].id }],
  });
  const dispatch = 'POST /repos/{owner}/{repo}/actions/workflows/{workflow_id}/dispatches';
  const asked = { ...shop, workflow_id: 'ci.yml', ref: 'main' };
  assert.match((await failure(app.request(dispatch, { ...asked, inputs: {} }))).data.message, /Required input 'target' not provided/);
  assert.match((await failure(app.request(dispatch, { ...asked, inputs: { target: 'a', other: 'b' } }))).data.message, /Unexpected inputs/);
  const { data: told } = await app.request(dispatch, { ...asked, inputs: { target: 'live' }, return_run_details: true });
  const run = { ...shop, run_id: told.workflow_run_id };
  const status = async () => (await app.request('GET /repos/{owner}/{repo}/actions/runs/{run_id}', run)).data;
  assert.equal((await status()).status, 'queued');
  await world.advance(2);
  assert.equal((await status()).status, 'waiting');
  const { data: pending } = await ada.request('GET /repos/{owner}/{repo}/actions/runs/{run_id}/pending_deployments', run);
  await ada.request('POST /repos/{owner}/{repo}/actions/runs/{run_id}/pending_deployments', {
    ...run,
    environment_ids: [pending[0].environment.id],
    state: 'approved',
    comment: 'yes',
  });
  await world.advance(2);
  assert.equal((await status()).status, 'in_progress');
  await world.event({
    kind: 'run',
    repository: 'acme/shop',
    id: run.run_id,
    status: 'completed',
    conclusion: 'failure',
    jobs: { build: 'success' },
    logs: { deploy: 'it broke' },
  });
  const {
    data: { jobs },
  } = await app.request('GET /repos/{owner}/{repo}/actions/runs/{run_id}/jobs', run);
  assert.deepEqual(
    jobs.map(({ name, conclusion }) => [name, conclusion]),
    [
      ['build', 'success'],
      ['deploy', 'failure'],
    ],
  );
  const { data: log } = await app.request('GET /repos/{owner}/{repo}/actions/jobs/{job_id}/logs', { ...shop, job_id: jobs[1].id });
  assert.match(log, /it broke/);
  await app.request('POST /repos/{owner}/{repo}/actions/runs/{run_id}/rerun-failed-jobs', run);
  await world.advance(2);
  await world.advance(6);
  const done = await status();
  assert.deepEqual([done.status, done.conclusion, done.run_attempt], ['completed', 'success', 2]);
  await noViolations(world);
});

test('a push starts the workflows that wait for it', async () => {
  const world = await model.create(acme());
  await world.event({ kind: 'commit', repository: 'acme/shop', files: { 'a.txt': 'a' } });
  await world.event({ kind: 'commit', repository: 'acme/shop', branch: 'topic', files: { 'b.txt': 'b' } });
  await world.advance(10);
  const [{ runs }] = (await world.state()).repositories;
  assert.deepEqual(
    runs.map(({ event, branch, status, conclusion }) => ({ event, branch, status, conclusion })),
    [{ event: 'push', branch: 'main', status: 'in_progress', conclusion: null }],
  );
  await world.advance(10);
  assert.equal((await world.state()).repositories[0].runs[0].conclusion, 'success');
  await noViolations(world);
});

test('a pull request is opened as a draft, made ready, approved and merged', async () => {
  const world = await model.create(acme());
  const app = appClient(world, 0);
  await world.event({ kind: 'commit', repository: 'acme/shop', branch: 'topic', files: { 'new.txt': 'new' } });
  const protection = {
    ...shop,
    branch: 'main',
    required_status_checks: { strict: false, contexts: ['lint'] },
    enforce_admins: true,
    required_pull_request_reviews: { required_approving_review_count: 1 },
    restrictions: null,
  };
  await app.request('PUT /repos/{owner}/{repo}/branches/{branch}/protection', protection);
  const { data: opened } = await app.request('POST /repos/{owner}/{repo}/pulls', {
    ...shop,
    title: 'New',
    head: 'topic',
    base: 'main',
    draft: true,
  });
  const again = await failure(app.request('POST /repos/{owner}/{repo}/pulls', { ...shop, title: 'New', head: 'topic', base: 'main' }));
  assert.equal(again.data.errors[0].message, 'A pull request already exists for acme:topic.');
  const merge = () => app.request('PUT /repos/{owner}/{repo}/pulls/{pull_number}/merge', { ...shop, pull_number: opened.number });
  const refusals = [(await failure(merge())).data.message];
  await app.graphql('mutation($id: ID!) { markPullRequestReadyForReview(input: { pullRequestId: $id }) { pullRequest { isDraft } } }', {
    id: opened.node_id,
  });
  refusals.push((await failure(merge())).data.message);
  await world.event({ kind: 'review', repository: 'acme/shop', number: opened.number, by: 'ada' });
  refusals.push((await failure(merge())).data.message);
  assert.deepEqual(refusals, [
    'Pull Request is still a draft',
    'At least 1 approving review is required by reviewers with write access.',
    'Required status check "lint" is expected.',
  ]);
  await app.request('POST /repos/{owner}/{repo}/check-runs', { ...shop, name: 'lint', head_sha: opened.head.sha, conclusion: 'success' });
  const { data: merged } = await merge();
  const [repository] = (await world.state()).repositories;
  assert.equal(repository.branches.find(({ name }) => name === 'main').tip, merged.sha);
  assert.equal(repository.pulls[0].merged, true);
  await noViolations(world);
});

test('an organization forbids what it forbids', async () => {
  const world = await model.create(
    acme({ organizations: [{ login: 'acme', forbids: ['public'], members: [{ login: 'ada', role: 'admin' }] }], repositories: [] }),
  );
  const ada = personal(world, 'ghp_ada');
  const refused = await failure(ada.request('POST /orgs/{org}/repos', { org: 'acme', name: 'open' }));
  assert.equal(refused.data.errors[0].field, 'visibility');
  const { data } = await ada.request('POST /orgs/{org}/repos', { org: 'acme', name: 'inner', visibility: 'internal' });
  assert.equal(data.visibility, 'internal');
  await noViolations(world);
});

test('GraphQL reads an organization page by page', async () => {
  const repositories = Array.from({ length: 5 }, (_, index) => ({
    owner: 'acme',
    name: `r${index}`,
    visibility: 'private',
    topics: ['a'],
    files: { 'catalog-info.yaml': `kind: ${index}` },
  }));
  const world = await model.create(acme({ repositories }));
  const app = appClient(world, 0);
  const query = `query($login: String!, $after: String) {
    rateLimit { cost remaining }
    organization(login: $login) {
      repositories(first: 2, after: $after) {
        totalCount
        pageInfo { hasNextPage endCursor }
        nodes {
          name nameWithOwner isArchived visibility owner { login } repositoryTopics(first: 10) { nodes { topic { name } } }
          defaultBranchRef { name target { oid ... on Commit { history(first: 1) { nodes { messageHeadline } } } } }
          object(expression: "HEAD:catalog-info.yaml") { ... on Blob { text byteSize } }
        }
      }
      teams(first: 5) { nodes { slug parentTeam { slug } members(first: 5, membership: IMMEDIATE) { nodes { login } } } }
      membersWithRole(first: 5) { edges { role node { login } } }
    }
  }`;
  const names = [];
  let after = null;
  do {
    const { organization } = await app.graphql(query, { login: 'acme', after });
    names.push(...organization.repositories.nodes.map(({ name, object }) => `${name} ${object.text}`));
    after = organization.repositories.pageInfo.hasNextPage ? organization.repositories.pageInfo.endCursor : null;
    assert.deepEqual(
      organization.teams.nodes.map(({ slug, parentTeam }) => [slug, parentTeam?.slug]),
      [
        ['build', 'platform'],
        ['platform', undefined],
      ],
    );
    assert.deepEqual(
      organization.membersWithRole.edges.map(({ role, node }) => [role, node.login]),
      [
        ['ADMIN', 'ada'],
        ['MEMBER', 'bob'],
      ],
    );
  } while (after);
  assert.deepEqual(names, ['r0 kind: 0', 'r1 kind: 1', 'r2 kind: 2', 'r3 kind: 3', 'r4 kind: 4']);
  await noViolations(world);
  await assert.rejects(
    app.graphql('{ organization(login: "acme") { repositories(first: 101) { nodes { name } } } }'),
    /exceeds the `first` limit of 100/,
  );
  await assert.rejects(app.graphql('{ organization(login: "acme") { colour } }'), /Cannot query field "colour"/);
  await assert.rejects(app.graphql('{ organization(login: "none") { login } }'), /Could not resolve to an Organization/);
  assert.equal((await world.violations()).length, 2);
});
