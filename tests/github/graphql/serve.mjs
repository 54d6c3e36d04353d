// GitHub's GraphQL API: requests are validated against the official schema and executed on the world.
import { readFileSync } from 'node:fs';
import { identify } from '../auth.mjs';
import { Halt, notAccessible } from '../errors.mjs';
import { load, packageFile } from '../packages.mjs';
import { measure } from './cost.mjs';
import { Failure, root } from './root.mjs';

const { buildSchema, execute, getOperationAST, parse, validate } = load('graphql');

// Reading a schema of this size takes a moment, which most tests need not spend.
let known;
function schema() {
  known ??= buildSchema(readFileSync(packageFile('@octokit/graphql-schema/schema.graphql'), 'utf8'), { assumeValid: true });
  return known;
}

const FORM = { 'content-type': 'application/json; charset=utf-8' };

export async function serveGraphql(world, { request, text, requestId, entry, pause }) {
  const headers = { ...FORM, 'x-github-request-id': requestId, 'x-github-media-type': 'github.v4; format=json' };
  const violate = (kind, wrong) =>
    world.violation({ method: request.method, path: '/graphql', operationId: entry.operationId, kind }, wrong);
  let ticket;
  let actor;
  try {
    if (request.method !== 'POST') throw new Halt(404, 'Not Found');
    actor = identify(world, request.headers.authorization);
    entry.actor = actor.key;
    if (actor.kind === 'anonymous') throw new Halt(401, 'This endpoint requires you to be authenticated.');
    if (actor.kind === 'app') throw notAccessible();
    if (actor.kind === 'user') headers['x-oauth-scopes'] = actor.token.scopes.join(', ');
    const asked = read(text, violate);
    const document = parsed(asked, violate);
    if (document.errors) return { status: 200, headers: { ...headers, ...world.limits.headers(actor, 'graphql') }, body: document };
    const operation = getOperationAST(document, asked.operationName);
    entry.operationId = operation?.name?.value ?? null;
    const { cost, nodes, errors } = measure(document, operation, asked.variables ?? {});
    if (errors.length) {
      violate(
        'request',
        errors.map(({ message }) => message),
      );
      return { status: 200, headers: { ...headers, ...world.limits.headers(actor, 'graphql') }, body: { errors } };
    }
    ticket = world.limits.admit(actor, { resource: 'graphql', points: operation.operation === 'mutation' ? 5 : 1, cost }, requestId);
    if (pause) await pause();
    const context = { world, actor, cost, nodes, unknown: (field) => violate('model', `The model does not know ${field} yet`) };
    const result = await execute({
      schema: schema(),
      document,
      rootValue: root(context),
      contextValue: context,
      variableValues: asked.variables ?? {},
      operationName: asked.operationName,
      fieldResolver: resolveField,
    });
    return { status: 200, headers: { ...headers, ...world.limits.headers(actor, 'graphql') }, body: shown(result, violate) };
  } catch (error) {
    if (!(error instanceof Halt)) throw error;
    return refusal(world, error, actor, headers);
  } finally {
    ticket?.done();
  }
}

/** Over the hourly limit is told inside an answer that succeeds; everything else by the status. */
function refusal(world, error, actor, headers) {
  const all = { ...headers, ...error.headers, ...(actor ? world.limits.headers(actor, 'graphql') : {}) };
  if (/^API rate limit/.test(error.message))
    return {
      status: 200,
      headers: all,
      body: {
        errors: [{ type: 'RATE_LIMIT', code: 'graphql_rate_limit', message: `API rate limit already exceeded for ${actor.words}.` }],
      },
    };
  return {
    status: error.status,
    headers: all,
    body: {
      ...error.body,
      documentation_url: error.body.documentation_url ?? 'https://docs.github.com/graphql',
      status: String(error.status),
    },
  };
}

function read(text, violate) {
  let asked;
  try {
    asked = JSON.parse(text);
  } catch {
    violate('request', 'body: is not JSON');
    throw new Halt(400, 'Problems parsing JSON');
  }
  if (typeof asked.query !== 'string') {
    violate('request', 'body: /query is required');
    throw new Halt(400, 'A query attribute must be specified and must be a string.');
  }
  return asked;
}

function parsed({ query }, violate) {
  try {
    const document = parse(query);
    const errors = validate(schema(), document);
    if (!errors.length) return document;
    violate(
      'request',
      errors.map(({ message }) => message),
    );
    return { errors: errors.map(({ message, locations, path }) => ({ path, locations, message })) };
  } catch (error) {
    violate('request', error.message);
    return { errors: [{ message: error.message, locations: error.locations }] };
  }
}

/** Reads a field, or calls it; one that is not there is a gap in the model, not a null. */
function resolveField(source, args, context, info) {
  const value = source[info.fieldName];
  if (value === undefined) {
    const field = `${info.parentType.name}.${info.fieldName}`;
    context.unknown(field);
    throw new Error(`The model does not know ${field} yet`);
  }
  return typeof value === 'function' ? value(args, context) : value;
}

/** Errors in GitHub's form: their type is a field of its own. */
function shown({ data, errors }, violate) {
  if (!errors) return { data };
  return {
    data,
    errors: errors.map((error) => {
      const { message, locations, path, originalError } = error;
      if (originalError instanceof Failure)
        return {
          type: originalError.type,
          path,
          ...(originalError.extensions ? { extensions: originalError.extensions } : {}),
          locations,
          message,
        };
      if (originalError && !/^The model does not know/.test(message)) violate('model', originalError.stack);
      else if (!originalError) violate('request', message);
      return { path, locations, message };
    }),
  };
}
