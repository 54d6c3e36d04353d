// What a query costs and how many nodes it asks for, by GitHub's published formula; and the bounds each connection must have.
const MOST = 100;
const MOST_NODES = 500_000;
/** Fields that take `first` and are connections, here told by what is asked below them. */
const isConnection = (field) =>
  field.selectionSet?.selections.some(
    (one) => one.kind === 'Field' && ['nodes', 'edges', 'pageInfo', 'totalCount'].includes(one.name.value),
  );

export function measure(document, operation, variables) {
  const fragments = new Map(document.definitions.filter(({ kind }) => kind === 'FragmentDefinition').map((one) => [one.name.value, one]));
  const defaults = Object.fromEntries(
    (operation?.variableDefinitions ?? [])
      .filter(({ defaultValue }) => defaultValue)
      .map(({ variable, defaultValue }) => [variable.name.value, Number(defaultValue.value)]),
  );
  const found = { requests: 0, nodes: 0, errors: [] };
  const visit = (selections, times, path) => {
    for (const one of selections ?? []) {
      if (one.kind === 'InlineFragment') visit(one.selectionSet.selections, times, path);
      else if (one.kind === 'FragmentSpread') visit(fragments.get(one.name.value)?.selectionSet.selections, times, path);
      else if (!isConnection(one)) visit(one.selectionSet?.selections, times, [...path, one.alias?.value ?? one.name.value]);
      else {
        const name = one.name.value;
        const at = [...path, one.alias?.value ?? name];
        const wanted = size(one, name, { ...defaults, ...variables }, at, found.errors);
        found.requests += times;
        found.nodes += times * wanted;
        visit(one.selectionSet.selections, times * Math.max(1, wanted), at);
      }
    }
  };
  visit(operation?.selectionSet.selections, 1, [operation?.operation ?? 'query']);
  if (found.nodes > MOST_NODES)
    found.errors.push({
      type: 'MAX_NODE_LIMIT_EXCEEDED',
      message: `This query requests up to ${found.nodes.toLocaleString('en-US')} possible nodes which exceeds the maximum limit of 500,000.`,
    });
  return { cost: Math.max(1, Math.round(found.requests / 100)), nodes: found.nodes, errors: found.errors };
}

function size(field, name, values, path, errors) {
  const location = field.name.loc && { line: field.name.loc.startToken.line, column: field.name.loc.startToken.column };
  const told = (type, message) => errors.push({ type, path, ...(location ? { locations: [location] } : {}), message });
  for (const bound of ['first', 'last']) {
    const given = field.arguments.find((one) => one.name.value === bound)?.value;
    if (!given) continue;
    const value = given.kind === 'Variable' ? values[given.name.value] : Number(given.value);
    if (value === undefined || value === null) continue;
    if (value > MOST)
      told(
        'EXCESSIVE_PAGINATION',
        `Requesting ${value} records on the \`${name}\` connection exceeds the \`${bound}\` limit of ${MOST} records.`,
      );
    return value;
  }
  const onlyCount = field.selectionSet.selections.every((one) => one.kind === 'Field' && one.name.value === 'totalCount');
  if (!onlyCount)
    told(
      'MISSING_PAGINATION_BOUNDARIES',
      `You must provide a \`first\` or \`last\` value to properly paginate the \`${name}\` connection.`,
    );
  return 0;
}
