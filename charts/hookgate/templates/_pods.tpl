{{/*
What the pods of both components have in common: (list $ "gateway").
*/}}

{{- define "hookgate.pod.metadata" -}}
{{- $root := index . 0 -}}
{{- $component := index . 1 -}}
{{- $values := get $root.Values $component -}}
{{- /* A new version of the chart alone is no reason to start the only gateway anew. */ -}}
labels:
  {{- omit (include "hookgate.labelsWith" (list $root $component $values.podLabels) | fromYaml) "helm.sh/chart" | toYaml | nindent 2 }}
{{- with include "hookgate.annotations" (list $values.podAnnotations) }}
{{ . }}
{{- end }}
{{- end -}}

{{/* What stands in a pod's spec beside its containers and volumes. */}}
{{- define "hookgate.pod.common" -}}
{{- $root := index . 0 -}}
{{- $component := index . 1 -}}
{{- $values := get $root.Values $component -}}
serviceAccountName: {{ include (printf "hookgate.%s.serviceAccount" $component) $root | quote }}
automountServiceAccountToken: false
{{- /* A Service called hookgate would become HOOKGATE_PORT, which reads like a misspelt setting. */}}
enableServiceLinks: false
{{- with $root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.podSecurityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- with $values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- range . }}
  - {{- toYaml (merge (dict) . (dict "labelSelector" (dict "matchLabels" (include "hookgate.selectorLabels" (list $root $component) | fromYaml)))) | nindent 4 }}
  {{- end }}
{{- end }}
{{- with $values.initContainers }}
initContainers:
  {{- tpl (toYaml .) $root | nindent 2 }}
{{- end }}
{{- end -}}

{{/* A container but for its volume mounts, which come last. */}}
{{- define "hookgate.pod.container" -}}
{{- $root := index . 0 -}}
{{- $component := index . 1 -}}
{{- $values := get $root.Values $component -}}
name: {{ $component | quote }}
image: {{ include "hookgate.image" $root | quote }}
imagePullPolicy: {{ $root.Values.image.pullPolicy }}
args: [{{ $component }}]
{{- with $values.containerSecurityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
env:
  {{- range $name, $value := include (printf "hookgate.%s.environment" $component) $root | fromYaml }}
  - name: {{ $name | quote }}
    value: {{ $value | quote }}
  {{- end }}
  {{- with $values.extraEnv }}
  {{- tpl (toYaml .) $root | nindent 2 }}
  {{- end }}
{{- with $values.extraEnvFrom }}
envFrom:
  {{- tpl (toYaml .) $root | nindent 2 }}
{{- end }}
{{- range $probe := list "startupProbe" "livenessProbe" "readinessProbe" }}
{{- with get $values $probe }}
{{ $probe }}:
  httpGet:
    path: {{ eq $probe "readinessProbe" | ternary "/readyz" "/healthz" | quote }}
    port: metrics
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- with $values.lifecycle }}
lifecycle:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.resources }}
resources:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* A Secret as a file that only the pod's group reads: (list VOLUME SECRET KEY FILE KEY FILE ...). */}}
{{- define "hookgate.pod.secretVolume" -}}
- name: {{ index . 0 | quote }}
  secret:
    secretName: {{ index . 1 | quote }}
    defaultMode: 0440
    items:
      {{- range $index, $key := slice . 2 }}
      {{- if eq (mod $index 2) 0 }}
      - key: {{ $key | quote }}
        path: {{ index $ (int (add $index 3)) | quote }}
      {{- end }}
      {{- end }}
{{- end -}}
