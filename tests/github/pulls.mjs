export async function updatePulls() {}
