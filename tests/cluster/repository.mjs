// A bare Git repository with a small chart in it, for the tests of the clusters themselves.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const CHART = {
  'chart/Chart.yaml': 'apiVersion: v2\nname: web\nversion: 1.0.0\n',
  'chart/values.yaml': 'image: ghcr.io/acme/web:1\nreplicas: 1\nfault: ""\nextra: true\n',
  'chart/templates/deployment.yaml': `apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
spec:
  replicas: {{ .Values.replicas }}
  selector:
    matchLabels: { app: {{ .Release.Name }} }
  template:
    metadata:
      labels: { app: {{ .Release.Name }} }
      {{- with .Values.fault }}
      annotations: { acme.test/fault: {{ . }} }
      {{- end }}
    spec:
      containers:
        - { name: web, image: {{ .Values.image }} }
`,
  'chart/templates/config.yaml': '{{- if .Values.extra }}\napiVersion: v1\nkind: ConfigMap\nmetadata: { name: {{ .Release.Name }}-extra }\ndata: { image: {{ .Values.image }} }\n{{- end }}\n',
  'chart/templates/migrate.yaml': `apiVersion: batch/v1
kind: Job
metadata:
  name: {{ .Release.Name }}-migrate
  annotations: { argocd.argoproj.io/hook: PreSync }
spec:
  template:
    spec:
      restartPolicy: Never
      containers:
        - { name: migrate, image: {{ .Values.image }} }
`,
  'envs/dev/values.yaml': 'replicas: 2\n',
};

/** Makes one; `commit(files)` adds to it and answers the commit, `url` is what Argo CD reads. */
export function repository() {
  const folder = mkdtempSync(path.join(tmpdir(), 'chart-repository-'));
  const work = path.join(folder, 'work');
  const git = (...args) => execFileSync('git', ['-C', work, '-c', 'user.name=Ada', '-c', 'user.email=ada@acme.test', ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
  const bare = path.join(folder, 'web.git');
  execFileSync('git', ['init', '--quiet', '--bare', '--initial-branch=main', bare]);
  execFileSync('git', ['clone', '--quiet', bare, work], { stdio: 'ignore' });
  const commit = (files) => {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(path.dirname(path.join(work, name)), { recursive: true });
      writeFileSync(path.join(work, name), text);
    }
    git('add', '--all');
    git('commit', '--quiet', '--message=Change');
    git('push', '--quiet', 'origin', 'HEAD:main');
    return git('rev-parse', 'HEAD');
  };
  const first = commit(CHART);
  return { url: `file://${bare}`, first, commit, forget: () => rmSync(folder, { recursive: true, force: true }) };
}
