// Reads who calls: the app by its signed token, an installation, a person, or nobody.
import { createPublicKey, verify } from 'node:crypto';
import { iso } from './clock.mjs';
import { Halt, badCredentials } from './errors.mjs';
import { secret } from './ids.mjs';

/** The longest time an app's own token may be valid for. */
const APP_TOKEN_SECONDS = 600;
const DRIFT_SECONDS = 60;

/** The actor of a request by its headers; throws 401 for what is not valid. */
export function identify(world, header, address = '127.0.0.1') {
  if (!header) return { kind: 'anonymous', key: `ip ${address}`, words: address, scopes: new Set() };
  const [scheme, ...rest] = header.trim().split(/\s+/);
  let value = rest.join(' ');
  if (/^basic$/i.test(scheme)) {
    const [name, ...password] = Buffer.from(value, 'base64').toString('utf8').split(':');
    value = password.join(':') && password.join(':') !== 'x-oauth-basic' ? password.join(':') : name;
  } else if (!/^(bearer|token)$/i.test(scheme)) throw badCredentials();
  return value.split('.').length === 3 ? appActor(world, value) : tokenActor(world, value);
}

function tokenActor(world, value) {
  const token = world.tokens.get(value);
  if (!token || token.revoked || (token.expiresAt && token.expiresAt <= world.clock.now())) throw badCredentials();
  if (token.installation) {
    const { installation } = token;
    if (installation.deleted) throw badCredentials();
    if (installation.suspended) throw new Halt(403, 'This installation has been suspended');
    // A permission that was taken from the installation is gone from its tokens too.
    return {
      kind: 'installation',
      key: `installation ${installation.id}`,
      words: `installation ID ${installation.id}`,
      installation,
      permissions: token.permissions,
      repositoryIds: token.repositoryIds,
      token,
      scopes: new Set(),
    };
  }
  return {
    kind: 'user',
    key: `user ${token.user.id}`,
    words: `user ID ${token.user.id}`,
    user: token.user,
    scopes: widen(token.scopes),
    token,
  };
}

/** A scope holds those under it. */
function widen(scopes) {
  const all = new Set(scopes);
  if (all.has('repo')) for (const one of ['public_repo', 'repo:status', 'repo_deployment', 'repo:invite', 'security_events']) all.add(one);
  if (all.has('admin:org')) all.add('write:org');
  if (all.has('write:org')) all.add('read:org');
  if (all.has('user')) for (const one of ['read:user', 'user:email']) all.add(one);
  if (all.has('admin:repo_hook')) all.add('write:repo_hook').add('read:repo_hook');
  return all;
}

function appActor(world, value) {
  const undecodable = () => new Halt(401, 'A JSON web token could not be decoded');
  const [header, payload, signature] = value.split('.');
  let claims;
  try {
    if (JSON.parse(Buffer.from(header, 'base64url')).alg !== 'RS256') throw undecodable();
    claims = JSON.parse(Buffer.from(payload, 'base64url'));
  } catch {
    throw undecodable();
  }
  const { app } = world;
  if (!app) throw new Halt(404, 'Integration not found');
  if (!verify('RSA-SHA256', Buffer.from(`${header}.${payload}`), createPublicKey(app.privateKey), Buffer.from(signature, 'base64url')))
    throw undecodable();
  if (String(claims.iss) !== String(app.id) && claims.iss !== app.clientId)
    throw new Halt(401, "'Issuer' claim ('iss') must be an Integer");
  // Made by the caller's clock, hence checked with the real one.
  const now = Math.floor(Date.now() / 1000);
  if (!Number.isInteger(claims.iat) || claims.iat > now + DRIFT_SECONDS)
    throw new Halt(401, "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued");
  if (!Number.isInteger(claims.exp) || claims.exp <= now)
    throw new Halt(
      401,
      "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires",
    );
  if (claims.exp > now + APP_TOKEN_SECONDS + DRIFT_SECONDS / 6)
    throw new Halt(401, "'Expiration time' claim ('exp') is too far in the future");
  return { kind: 'app', key: `app ${app.id}`, words: `app ID ${app.id}`, app, scopes: new Set() };
}

/** A token for an installation, valid for an hour. */
export function issueInstallationToken(world, installation, permissions, repositoryIds) {
  const value = secret('ghs_');
  const expiresAt = world.clock.now() + 3_600_000;
  world.tokens.set(value, { value, installation, permissions, repositoryIds, expiresAt });
  return { token: value, expires_at: iso(expiresAt) };
}

/** Refuses a person's token that the organization's single sign-on did not authorize. */
export function requireSso(world, actor, account) {
  if (!account?.requiresSso || actor.kind !== 'user' || actor.token.sso.has(account.login.toLowerCase())) return;
  throw new Halt(403, 'Resource protected by organization SAML enforcement. You must grant your OAuth token access to this organization.', {
    'x-github-sso': `required; url=${world.url}/orgs/${account.login}/sso?authorization_request=${secret('', 20)}`,
  });
}
