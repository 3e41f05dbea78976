{{/*
Labels. Those of a selector are for life: nothing in them says a version.
*/}}

{{/* Of one component: (list $ "gateway"). */}}
{{- define "hookgate.selectorLabels" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ include "hookgate.name" $root | quote }}
app.kubernetes.io/instance: {{ $root.Release.Name | quote }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{/* Of everything: (list $ "gateway"), or (list $) for what belongs to no component. */}}
{{- define "hookgate.labels" -}}
{{- $root := index . 0 -}}
{{- $own := dict
    "helm.sh/chart" (printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-")
    "app.kubernetes.io/name" (include "hookgate.name" $root)
    "app.kubernetes.io/instance" $root.Release.Name
    "app.kubernetes.io/version" (regexReplaceAll "[-_.]+$" (default $root.Chart.AppVersion $root.Values.image.tag | replace "+" "_" | trunc 63) "")
    "app.kubernetes.io/managed-by" $root.Release.Service
    "app.kubernetes.io/part-of" "hookgate" -}}
{{- if gt (len .) 1 -}}
{{- $_ := set $own "app.kubernetes.io/component" (index . 1) -}}
{{- end -}}
{{- merge $own (default dict $root.Values.commonLabels) | toYaml -}}
{{- end -}}

{{/* The labels of an object with labels of its own from the values: (list $ "gateway" $labels). */}}
{{- define "hookgate.labelsWith" -}}
{{- $common := include "hookgate.labels" (initial .) | fromYaml -}}
{{- merge $common (default dict (last .)) | toYaml -}}
{{- end -}}

{{/* `annotations:` from several maps, the first one wins; nothing where all are empty. */}}
{{- define "hookgate.annotations" -}}
{{- $all := dict -}}
{{- range . -}}
{{- $all = merge $all (default dict .) -}}
{{- end -}}
{{- with $all -}}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end -}}
{{- end -}}
