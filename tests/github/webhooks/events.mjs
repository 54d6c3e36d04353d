export const pushEvent = () => ({});
export const repositoryEvent = () => ({});
