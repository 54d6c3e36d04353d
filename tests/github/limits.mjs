// GitHub's limits as documented: requests an hour, points a minute, content a minute and an hour, requests at once.
import { Halt } from './errors.mjs';

const DEFAULTS = {
  primaryPerHour: 5000,
  anonymousPerHour: 60,
  graphqlPerHour: 5000,
  contentPerMinute: 80,
  contentPerHour: 500,
  concurrent: 100,
  pointsPerMinute: 900,
  graphqlPointsPerMinute: 2000,
  treeEntries: 100_000,
  enforce: true,
};

export class Limits {
  constructor(clock, given = {}) {
    this.clock = clock;
    this.settings = { ...DEFAULTS, ...given };
    this.actors = new Map();
  }

  of(key) {
    if (!this.actors.has(key)) this.actors.set(key, { running: 0, points: [], content: [], windows: new Map() });
    return this.actors.get(key);
  }

  window(actor, resource) {
    const { windows } = this.of(actor.key);
    const now = this.clock.seconds();
    let found = windows.get(resource);
    if (!found || found.reset <= now) {
      found = { used: 0, reset: now + 3600 };
      windows.set(resource, found);
    }
    return found;
  }

  limitOf(actor, resource) {
    if (resource === 'graphql') return this.settings.graphqlPerHour;
    return actor.kind === 'anonymous'
      ? Math.min(this.settings.anonymousPerHour, this.settings.primaryPerHour)
      : this.settings.primaryPerHour;
  }

  /** What is left of a resource, as headers and `GET /rate_limit` tell it. */
  state(actor, resource = 'core') {
    const limit = this.limitOf(actor, resource);
    const { used, reset } = this.window(actor, resource);
    return { limit, used, remaining: Math.max(0, limit - used), reset };
  }

  headers(actor, resource) {
    const { limit, used, remaining, reset } = this.state(actor, resource);
    return {
      'x-ratelimit-limit': limit,
      'x-ratelimit-remaining': remaining,
      'x-ratelimit-used': used,
      'x-ratelimit-reset': reset,
      'x-ratelimit-resource': resource,
    };
  }

  /** Refuses a request that is over a limit, and counts it otherwise. Returns what must be called when it is answered. */
  admit(actor, { resource = 'core', points, cost = 1, content }, requestId) {
    const known = this.of(actor.key);
    const now = this.clock.now();
    known.points = known.points.filter(({ time }) => time > now - 60_000);
    known.content = known.content.filter((time) => time > now - 3_600_000);
    if (this.settings.enforce) {
      const primary = this.state(actor, resource);
      if (primary.remaining < cost)
        throw new Halt(
          403,
          `API rate limit exceeded for ${actor.words}. If you reach out to GitHub Support for help, please include the request ID ${requestId}.`,
        );
      this.secondary(known, { resource, points, content, now }, requestId);
    }
    const window = this.window(actor, resource);
    window.used += cost;
    known.points.push({ time: now, points, resource });
    if (content) known.content.push(now);
    known.running += 1;
    return {
      done: () => {
        known.running -= 1;
      },
      // An answer "not modified" is free to whoever says who they are.
      free: () => {
        window.used -= cost;
      },
    };
  }

  secondary(known, { resource, points, content, now }, requestId) {
    const { concurrent, pointsPerMinute, graphqlPointsPerMinute, contentPerMinute, contentPerHour } = this.settings;
    if (known.running >= concurrent) throw secondary(requestId, 60);
    const own = known.points.filter((entry) => entry.resource === resource);
    const spent = own.reduce((sum, entry) => sum + entry.points, 0);
    if (own.length && spent + points > (resource === 'graphql' ? graphqlPointsPerMinute : pointsPerMinute))
      throw secondary(requestId, wait(own[0].time + 60_000, now));
    if (!content) return;
    const minute = known.content.filter((time) => time > now - 60_000);
    if (minute.length >= contentPerMinute) throw secondary(requestId, wait(minute[0] + 60_000, now));
    if (known.content.length >= contentPerHour) throw secondary(requestId, wait(known.content[0] + 3_600_000, now));
  }
}

const wait = (until, now) => Math.max(1, Math.ceil((until - now) / 1000));

/** The refusal of the limits that are not told in headers. */
export function secondary(requestId, retryAfter = 60, status = 403) {
  return new Halt(
    status,
    {
      message: `You have exceeded a secondary rate limit. Please wait a few minutes before you try again. If you reach out to GitHub Support for help, please include the request ID ${requestId}.`,
      documentation_url: 'https://docs.github.com/rest/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits',
    },
    { 'retry-after': retryAfter },
  );
}
