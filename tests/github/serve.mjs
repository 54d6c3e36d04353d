// Runs the model of GitHub: prints where its control API listens, and ends when its input does.
import { closeAll, control } from './control.mjs';

process.stdout.write(`listening on ${await control()}\n`);
process.stdin.resume();
process.stdin.once('end', () => {
  closeAll();
  process.exit(0);
});
