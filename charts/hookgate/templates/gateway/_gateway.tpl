{{/* The templates of its claims, a list in YAML: one, or nothing where its volume is another. */}}
{{- define "hookgate.gateway.claims" -}}
{{- with .Values.gateway.persistence -}}
{{- if and .enabled (not .existingClaim) -}}
- apiVersion: v1
  kind: PersistentVolumeClaim
  metadata:
    name: store
    labels:
      {{- merge (include "hookgate.selectorLabels" (list $ "gateway") | fromYaml) (default dict .labels) | toYaml | nindent 6 }}
  {{- with include "hookgate.annotations" (list .annotations) }}
  {{- . | nindent 4 }}
  {{- end }}
  spec:
    accessModes:
      {{- toYaml .accessModes | nindent 6 }}
    {{- with .storageClass }}
    storageClassName: {{ eq . "-" | ternary "" . | quote }}
    {{- end }}
    resources:
      requests:
        storage: {{ .size | quote }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/*
Whole seconds until a gateway that is told to stop is killed. It accepts for the drain, then gives what is
under way the grace, then closes its store: ten seconds more are plenty.
*/}}
{{- define "hookgate.gateway.terminationGracePeriod" -}}
{{- with .Values.gateway -}}
{{- default (ceil (addf .shutdownGraceSeconds .shutdownDrainSeconds 10)) .terminationGracePeriodSeconds | int64 -}}
{{- end -}}
{{- end -}}
