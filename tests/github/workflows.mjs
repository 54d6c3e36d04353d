export function workflowsAfterPush() {}
