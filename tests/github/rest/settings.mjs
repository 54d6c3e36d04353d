// The smaller settings of a repository: properties, keys, autolinks, access to its workflows, alerts.
import { created, nothing } from '../call.mjs';
import { Halt, forbidden, invalid, notFound, unprocessable } from '../errors.mjs';
import { repositoryUrl } from '../shapes/repositories.mjs';

function setProperties(c) {
  const { repo, body } = c;
  const schema = repo.owner.properties ?? [];
  for (const { property_name: name, value } of body.properties) {
    const definition = schema.find((one) => one.property_name === name);
    if (!definition) throw unprocessable(`Property '${name}' does not exist`);
    const allowed = definition.allowed_values;
    if (value !== null && allowed && [].concat(value).some((one) => !allowed.includes(one)))
      throw unprocessable(`Property '${name}' value '${value}' is not allowed`);
  }
  for (const { property_name: name, value } of body.properties)
    value === null ? repo.properties.delete(name) : repo.properties.set(name, value);
  return nothing();
}

function subscribe(c) {
  const subscription = { subscribed: c.body.subscribed ?? !c.body.ignored, ignored: c.body.ignored ?? false, createdAt: c.world.stamp() };
  c.repo.subscriptions.set(c.actor.user.login.toLowerCase(), subscription);
  const url = repositoryUrl(c.world, c.repo);
  return {
    subscribed: subscription.subscribed,
    ignored: subscription.ignored,
    reason: null,
    created_at: subscription.createdAt,
    url: `${url}/subscription`,
    repository_url: url,
  };
}

function setOidc(c) {
  c.repo.oidc = { ...c.body };
  return created({});
}

const autolinkShape = ({ id, keyPrefix, urlTemplate, isAlphanumeric }) => ({
  id,
  key_prefix: keyPrefix,
  url_template: urlTemplate,
  is_alphanumeric: isAlphanumeric,
});

function createAutolink(c) {
  const { key_prefix: keyPrefix, url_template: urlTemplate, is_alphanumeric: isAlphanumeric = true } = c.body;
  if (!urlTemplate.includes('<num>'))
    throw invalid({ resource: 'KeyLink', code: 'custom', field: 'url_template', message: 'url_template must contain a <num> parameter' });
  if (c.repo.autolinks.some((one) => one.keyPrefix === keyPrefix))
    throw invalid({ resource: 'KeyLink', code: 'already_exists', field: 'key_prefix' });
  const autolink = { id: c.world.newId(), keyPrefix, urlTemplate, isAlphanumeric };
  c.repo.autolinks.push(autolink);
  return created(autolinkShape(autolink));
}

const keyShape = (c, key) => ({
  id: key.id,
  key: key.key,
  url: `${repositoryUrl(c.world, c.repo)}/keys/${key.id}`,
  title: key.title,
  verified: true,
  created_at: key.createdAt,
  read_only: key.readOnly,
  added_by: c.sender?.login ?? null,
  last_used: null,
  enabled: true,
});

function createKey(c) {
  const { title = '', key, read_only: readOnly = false } = c.body;
  if (!/^(ssh-(rsa|ed25519)|ecdsa-sha2-\S+|sk-\S+) [A-Za-z0-9+/=]+/.test(key))
    throw invalid({
      resource: 'PublicKey',
      code: 'custom',
      field: 'key',
      message: 'key is invalid. You must supply a key in OpenSSH public key format',
    });
  const bare = key.split(' ').slice(0, 2).join(' ');
  if ([...c.world.repositories.values()].some(({ keys }) => keys.some((one) => one.key === bare)))
    throw invalid({ resource: 'PublicKey', code: 'custom', field: 'key', message: 'key is already in use' });
  const made = { id: c.world.newId(), title, key: bare, readOnly, createdAt: c.world.stamp() };
  c.repo.keys.push(made);
  return created(keyShape(c, made));
}

/** One of a list by the id in the path, and its removal. */
const one = (c, list, id) =>
  list.find((entry) => entry.id === Number(id)) ??
  (() => {
    throw notFound();
  })();
function drop(c, name, id) {
  const found = one(c, c.repo[name], id);
  c.repo[name] = c.repo[name].filter((entry) => entry !== found);
  return nothing();
}

const admin = (run) => ({ needs: 'administration:write', run });
const adminReads = (run) => ({ needs: 'administration:read', as: 'admin', run });

export default {
  'repos/custom-properties-for-repos-get-repository-values': {
    needs: 'metadata:read',
    run: (c) => [...c.repo.properties].map(([name, value]) => ({ property_name: name, value })),
  },
  'repos/custom-properties-for-repos-create-or-update-repository-values': {
    needs: 'repository_custom_properties:write',
    as: 'admin',
    run: setProperties,
  },
  'orgs/custom-properties-for-repos-get-organization-definitions': {
    needs: 'organization_custom_properties:read',
    run: (c) => c.org.properties,
  },
  'activity/set-repo-subscription': { user: true, needs: 'metadata:read', run: subscribe },
  'actions/get-workflow-access-to-repository': adminReads((c) => ({ access_level: c.repo.accessLevel })),
  'actions/set-workflow-access-to-repository': admin((c) => {
    if (c.repo.visibility === 'public') throw unprocessable('Access policy only applies to internal and private repositories.');
    c.repo.accessLevel = c.body.access_level;
    return nothing();
  }),
  'actions/get-custom-oidc-sub-claim-for-repo': { needs: 'actions:read', run: (c) => c.repo.oidc },
  'actions/set-custom-oidc-sub-claim-for-repo': { needs: 'actions:write', as: 'write', run: setOidc },
  'repos/list-autolinks': adminReads((c) => c.repo.autolinks.map(autolinkShape)),
  'repos/create-autolink': admin(createAutolink),
  'repos/get-autolink': adminReads((c) => autolinkShape(one(c, c.repo.autolinks, c.params.autolink_id))),
  'repos/delete-autolink': admin((c) => drop(c, 'autolinks', c.params.autolink_id)),
  'repos/list-deploy-keys': adminReads((c) => c.page(c.repo.keys).map((key) => keyShape(c, key))),
  'repos/create-deploy-key': admin((c) => {
    if (c.repo.owner.deployKeys === false) throw forbidden('Deploy keys are disabled for this repository');
    return createKey(c);
  }),
  'repos/get-deploy-key': adminReads((c) => keyShape(c, one(c, c.repo.keys, c.params.key_id))),
  'repos/delete-deploy-key': admin((c) => drop(c, 'keys', c.params.key_id)),
  'repos/check-vulnerability-alerts': adminReads((c) => {
    if (!c.repo.vulnerabilityAlerts) throw new Halt(404, 'Vulnerability alerts are disabled.');
    return nothing();
  }),
  'repos/enable-vulnerability-alerts': admin((c) => {
    c.repo.vulnerabilityAlerts = true;
    return nothing();
  }),
  'repos/disable-vulnerability-alerts': admin((c) => {
    c.repo.vulnerabilityAlerts = false;
    return nothing();
  }),
  ...securityUpdates(),
};

function securityUpdates() {
  const set = (status) =>
    admin((c) => {
      c.repo.security.dependabot_security_updates = { status };
      return nothing();
    });
  return {
    'repos/enable-automated-security-fixes': set('enabled'),
    'repos/disable-automated-security-fixes': set('disabled'),
    'repos/check-automated-security-fixes': adminReads((c) => ({
      enabled: c.repo.security.dependabot_security_updates.status === 'enabled',
      paused: false,
    })),
  };
}
