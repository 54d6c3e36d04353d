export function branchRules() { return { any: false }; }
