// The registry that other tests push to.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startRegistry } from './registry.mjs';

test('the registry lets in who has a password, and keeps what is pushed', async (t) => {
  const registry = await startRegistry({ users: { ci: 'push-secret', cluster: 'pull-secret' } });
  t.after(() => registry.stop());
  const stranger = await fetch(`${registry.url}/v2/`);
  assert.equal(stranger.status, 401);
  assert.match(stranger.headers.get('www-authenticate'), /^Basic realm="registry"/);
  const { digest } = await registry.push('acme/web', ['1.0.0', 'latest'], { labels: { 'org.opencontainers.image.revision': 'abc' } });
  assert.deepEqual((await registry.tags('acme/web')).sort(), ['1.0.0', 'latest']);
  const manifest = await registry.request('HEAD', '/v2/acme/web/manifests/1.0.0', { user: 'cluster', headers: { accept: 'application/vnd.oci.image.manifest.v1+json' } });
  assert.equal(manifest.headers.get('docker-content-digest'), digest);
});
