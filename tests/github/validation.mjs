// Holds every request and every answer against GitHub's own description, and notes what is not in it.
import { check, resolve, schemaAt } from './description.mjs';
import { unknownFields } from './fields.mjs';

/** Answers that any operation may give, though the description names them for some only. */
const ALWAYS = new Set([301, 304, 307, 400, 401, 403, 404, 422, 429]);
const VERSIONS = new Set(['2022-11-28', '2026-03-10']);
const escape = (text) => text.replaceAll('/', '~1');
const content = (pointer, type) => `${pointer}/content/${escape(type)}/schema`;

// The description is of github.com, where nothing is internal; that of Enterprise Cloud has the third visibility, and an enterprise server answers so.
for (const [path, method] of [
  ['/orgs/{org}/repos', 'post'],
  ['/repos/{owner}/{repo}', 'patch'],
]) {
  const { properties } = schemaAt(`${content(`/paths/${escape(path)}/${method}/requestBody`, 'application/json')}`);
  if (!properties.visibility.enum.includes('internal')) properties.visibility.enum.push('internal');
}

// The description asks an installation's account to be a person and an enterprise at once here; alone it has it right.
schemaAt(content('/paths/~1app~1installations/get/responses/200', 'application/json')).items = {
  $ref: '#/components/schemas/installation',
};

// The documentation names this permission, the description forgot it.
schemaAt('/components/schemas/app-permissions').properties.actions_variables = { type: 'string', enum: ['read', 'write'] };

/** What GitHub answers beyond the description. */
const UNTOLD = {
  'actions/create-repo-variable': [409],
  'actions/create-environment-variable': [409],
  'actions/update-repo-variable': [409],
  'actions/update-environment-variable': [409],
};

/** What is wrong with a request's parameters, body and headers. Converts numbers and truths of the query. */
export function checkRequest(operation, { query, body, headers }) {
  const wrong = [];
  const version = headers['x-github-api-version'];
  if (version && !VERSIONS.has(version)) wrong.push(`header X-GitHub-Api-Version: ${version} is not a version`);
  for (const name of Object.keys(query)) {
    const parameter = operation.query.find((one) => one.name === name || one.name === `${name}[]`);
    if (!parameter) {
      wrong.push(`query: ${name} is not documented`);
      continue;
    }
    const holder = { value: query[name] };
    wrong.push(...check(`${parameter.pointer}/schema`, holder, { text: true }).map((text) => `query ${name}: ${text}`));
    query[name] = holder.value;
  }
  for (const { name, required } of operation.query) if (required && query[name] === undefined) wrong.push(`query: ${name} is required`);
  wrong.push(...checkBody(operation, body));
  return wrong;
}

function checkBody(operation, body) {
  const documented = schemaAt(operation.pointer).requestBody;
  if (!documented) return body === undefined || isEmpty(body) ? [] : ['body: this operation has none'];
  const pointer = resolve(`${operation.pointer}/requestBody`);
  if (body === undefined) return schemaAt(pointer).required ? ['body: is required'] : [];
  const schema = content(pointer, 'application/json');
  if (!schemaAt(schema)) return [];
  return [
    ...check(schema, { value: body }).map((text) => `body: ${text}`),
    ...unknownFields([schema], body, { strict: true }).map((field) => `body: ${field} is not documented`),
  ];
}

const isEmpty = (body) => body !== null && typeof body === 'object' && Object.keys(body).length === 0;

/** What is wrong with an answer: its status, its type, its fields. */
export function checkResponse(operation, { status, type, body }) {
  const { responses } = schemaAt(operation.pointer);
  if (!responses[status]) {
    if (!ALWAYS.has(status) && status < 500 && !UNTOLD[operation.id]?.includes(status))
      return [`response: status ${status} is not documented`];
    return body && type.startsWith('application/json') ? fieldsOf('/components/schemas/basic-error', body) : [];
  }
  const pointer = resolve(`${operation.pointer}/responses/${status}`);
  const types = Object.keys(schemaAt(pointer).content ?? {});
  if (!types.length) return body === undefined || status >= 300 ? [] : [`response: ${status} has no body`];
  const media = types.includes(type) ? type : type.startsWith('application/json') ? types.find((one) => /json/.test(one)) : undefined;
  if (!media) return type.startsWith('application/vnd.github') ? [] : [`response: type ${type} is not documented`];
  if (!/json|object/.test(media)) return [];
  if (status >= 400 && status !== 422) return fieldsOf('/components/schemas/basic-error', body);
  const wrong = fieldsOf(content(pointer, media), body);
  // Errors tell their status everywhere; not each schema says so.
  return status < 400 ? wrong : wrong.filter((text) => text !== 'response: /status is not documented');
}

function fieldsOf(schema, body) {
  return [
    ...check(schema, { value: body }).map((text) => `response: ${text}`),
    ...unknownFields([schema], body).map((field) => `response: ${field} is not documented`),
  ];
}
