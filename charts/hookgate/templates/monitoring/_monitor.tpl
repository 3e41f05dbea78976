{{/*
What ServiceMonitors and PodMonitors have in common.
*/}}

{{/* The components that are installed, as YAML. */}}
{{- define "hookgate.components" -}}
- gateway
{{- if .Values.operator.enabled }}
- operator
{{- end }}
{{- end -}}

{{/* Namespace, labels and annotations: (list $ "gateway" $values). */}}
{{- define "hookgate.monitor.metadata" -}}
{{- $root := index . 0 -}}
{{- $component := index . 1 -}}
{{- $values := index . 2 -}}
namespace: {{ default $root.Release.Namespace $values.namespace | quote }}
labels:
  {{- include "hookgate.labelsWith" (list $root $component $values.labels) | nindent 2 }}
{{- with include "hookgate.annotations" (list $values.annotations) }}
{{ . }}
{{- end }}
{{- end -}}

{{- define "hookgate.monitor.selector" -}}
{{- $root := index . 0 -}}
selector:
  matchLabels:
    {{- include "hookgate.selectorLabels" . | nindent 4 }}
namespaceSelector:
  matchNames: [{{ $root.Release.Namespace | quote }}]
{{- end -}}

{{/* honorLabels: the label `namespace` of our metrics is the tenant's, and not where the pod is. */}}
{{- define "hookgate.monitor.endpoint" -}}
port: metrics
path: /metrics
honorLabels: true
{{- with .interval }}
interval: {{ . | quote }}
{{- end }}
{{- with .scrapeTimeout }}
scrapeTimeout: {{ . | quote }}
{{- end }}
{{- with .relabelings }}
relabelings:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .metricRelabelings }}
metricRelabelings:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
