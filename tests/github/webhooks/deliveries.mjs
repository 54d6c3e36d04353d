// Sends webhooks: signed, with GitHub's headers, and kept so that they can be sent again.
import { createHmac, randomUUID } from 'node:crypto';
import { covers } from '../roles.mjs';
import { checkPayload } from './schema.mjs';

const KEPT = 1000;
const TIMEOUT = 10_000;

export class Deliveries {
  constructor(world, settings) {
    this.world = world;
    this.settings = settings ?? {};
    this.all = [];
    this.running = new Set();
  }

  stop() {
    this.stopped = true;
  }

  /** The installation of the app that hears of something in a repository or an organization. */
  installation(place) {
    return this.world.app?.installations.find(
      (one) => !one.suspended && !one.deleted && (place.git ? covers({ installation: one }, place) : one.account === place),
    );
  }

  /** Delivers an event of a repository or an account to the app and to the hooks there. */
  send(place, event, make) {
    const installation = this.installation(place);
    const hooks = [...(place.hooks ?? []), ...(place.git && place.owner.hooks ? place.owner.hooks : [])].filter(
      (hook) => hook.active && (hook.events.includes(event) || hook.events.includes('*')),
    );
    const toApp = this.settings.url && (installation || !this.world.app);
    if (!toApp && !hooks.length) return;
    const payload = JSON.parse(JSON.stringify(make()));
    if (toApp)
      this.deliver(
        this.appTarget(),
        event,
        installation
          ? { ...payload, installation: { id: installation.id, node_id: Buffer.from(`Installation${installation.id}`).toString('base64') } }
          : payload,
      );
    for (const hook of hooks) this.deliver(hookTarget(hook, place), event, payload);
  }

  /** Delivers an event of the app itself: it is installed, suspended, given repositories. */
  sendApp(event, payload) {
    if (this.settings.url) this.deliver(this.appTarget(), event, JSON.parse(JSON.stringify(payload)));
  }

  sendTo(hook, place, event, payload) {
    this.deliver(hookTarget(hook, place), event, JSON.parse(JSON.stringify(payload)));
  }

  appTarget() {
    const { app } = this.world;
    return {
      key: 'app',
      url: this.settings.url,
      secret: app?.webhookSecret ?? this.settings.secret,
      hookId: app?.id ?? 1,
      type: 'integration',
      targetId: app?.id ?? 1,
      form: false,
    };
  }

  deliver(target, event, payload) {
    const wrong = checkPayload(event, payload);
    if (wrong.length) this.world.violation({ event, action: payload.action ?? null, kind: 'webhook' }, wrong);
    const delivery = {
      id: this.world.newId(),
      guid: randomUUID(),
      event,
      payload,
      target,
      at: this.world.stamp(),
      redelivery: false,
      duration: 0,
      code: null,
    };
    this.all.push(delivery);
    if (this.all.length > KEPT) this.all.shift();
    if (!this.settings.paused) this.start(delivery);
  }

  start(delivery) {
    const sending = post(delivery)
      .then((code) => {
        Object.assign(delivery, { code });
        if (delivery.target.hook)
          delivery.target.hook.lastResponse = {
            code,
            status: code && code < 300 ? 'active' : 'misconfigured',
            message: code ? 'OK' : 'failed to connect',
          };
      })
      .finally(() => this.running.delete(sending));
    this.running.add(sending);
  }

  /** Sends a delivery again, by its number or its GUID: the same GUID, the same body. */
  async redeliver(id) {
    const old = this.all.find((one) => String(one.id) === String(id) || one.guid === id);
    if (!old) throw new Error(`no delivery ${id}`);
    const delivery = { ...old, id: this.world.newId(), at: this.world.stamp(), redelivery: true, code: null };
    this.all.push(delivery);
    this.start(delivery);
    await this.settled();
    return { id: delivery.id, guid: delivery.guid, code: delivery.code };
  }

  async settled() {
    while (this.running.size) await Promise.allSettled([...this.running]);
  }

  of(target) {
    return this.all.filter((one) => (target === 'app' ? one.target.key === 'app' : one.target.hook === target)).reverse();
  }

  async list() {
    await this.settled();
    return {
      body: this.all.map(({ id, guid, event, payload, target, at, redelivery, code }) => ({
        id,
        guid,
        event,
        action: payload.action ?? null,
        url: target.url,
        at,
        redelivery,
        code,
        payload,
      })),
    };
  }
}

const hookTarget = (hook, place) => ({
  key: `hook ${hook.id}`,
  hook,
  url: hook.config.url,
  secret: hook.config.secret,
  hookId: hook.id,
  type: 'repository',
  targetId: place.id,
  form: hook.config.content_type !== 'json',
});

async function post({ target, event, payload, guid }) {
  const json = JSON.stringify(payload);
  const body = target.form ? `payload=${encodeURIComponent(json)}` : json;
  const sign = (algorithm) => `${algorithm}=${createHmac(algorithm, target.secret).update(body).digest('hex')}`;
  const headers = {
    'user-agent': 'GitHub-Hookshot/7d4b7ab',
    accept: '*/*',
    'content-type': target.form ? 'application/x-www-form-urlencoded' : 'application/json',
    'x-github-event': event,
    'x-github-delivery': guid,
    'x-github-hook-id': String(target.hookId),
    'x-github-hook-installation-target-id': String(target.targetId),
    'x-github-hook-installation-target-type': target.type,
    'x-github-enterprise-host': '127.0.0.1',
    'x-github-enterprise-version': '3.19.0',
    ...(target.secret ? { 'x-hub-signature': sign('sha1'), 'x-hub-signature-256': sign('sha256') } : {}),
  };
  try {
    const response = await fetch(target.url, { method: 'POST', headers, body, redirect: 'manual', signal: AbortSignal.timeout(TIMEOUT) });
    await response.arrayBuffer();
    return response.status;
  } catch {
    return null;
  }
}
