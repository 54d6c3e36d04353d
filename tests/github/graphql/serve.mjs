export async function serveGraphql() { return { status: 501, body: {} }; }
