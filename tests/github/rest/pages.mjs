// GitHub Pages of a repository.
import { created, nothing } from '../call.mjs';
import { Halt, notFound, unprocessable } from '../errors.mjs';
import { repositoryUrl } from '../shapes/repositories.mjs';

function shape(c) {
  const { pages } = c.repo;
  const shown = {
    url: `${repositoryUrl(c.world, c.repo)}/pages`,
    status: null,
    cname: null,
    custom_404: false,
    html_url: `${c.world.url}/pages/${c.repo.owner.login}/${c.repo.name}/`,
    build_type: pages.buildType,
    public: c.repo.visibility === 'public',
    https_enforced: true,
  };
  if (pages.source) shown.source = pages.source;
  return shown;
}

/** The source must be a branch that is there; a workflow needs none. */
function sourceOf(c, { build_type: type = 'legacy', source }) {
  if (type === 'workflow') return undefined;
  if (!source) throw unprocessable('Invalid request.\n\n"source" wasn\'t supplied.');
  if (!c.git.branch(source.branch)) throw unprocessable(`The ${source.branch} branch must exist before GitHub Pages can be built.`);
  return { branch: source.branch, path: source.path ?? '/' };
}

function create(c) {
  if (c.repo.pages) throw new Halt(409, 'GitHub Pages is already enabled.');
  if (c.repo.visibility !== 'public' && (c.repo.owner.plan ?? 'free') === 'free')
    throw unprocessable('Your current plan does not support GitHub Pages for this repository.');
  const body = c.body ?? {};
  c.repo.pages = { buildType: body.build_type ?? 'legacy', source: sourceOf(c, body) ?? { branch: c.repo.defaultBranch, path: '/' } };
  return created(shape(c));
}

function update(c) {
  if (!c.repo.pages) throw notFound();
  const { build_type: buildType, source } = c.body;
  if (buildType) c.repo.pages.buildType = buildType;
  if (source && typeof source === 'object') c.repo.pages.source = sourceOf(c, { source });
  return nothing();
}

export default {
  'repos/get-pages': {
    needs: 'pages:read',
    as: 'read',
    run: (c) => {
      if (!c.repo.pages) throw notFound();
      return shape(c);
    },
  },
  'repos/create-pages-site': { needs: 'pages:write', as: 'maintain', run: create },
  'repos/update-information-about-pages-site': { needs: 'pages:write', as: 'maintain', run: update },
  'repos/delete-pages-site': {
    needs: 'pages:write',
    as: 'maintain',
    run: (c) => {
      if (!c.repo.pages) throw notFound();
      c.repo.pages = undefined;
      return nothing();
    },
  },
};
