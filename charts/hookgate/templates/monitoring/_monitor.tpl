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

{{/*
What both ask of a port: (list $ $values).

honorLabels: the label `namespace` of our metrics is the tenant's, and not where the pod is. So it is `job` that says
which installation a series is of, the same for gateway and operator and whichever kind of monitor finds them: rules
and dashboards tell installations apart by it. What the values add comes after and may say otherwise.
*/}}
{{- define "hookgate.monitor.endpoint" -}}
{{- $root := index . 0 -}}
{{- with index . 1 -}}
port: metrics
path: /metrics
honorLabels: true
{{- with .interval }}
interval: {{ . | quote }}
{{- end }}
{{- with .scrapeTimeout }}
scrapeTimeout: {{ . | quote }}
{{- end }}
relabelings:
  - targetLabel: job
    replacement: {{ printf "%s/%s" $root.Release.Namespace (include "hookgate.fullname" $root) | quote }}
{{- with .relabelings }}
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .metricRelabelings }}
metricRelabelings:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end -}}
