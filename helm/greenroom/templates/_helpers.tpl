{{/* The name of every object: the release's, with the chart's where that says something new. */}}
{{- define "greenroom.name" -}}
{{- $chart := .Values.nameOverride | default .Chart.Name -}}
{{- if contains $chart .Release.Name -}}
{{ .Release.Name | trunc 52 | trimSuffix "-" }}
{{- else -}}
{{ printf "%s-%s" .Release.Name $chart | trunc 52 | trimSuffix "-" }}
{{- end -}}
{{- end }}

{{/* What never changes in an object's life. */}}
{{- define "greenroom.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "greenroom.labels" -}}
{{ include "greenroom.selector" . }}
app.kubernetes.io/version: {{ .Values.image.tag | default .Chart.AppVersion | trunc 63 | trimAll "-._" | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- with .Values.labels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* By digest where it is known: a tag can be moved. */}}
{{- define "greenroom.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- end }}
{{- end }}
{{- end }}

{{- define "greenroom.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{ .Values.serviceAccount.name | default (include "greenroom.name" .) }}
{{- else -}}
{{ .Values.serviceAccount.name | default "default" }}
{{- end }}
{{- end }}

{{/* The configuration file: what the values say, with the address. */}}
{{- define "greenroom.config" -}}
{{- $own := dict "backend" (dict "baseUrl" .Values.baseUrl) -}}
{{- mergeOverwrite (deepCopy .Values.config) $own | toYaml -}}
{{- end }}

{{/* Whether configuration lets guests in; "true" or nothing. */}}
{{- define "greenroom.guests" -}}
{{- dig "auth" "providers" "guest" "dangerouslyAllowOutsideDevelopment" "" .Values.config -}}
{{- end }}
