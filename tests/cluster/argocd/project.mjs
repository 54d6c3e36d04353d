// What an AppProject allows: repositories, destinations and kinds, by its lists with `*` and `!`.

/** The conditions of an Application that its project does not allow, as sentences. */
export function refusals(project, name, sources, destination, cluster) {
  if (!project) return [`Application referencing project ${name} which does not exist`];
  const { sourceRepos = [], destinations = [] } = project.spec;
  const refused = sources.filter(({ repoURL }) => !listed(sourceRepos, repoURL)).map(({ repoURL }) => `application repo ${repoURL} is not permitted in project '${name}'`);
  if (!destinationAllowed(destinations, { server: cluster.server, name: cluster.name, namespace: destination.namespace ?? '' })) {
    refused.push(`application destination server '${cluster.server}' and namespace '${destination.namespace ?? ''}' do not match any of the allowed destinations in project '${name}'`);
  }
  return refused;
}

/** Whether objects of a kind may be applied, there. */
export function kindAllowed(project, { group, kind, name, namespace, namespaced }, cluster) {
  const { clusterResourceWhitelist, clusterResourceBlacklist, namespaceResourceWhitelist, namespaceResourceBlacklist } = project.spec;
  const within = (list) => (list ?? []).some((one) => matches(one.group, group) && matches(one.kind, kind) && (!one.name || matches(one.name, name)));
  if (!namespaced) return within(clusterResourceWhitelist) && !within(clusterResourceBlacklist);
  if (namespaceResourceWhitelist && !within(namespaceResourceWhitelist)) return false;
  return !within(namespaceResourceBlacklist) && destinationAllowed(project.spec.destinations ?? [], { server: cluster.server, name: cluster.name, namespace });
}

function destinationAllowed(destinations, wanted) {
  const fits = (one, deny) => {
    const bare = (value) => (deny ? value.replace(/^!/, '') : value);
    const server = one.server !== undefined ? matches(bare(one.server), wanted.server) : one.name !== undefined && matches(bare(one.name), wanted.name);
    return server && matches(bare(one.namespace ?? ''), wanted.namespace);
  };
  const denying = ({ server = '', name = '', namespace = '' }) => [server, name, namespace].some((value) => value.startsWith('!'));
  return destinations.some((one) => !denying(one) && fits(one, false)) && !destinations.some((one) => denying(one) && fits(one, true));
}

function listed(patterns, value) {
  const plain = (url) => url.replace(/\.git$/, '').toLowerCase();
  const allowed = patterns.some((one) => !one.startsWith('!') && matches(plain(one), plain(value)));
  return allowed && !patterns.some((one) => one.startsWith('!') && matches(plain(one.slice(1)), plain(value)));
}

function matches(pattern, value) {
  return new RegExp(`^${pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&')).join('.*')}$`).test(value);
}
