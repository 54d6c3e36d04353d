// Every operation the model knows, by its id in GitHub's description:
// what an app must be permitted (`needs`), what a person must be (`as`), whether it counts as content, and what it does.
import accounts from './accounts.mjs';
import apps from './apps.mjs';
import commits from './commits.mjs';
import contents from './contents.mjs';
import gitData from './git-data.mjs';
import repositories from './repositories.mjs';
import { operationIds } from '../description.mjs';

export const operations = { ...accounts, ...apps, ...commits, ...contents, ...gitData, ...repositories };

for (const id of Object.keys(operations)) if (!operationIds.has(id)) throw new Error(`GitHub's description has no operation ${id}`);
