// Secrets and variables of Actions, of a repository and of an environment: the same but for who holds them.
import { Answer, created, nothing } from '../call.mjs';
import { Halt, notFound, unprocessable } from '../errors.mjs';
import { keyOf, open } from '../sealed.mjs';
import { findEnvironment } from './environments.mjs';

const repository = (c) => c.repo;
const VARIABLE_BYTES = 48 * 1024;

function checkName(name, word) {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
    throw unprocessable(
      `${word} name can only contain alphanumeric characters ([a-z], [A-Z], [0-9]) or underscores (_). Spaces are not allowed. Must start with a letter ([a-z], [A-Z]) or underscores (_).`,
    );
  if (/^GITHUB_/i.test(name)) throw unprocessable(`${word} names must not start with GITHUB_.`);
  return name.toUpperCase();
}

const secretShape = ({ name, createdAt, updatedAt }) => ({ name, created_at: createdAt, updated_at: updatedAt });
const variableShape = ({ name, value, createdAt, updatedAt }) => ({ name, value, created_at: createdAt, updated_at: updatedAt });

function find(map, name) {
  const found = map.get(name.toUpperCase());
  if (!found) throw notFound();
  return found;
}

function putSecret(c, holder) {
  const name = checkName(c.params.secret_name, 'Secret');
  const { key_id: keyId, encrypted_value: sealed } = c.body;
  if (holder.keyPair?.id !== keyId) throw unprocessable('The key_id does not match the current public key.');
  const value = open(holder, sealed);
  if (value === undefined) {
    c.world.violation(
      { method: c.method, path: c.path, operationId: c.operation.id, kind: 'request' },
      'body: /encrypted_value is no sealed box for this public key',
    );
    throw unprocessable('Improperly encrypted secret');
  }
  const now = c.world.stamp();
  const old = holder.secrets.get(name);
  holder.secrets.set(name, { name, value, createdAt: old?.createdAt ?? now, updatedAt: now });
  return old ? nothing() : created({});
}

function createVariable(c, holder) {
  const name = checkName(c.body.name, 'Variable');
  if (holder.variables.has(name)) throw new Halt(409, 'Already exists - Variable already exists');
  if (Buffer.byteLength(c.body.value) > VARIABLE_BYTES) throw unprocessable('Variable value is too large');
  const now = c.world.stamp();
  holder.variables.set(name, { name, value: c.body.value, createdAt: now, updatedAt: now });
  return created({});
}

function updateVariable(c, holder) {
  const variable = find(holder.variables, c.params.name);
  if (c.body.name !== undefined && c.body.name.toUpperCase() !== variable.name) {
    const name = checkName(c.body.name, 'Variable');
    if (holder.variables.has(name)) throw new Halt(409, 'Already exists - Variable already exists');
    holder.variables.delete(variable.name);
    holder.variables.set(name, Object.assign(variable, { name }));
  }
  if (c.body.value !== undefined) variable.value = c.body.value;
  variable.updatedAt = c.world.stamp();
  return nothing();
}

function remove(map, name) {
  find(map, name);
  map.delete(name.toUpperCase());
  return nothing();
}

const sorted = (map) => [...map.values()].sort((a, b) => (a.name < b.name ? -1 : 1));

function secrets(kind, holder, need) {
  const reads = { needs: `${need}:read`, as: 'write' };
  const writes = { needs: `${need}:write`, as: 'write' };
  return {
    [`actions/get-${kind}-public-key`]: { ...reads, run: (c) => keyOf(c.world, holder(c)) },
    [`actions/list-${kind}-secrets`]: {
      ...reads,
      run: (c) => ({ total_count: holder(c).secrets.size, secrets: c.page(sorted(holder(c).secrets)).map(secretShape) }),
    },
    [`actions/get-${kind}-secret`]: { ...reads, run: (c) => secretShape(find(holder(c).secrets, c.params.secret_name)) },
    [`actions/create-or-update-${kind}-secret`]: { ...writes, run: (c) => putSecret(c, holder(c)) },
    [`actions/delete-${kind}-secret`]: { ...writes, run: (c) => remove(holder(c).secrets, c.params.secret_name) },
  };
}

function variables(kind, holder, need) {
  const reads = { needs: `${need}:read`, as: 'write' };
  const writes = { needs: `${need}:write`, as: 'write' };
  return {
    [`actions/list-${kind}-variables`]: {
      ...reads,
      run: (c) =>
        new Answer({
          status: 200,
          body: { total_count: holder(c).variables.size, variables: page(c, sorted(holder(c).variables)).map(variableShape) },
        }),
    },
    [`actions/create-${kind}-variable`]: { ...writes, run: (c) => createVariable(c, holder(c)) },
    [`actions/get-${kind}-variable`]: { ...reads, run: (c) => variableShape(find(holder(c).variables, c.params.name)) },
    [`actions/update-${kind}-variable`]: { ...writes, run: (c) => updateVariable(c, holder(c)) },
    [`actions/delete-${kind}-variable`]: { ...writes, run: (c) => remove(holder(c).variables, c.params.name) },
  };
}

/** Lists of variables have pages of ten, thirty at most. */
function page(c, items) {
  c.query.per_page = Math.min(Number(c.query.per_page ?? 10), 30);
  return c.page(items);
}

export default {
  ...secrets('repo', repository, 'secrets'),
  ...secrets('environment', findEnvironment, 'environments'),
  ...variables('repo', repository, 'actions_variables'),
  ...variables('environment', findEnvironment, 'environments'),
};
