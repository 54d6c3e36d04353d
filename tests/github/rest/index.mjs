// Every operation the model knows, by its id in GitHub's description:
// what an app must be permitted (`needs`), what a person must be (`as`), whether it counts as content, and what it does.
import access from './access.mjs';
import accounts from './accounts.mjs';
import actions from './actions.mjs';
import apps from './apps.mjs';
import checks from './checks.mjs';
import commits from './commits.mjs';
import contents from './contents.mjs';
import environments from './environments.mjs';
import gitData from './git-data.mjs';
import hooks from './hooks.mjs';
import issues from './issues.mjs';
import pages from './pages.mjs';
import protection from './protection.mjs';
import pulls from './pulls.mjs';
import repositories from './repositories.mjs';
import rulesets from './rulesets.mjs';
import secrets from './secrets.mjs';
import settings from './settings.mjs';
import { operationIds } from '../description.mjs';

export const operations = {
  ...access,
  ...accounts,
  ...actions,
  ...apps,
  ...checks,
  ...commits,
  ...contents,
  ...environments,
  ...gitData,
  ...hooks,
  ...issues,
  ...pages,
  ...protection,
  ...pulls,
  ...repositories,
  ...rulesets,
  ...secrets,
  ...settings,
};

for (const id of Object.keys(operations)) if (!operationIds.has(id)) throw new Error(`GitHub's description has no operation ${id}`);
