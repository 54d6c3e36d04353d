// Harbor's API description, as `describe.py` has read it: finds the operation of a request, and says what is wrong with a
// request or an answer.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { load, root } from '../portal.mjs';

const Ajv = load('ajv').default;
const addFormats = load('ajv-formats').default;
export const BASE = '/api/v2.0';

const file = path.join(root, 'build/harbor/description.json');
const { operations, models } = read();
const ajv = new Ajv({ allErrors: true, coerceTypes: false, strict: false });
addFormats(ajv);
ajv.addSchema({ $id: 'harbor', models });

const routes = operations.map((operation) => ({
  ...operation,
  pattern: new RegExp(`^${operation.path.replace(/\/$/, '/?').replace(/\{\w+\}/g, '([^/]+)')}$`),
  names: [...operation.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name),
  fixed: operation.path.replace(/\{\w+\}/g, '').length,
  validBody: operation.body && ajv.compile(operation.body.schema),
  validAnswer: operation.answer && ajv.compile(operation.answer),
})).sort((a, b) => b.fixed - a.fixed);
const validErrors = ajv.compile({ $ref: 'harbor#/models/Errors' });

/** The operation that a method and a path below `BASE` mean, with its path's parameters: `{operation, parameters}` or undefined. */
export function operationOf(method, where) {
  for (const operation of routes) {
    const found = operation.method === method && operation.pattern.exec(where);
    // Names of repositories are escaped twice, for the slashes in them.
    if (found) return { operation, parameters: Object.fromEntries(operation.names.map((name, index) => [name, twice(found[index + 1])])) };
  }
  return undefined;
}

/** Sentences of what a request has that its operation does not know, or lacks. */
export function wrongRequest({ operation, query, body, contentType }) {
  const wrong = [];
  for (const [name, value] of query) {
    const known = operation.query[name];
    if (!known) wrong.push(`query ${name} is not known`);
    else if (known.type === 'integer' && !/^-?\d+$/.test(value)) wrong.push(`query ${name} must be an integer`);
    else if (known.type === 'boolean' && !/^(true|false)$/.test(value)) wrong.push(`query ${name} must be true or false`);
  }
  if (body === undefined) {
    if (operation.body?.required) wrong.push('the body is missing');
    return wrong;
  }
  if (!operation.body) return [...wrong, 'there is a body, but this takes none'];
  if (!/^application\/json/.test(contentType ?? '')) wrong.push(`the content type is ${contentType}, not application/json`);
  return wrong.concat(problems(operation.validBody, body));
}

/** Sentences of what an answer has that its operation does not say. */
export function wrongAnswer({ operation, status, body }) {
  if (status >= 400) return problems(validErrors, body);
  if (!operation.answer) return body === undefined ? [] : ['there is a body, but the description has none'];
  return problems(operation.validAnswer, body);
}

function problems(validate, value) {
  return validate(value) ? [] : validate.errors.map(({ instancePath, message, params }) => `${instancePath || 'the body'} ${message}${params.additionalProperty ? ` (${params.additionalProperty})` : ''}`);
}

function read() {
  // References are written as they are within the description; a schema that is compiled by itself must name it.
  try { return JSON.parse(readFileSync(file, 'utf8').replaceAll('"#/models/', '"harbor#/models/')); } catch (error) {
    throw new Error(`Harbor's description cannot be read (${error.message}); run .ci/setup test, which makes it`);
  }
}

function twice(text) {
  try { return decodeURIComponent(decodeURIComponent(text)); } catch { return text; }
}
