export const worldState = (world) => ({ id: world.id });
