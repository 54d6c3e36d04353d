export async function act() {}
