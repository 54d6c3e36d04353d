// The files that differ between two trees, as GitHub lists them.
const EMPTY = '4b825dc642cb6eb9a060e54bf8d69288fbee4904';
const STATUS = { A: 'added', D: 'removed', M: 'modified', T: 'changed', R: 'renamed', C: 'copied' };

/** `{filename, status, sha, additions, deletions, patch, previous}` of every changed file. */
export async function changedFiles(git, from, to) {
  const base = from ?? EMPTY;
  const options = ['-M', '--no-color', '--no-ext-diff', base, to];
  const [raw, numbers, patches] = await Promise.all([
    git.text('diff', '--raw', '-z', '--no-abbrev', ...options),
    git.text('diff', '--numstat', '-z', ...options),
    git.text('diff', '-p', ...options),
  ]);
  const files = parseRaw(raw);
  const counts = parseNumbers(numbers);
  const texts = parsePatches(patches);
  files.forEach((file, index) => Object.assign(file, counts[index], texts[index] ? { patch: texts[index] } : {}));
  return files;
}

function parseRaw(text) {
  const parts = text.split('\0');
  const files = [];
  for (let at = 0; at < parts.length - 1;) {
    const [, , old, sha, status] = parts[at].slice(1).split(' ');
    const letter = status[0];
    const renamed = letter === 'R' || letter === 'C';
    const names = renamed ? [parts[at + 1], parts[at + 2]] : [parts[at + 1], parts[at + 1]];
    files.push({
      filename: names[1],
      previous: renamed ? names[0] : undefined,
      status: STATUS[letter] ?? 'changed',
      sha: letter === 'D' ? old : sha,
    });
    at += renamed ? 3 : 2;
  }
  return files;
}

function parseNumbers(text) {
  const parts = text.split('\0');
  const counts = [];
  for (let at = 0; at < parts.length - 1;) {
    const [added, deleted, name] = parts[at].split('\t');
    counts.push({ additions: Number(added) || 0, deletions: Number(deleted) || 0 });
    // A renamed file has its two names in fields of their own.
    at += name ? 1 : 3;
  }
  return counts;
}

function parsePatches(text) {
  return text
    .split(/^diff --git /m)
    .slice(1)
    .map((part) => {
      const start = part.indexOf('\n@@');
      return start < 0 ? undefined : part.slice(start + 1).trimEnd();
    });
}
