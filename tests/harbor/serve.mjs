// Runs the model of Harbor: prints one line of JSON that says where it is, and ends when its input does. `control` takes
// `GET /violations`, `GET /requests`, `POST /faults`.
import { createServer } from 'node:http';
import { startHarbor } from './server.mjs';

const harbor = await startHarbor();
const control = createServer(async (request, response) => {
  const send = (status, body) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  if (request.method === 'GET' && request.url === '/violations') return send(200, harbor.violations);
  if (request.method === 'GET' && request.url === '/requests') return send(200, harbor.requests);
  if (request.method === 'POST' && request.url === '/faults') {
    let text = '';
    for await (const chunk of request) text += chunk;
    harbor.faults.push(...[JSON.parse(text)].flat().map((one) => ({ times: 1, ...one })));
    return send(200, harbor.faults);
  }
  return send(404, { error: 'there is only GET /violations, GET /requests, POST /faults' });
});
await new Promise((resolve) => control.listen(0, '127.0.0.1', resolve));
process.stdout.write(`${JSON.stringify({ url: harbor.url, host: harbor.host, admin: harbor.admin, control: `http://127.0.0.1:${control.address().port}` })}\n`);
process.stdin.resume();
process.stdin.once('end', async () => {
  await harbor.stop();
  process.exit(0);
});
