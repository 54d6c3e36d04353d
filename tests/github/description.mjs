// GitHub's official OpenAPI description: which operation a request is, and what its schemas say.
import { readFileSync } from 'node:fs';
import { load, packageFile } from './packages.mjs';

const Ajv = load('ajv').default;
const addFormats = load('ajv-formats').default;

/** Parameters whose value may hold slashes: the description has one placeholder, GitHub reads to the end. */
const WIDE = new Set(['path', 'ref', 'dir', 'branch', 'base', 'head']);
const METHODS = ['get', 'post', 'put', 'patch', 'delete'];

const description = JSON.parse(readFileSync(packageFile('@octokit/openapi/generated/api.github.com.json'), 'utf8'));
toDraft7(description);

// Two validators of one description: queries arrive as text, bodies have types.
const bodies = validator({ coerceTypes: false });
const texts = validator({ coerceTypes: 'array' });
const compiled = new Map();

function validator(options) {
  const ajv = new Ajv({ strict: false, allErrors: true, validateSchema: false, logger: false, inlineRefs: false, ...options });
  addFormats(ajv);
  // An app's own address has brackets: `1+acme[bot]@users.noreply.github.com`.
  ajv.addFormat('email', /^\S+@\S+$/);
  ajv.addSchema(description, 'github');
  return ajv;
}

/** OpenAPI 3.0 says `nullable` where JSON Schema has a type; done once, in place. */
function toDraft7(node) {
  if (!node || typeof node !== 'object') return;
  if (Array.isArray(node)) {
    node.forEach(toDraft7);
    return;
  }
  // Examples are data: they may hold any key.
  for (const key of Object.keys(node)) if (key !== 'example' && key !== 'examples') toDraft7(node[key]);
  if (node.nullable !== true) return;
  delete node.nullable;
  if (typeof node.type === 'string') {
    node.type = [node.type, 'null'];
    if (Array.isArray(node.enum) && !node.enum.includes(null)) node.enum.push(null);
    for (const many of ['anyOf', 'oneOf']) if (node[many]) node[many].push({ type: 'null' });
    if (node.allOf) {
      const all = node.allOf;
      delete node.allOf;
      node.anyOf = [{ allOf: all }, { type: 'null' }];
    }
  } else if (node.anyOf) node.anyOf.push({ type: 'null' });
  else if (node.oneOf) node.oneOf.push({ type: 'null' });
  else {
    const { ...inner } = node;
    for (const key of Object.keys(node)) delete node[key];
    node.anyOf = [inner, { type: 'null' }];
  }
}

const escape = (text) => text.replaceAll('~', '~0').replaceAll('/', '~1');
const at = (pointer) => pointer.split('/').slice(1).reduce((node, key) => node?.[key.replaceAll('~1', '/').replaceAll('~0', '~')], description);

/** Follows `$ref` from a pointer to the pointer of what is meant. */
export function resolve(pointer) {
  let found = pointer;
  for (let node = at(found); node?.$ref; node = at(found)) found = node.$ref.slice(1);
  return found;
}

/** The schema at a pointer, with its references followed. */
export const schemaAt = (pointer) => at(resolve(pointer));

const routes = Object.entries(description.paths).flatMap(([template, item]) => METHODS.filter((method) => item[method]).map((method) => route(template, method, item)));
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
    entry.names.forEach((name, index) => { params[name] = decode(found[index + 1] ?? ''); });
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
    const schema = { type: 'object', properties: { value: { $ref: `github#${encodeURI(pointer)}` } } };
    validate = (text ? texts : bodies).compile(schema);
    compiled.set(key, validate);
  }
  if (validate(holder)) return [];
  return summary(validate.errors);
}

function summary(errors) {
  const said = errors.map((error) => `${error.instancePath.replace(/^\/value/, '') || '(whole)'} ${error.message}${error.params?.allowedValues ? `: ${error.params.allowedValues.join(', ')}` : ''}`);
  return [...new Set(said)].slice(0, 12);
}
