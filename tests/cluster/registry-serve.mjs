// Runs a registry with passwords: prints one line of JSON that says where it is, and ends when its input does.
import { startRegistry } from './registry.mjs';

const users = { ci: 'push-secret', cluster: 'pull-secret' };
const registry = await startRegistry({ users });
const [name] = Object.keys(users);
process.stdout.write(`${JSON.stringify({ url: registry.url, host: registry.host, admin: { name, password: users[name] } })}\n`);
process.stdin.resume();
process.stdin.once('end', async () => {
  await registry.stop();
  process.exit(0);
});
