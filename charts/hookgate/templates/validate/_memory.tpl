{{/*
The limit of the gateway's memory, and what it may take: the bodies that it is let to hold, and the rest. With a limit
below that two tenants could have it killed. What is no quantity Kubernetes refuses itself.
*/}}
{{- define "hookgate.validate.memory" -}}
{{- $limit := include "hookgate.number" (dig "limits" "memory" "" (default dict .Values.gateway.resources)) -}}
{{- if regexMatch "^[0-9]*[.]?[0-9]+([eE][0-9]+)?(m|[kMGTPE]|[KMGTPE]i)?$" $limit -}}
{{- with .Values.gateway.limits -}}
{{- $bodies := default 872415232 .bodyMemoryBytes | int64 }}
{{- $needed := add $bodies (mul 30 (default 8388608 .maxBodyBytes | int64)) 268435456 }}
{{- if lt (include "hookgate.bytes" $limit | float64) (float64 $needed) }}
- {{ printf "gateway.resources.limits.memory is %s, and the gateway may take %dMi: bodies as gateway.limits.bodyMemoryBytes has it (%d), 30 times the largest report (gateway.limits.maxBodyBytes), and 256Mi. Raise the limit, or lower the two." $limit (div (add $needed 1048575) 1048576) $bodies | quote }}
{{- end }}
{{- end -}}
{{- end -}}
{{- end -}}
