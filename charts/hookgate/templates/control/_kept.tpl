{{/*
The data of a Secret of this release as it is in the cluster, as YAML; nothing without one, and nothing
where Helm has no cluster (helm template): then it is as if this were the first install.
*/}}
{{- define "hookgate.kept" -}}
{{- $root := index . 0 -}}
{{- $found := lookup "v1" "Secret" $root.Release.Namespace (index . 1) -}}
{{- with $found -}}
{{- default dict .data | toYaml -}}
{{- end -}}
{{- end -}}
