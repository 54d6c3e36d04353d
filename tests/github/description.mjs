// GitHub's official OpenAPI description: which operation a request is, and what its schemas say.
import { readFileSync } from 'node:fs';
import { load, packageFile } from './packages.mjs';

const Ajv = load('ajv').default;
const addFormats = load('ajv-formats').default;

/** Parameters whose value may hold slashes: the description has one placeholder, GitHub reads to the end. */
const WIDE = new Set(['path', 'ref', 'dir', 'branch', 'base', 'head']);
const METHODS = ['get', 'post', 'put', 'patch', 'delete'];

const description = JSON.parse(readFileSync(packageFile('@octokit/openapi/generated/api.github.com.json'), 'utf8'));

// Two validators of one description: queries arrive as text, bodies have types.
const bodies = validator({ coerceTypes: false });
const texts = validator({ coerceTypes: 'array' });
const compiled = new Map();

function validator(options) {
  const ajv = new Ajv({ strict: false, allErrors: true, validateSchema: false, logger: false, inlineRefs: false, ...options });
  addFormats(ajv);
  // An app's own address has brackets: `1+acme[bot]@users.noreply.github.com`.
  ajv.addFormat('email', /^\S+@\S+$/);
  return { ajv, added: new Set() };
}

const COMPONENT = '#/components/schemas/';
/** A component's own address, so that only those that are needed are ever read: the whole would take seconds. */
const idOf = (name) => `http://github/${name}`;

/** Words that say nothing to a validator, and those whose value is no schema. */
const SILENT = new Set(['description', 'example', 'examples', 'nullable', 'title', 'externalDocs']);
const DATA = new Set(['enum', 'default', 'required']);

/** A copy in JSON Schema's own words: OpenAPI 3.0 says `nullable` where that has a type. `needed` gathers the components it refers to. */
function toDraft7(node, needed) {
  if (Array.isArray(node)) return node.map((one) => toDraft7(one, needed));
  if (node === null || typeof node !== 'object') return node;
  if (typeof node.$ref === 'string') {
    const [name, ...rest] = node.$ref.slice(COMPONENT.length).split('/');
    needed.add(name);
    return { $ref: rest.length ? `${idOf(name)}#/${rest.join('/')}` : idOf(name) };
  }
  const copy = {};
  for (const [key, value] of Object.entries(node)) {
    if (key === 'properties') copy[key] = Object.fromEntries(Object.entries(value).map(([name, one]) => [name, toDraft7(one, needed)]));
    else if (!SILENT.has(key)) copy[key] = DATA.has(key) ? value : toDraft7(value, needed);
  }
  if (node.nullable !== true) return copy;
  if (copy.enum && !copy.enum.includes(null)) copy.enum = [...copy.enum, null];
  if (typeof copy.type === 'string' && !copy.allOf && !copy.anyOf && !copy.oneOf) return { ...copy, type: [copy.type, 'null'] };
  return { anyOf: [copy, { type: 'null' }] };
}

/** Gives a validator the components a schema needs, and those they need. */
function provide({ ajv, added }, needed) {
  for (const name of needed) {
    if (added.has(name)) continue;
    added.add(name);
    const inner = new Set();
    ajv.addSchema(toDraft7(description.components.schemas[name], inner), idOf(name));
    provide({ ajv, added }, inner);
  }
}

const escape = (text) => text.replaceAll('~', '~0').replaceAll('/', '~1');
const at = (pointer) =>
  pointer
    .split('/')
    .slice(1)
    .reduce((node, key) => node?.[key.replaceAll('~1', '/').replaceAll('~0', '~')], description);

/** Follows `$ref` from a pointer to the pointer of what is meant. */
export function resolve(pointer) {
  let found = pointer;
  for (let node = at(found); node?.$ref; node = at(found)) found = node.$ref.slice(1);
  return found;
}

/** The schema at a pointer, with its references followed. */
export const schemaAt = (pointer) => at(resolve(pointer));

const routes = Object.entries(description.paths).flatMap(([template, item]) =>
  METHODS.filter((method) => item[method]).map((method) => route(template, method, item)),
);
routes.sort((a, b) => b.literals - a.literals || a.wide - b.wide);
const byId = new Map(routes.map((entry) => [entry.id, entry]));
/** Every operation's id. */
export const operationIds = new Set(byId.keys());
export const operation = (id) => byId.get(id);

function route(template, method, item) {
  const names = [];
  let wide = 0;
  const pattern = template.replace(/[.+*?^$()[\]\\|]/g, '\\$&').replace(/\{([^}]+)\}/g, (_, name) => {
    names.push(name);
    const isWide = WIDE.has(name) && template.startsWith('/repos/');
    if (isWide) wide += 1;
    if (name === 'path') return '(.*)';
    return isWide ? '(.+?)' : '([^/]+)';
  });
  // The root folder is asked for with and without the last slash.
  const whole = pattern.endsWith('/contents/(.*)') ? pattern.replace('/(.*)', '(?:/(.*))?') : pattern;
  const pointer = `/paths/${escape(template)}/${method}`;
  const own = (item[method].parameters ?? []).map((_, index) => resolve(`${pointer}/parameters/${index}`));
  const shared = (item.parameters ?? []).map((_, index) => resolve(`/paths/${escape(template)}/parameters/${index}`));
  const parameters = [...shared, ...own].map((place) => ({ ...at(place), pointer: place }));
  return {
    id: item[method].operationId,
    method: method.toUpperCase(),
    template,
    names,
    wide,
    literals: template.split('/').filter((part) => part && !part.includes('{')).length,
    regex: new RegExp(`^${whole}$`),
    pointer,
    query: parameters.filter((parameter) => parameter.in === 'query'),
    path: parameters.filter((parameter) => parameter.in === 'path'),
    responses: item[method].responses,
    documentation: item[method].externalDocs?.url ?? 'https://docs.github.com/rest',
  };
}

/** The operation of a request, or undefined. `path` is as sent, without the query. */
export function match(method, path) {
  for (const entry of routes) {
    if (entry.method !== method) continue;
    const found = entry.regex.exec(path);
    if (!found) continue;
    const params = {};
    entry.names.forEach((name, index) => {
      params[name] = decode(found[index + 1] ?? '');
    });
    return { ...entry, params };
  }
  return undefined;
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** What is wrong with a value by the schema at a pointer; values of a query are converted in place. */
export function check(pointer, holder, { text = false } = {}) {
  const key = `${text}${pointer}`;
  let validate = compiled.get(key);
  if (!validate) {
    const needed = new Set();
    const schema = {
      type: 'object',
      properties: { value: toDraft7(pointer.startsWith(COMPONENT.slice(1)) ? { $ref: `#${pointer}` } : at(resolve(pointer)), needed) },
    };
    const chosen = text ? texts : bodies;
    provide(chosen, needed);
    validate = chosen.ajv.compile(schema);
    compiled.set(key, validate);
  }
  if (validate(holder)) return [];
  return summary(validate.errors);
}

function summary(errors) {
  const said = errors.map(
    (error) =>
      `${error.instancePath.replace(/^\/value/, '') || '(whole)'} ${error.message}${error.params?.allowedValues ? `: ${error.params.allowedValues.join(', ')}` : ''}`,
  );
  return [...new Set(said)].slice(0, 12);
}
