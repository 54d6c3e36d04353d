// Webhooks of a repository, and what was delivered to them.
import { accepted, created, nothing } from '../call.mjs';
import { Halt, invalid, notFound } from '../errors.mjs';
import { pingEvent } from '../webhooks/events.mjs';
import { hookShape } from '../shapes/hooks.mjs';

const LIMIT = 20;

function find(c) {
  const found = c.repo.hooks.find(({ id }) => id === Number(c.params.hook_id));
  if (!found) throw notFound();
  return found;
}

function checkUrl(url) {
  if (!url) throw invalid({ resource: 'Hook', code: 'custom', message: 'Config must contain URL for webhooks' });
  if (!/^https?:\/\//.test(url))
    throw new Halt(422, {
      message: 'Validation Failed',
      errors: [{ resource: 'Hook', code: 'custom', message: 'url is missing a scheme' }],
    });
}

const same = (hook, config, events) => hook.config.url === config.url && [...hook.events].sort().join() === [...events].sort().join();

function create(c) {
  const { config = {}, events = ['push'], active = true, name = 'web' } = c.body ?? {};
  if (name !== 'web') throw invalid({ resource: 'Hook', code: 'custom', field: 'name', message: 'Name must be web' });
  checkUrl(config.url);
  if (c.repo.hooks.some((hook) => same(hook, config, events)))
    throw invalid({ resource: 'Hook', code: 'custom', message: 'Hook already exists on this repository' });
  if (c.repo.hooks.length >= LIMIT)
    throw invalid({ resource: 'Hook', code: 'custom', message: `The "push" event cannot have more than ${LIMIT} hooks` });
  const now = c.world.stamp();
  const hook = {
    id: c.world.newId(),
    active,
    events,
    config: {
      url: config.url,
      secret: config.secret,
      content_type: config.content_type ?? 'form',
      insecure_ssl: config.insecure_ssl ?? '0',
    },
    createdAt: now,
    updatedAt: now,
    lastResponse: { code: null, status: 'unused', message: null },
  };
  c.repo.hooks.push(hook);
  ping(c, hook);
  return created(hookShape(c.world, c.repo, hook));
}

function ping(c, hook) {
  c.world.deliveries.sendTo(hook, c.repo, 'ping', pingEvent(c.world, c.repo, hook, c.sender));
}

function update(c) {
  const hook = find(c);
  const { config, events, add_events: added = [], remove_events: removed = [], active } = c.body;
  // A config that is given replaces the old one, the secret included.
  if (config) {
    checkUrl(config.url ?? hook.config.url);
    hook.config = { content_type: 'form', insecure_ssl: '0', url: hook.config.url, ...config };
  }
  if (events) hook.events = events;
  hook.events = [...new Set([...hook.events, ...added])].filter((name) => !removed.includes(name));
  if (active !== undefined) hook.active = active;
  hook.updatedAt = c.world.stamp();
  return hookShape(c.world, c.repo, hook);
}

function deliveries(c) {
  const hook = find(c);
  return c.world.deliveries
    .of(hook)
    .slice(0, Number(c.query.per_page ?? 30))
    .map(deliveryShape);
}

const deliveryShape = (one) => ({
  id: one.id,
  guid: one.guid,
  delivered_at: one.at,
  redelivery: one.redelivery,
  duration: one.duration,
  status: one.code ? (one.code < 300 ? 'OK' : 'Invalid HTTP Response') : 'failed to connect to host',
  status_code: one.code ?? 0,
  event: one.event,
  action: one.payload.action ?? null,
  installation_id: one.payload.installation?.id ?? null,
  repository_id: one.payload.repository?.id ?? null,
  throttled_at: null,
});

const reads = (run) => ({ needs: 'repository_hooks:read', as: 'admin', run });
const writes = (run) => ({ needs: 'repository_hooks:write', as: 'admin', run });

export default {
  'repos/list-webhooks': reads((c) => c.page(c.repo.hooks).map((hook) => hookShape(c.world, c.repo, hook))),
  'repos/get-webhook': reads((c) => hookShape(c.world, c.repo, find(c))),
  'repos/create-webhook': writes(create),
  'repos/update-webhook': writes(update),
  'repos/delete-webhook': writes((c) => {
    const hook = find(c);
    c.repo.hooks = c.repo.hooks.filter((one) => one !== hook);
    return nothing();
  }),
  'repos/ping-webhook': writes((c) => {
    ping(c, find(c));
    return nothing();
  }),
  'repos/list-webhook-deliveries': reads(deliveries),
  'repos/redeliver-webhook-delivery': writes((c) => {
    c.world.deliveries.redeliver(c.params.delivery_id);
    return accepted();
  }),
  'apps/list-webhook-deliveries': {
    app: true,
    run: (c) =>
      c.world.deliveries
        .of('app')
        .slice(0, Number(c.query.per_page ?? 30))
        .map(deliveryShape),
  },
  'apps/redeliver-webhook-delivery': {
    app: true,
    run: (c) => {
      c.world.deliveries.redeliver(c.params.delivery_id);
      return accepted();
    },
  },
};
