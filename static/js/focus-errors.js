// After an answer was refused, the summary is where reading continues.
export function start() {
  document.getElementById('errors')?.focus();
}
