{{/*
What the processes are told: a map of environment variables for each, and every setting in it.
A value that is null or empty leaves its variable out, and the process takes its own default.
*/}}

{{/* Numbers in values are floats to Helm, which would write 8388608 as 8.388608e+06. */}}
{{- define "hookgate.number" -}}
{{- if kindIs "float64" . -}}
{{- eq . (floor .) | ternary (printf "%.0f" .) (. | toString) -}}
{{- else -}}
{{- . -}}
{{- end -}}
{{- end -}}

{{- define "hookgate.gateway.environment" -}}
{{- $root := . -}}
{{- with .Values.gateway -}}
HOOKGATE_STORE: sqlite:////var/lib/hookgate/hookgate.db
HOOKGATE_ENCRYPTION_KEYS_FILE: /etc/hookgate/encryption-keys/keys
HOOKGATE_LISTEN: ":8080"
HOOKGATE_METRICS_LISTEN: ":9090"
HOOKGATE_CONTROL_LISTEN: ":8081"
HOOKGATE_CONTROL_TOKEN_FILE: /etc/hookgate/control-token/token
HOOKGATE_CONTROL_TLS_CERTIFICATE_FILE: /etc/hookgate/control-tls/tls.crt
HOOKGATE_CONTROL_TLS_KEY_FILE: /etc/hookgate/control-tls/tls.key
{{- if .manifests.existingSecret }}
HOOKGATE_MANIFESTS_DIR: /etc/hookgate/manifests
{{- end }}
{{- with .egressAllow }}
HOOKGATE_EGRESS_ALLOW: {{ join "," . | quote }}
{{- end }}
{{- with .dnsServers }}
HOOKGATE_DNS_SERVERS: {{ join "," . | quote }}
{{- end }}
{{- with .upstream.url }}
HOOKGATE_UPSTREAM_URL: {{ quote . }}
HOOKGATE_UPSTREAM_API_KEY_FILE: /etc/hookgate/upstream-api-key/api-key
{{- end }}
{{- with .publicUrl }}
HOOKGATE_PUBLIC_URL: {{ quote . }}
{{- end }}
{{- $numbers := dict
    "HOOKGATE_MAX_BODY_BYTES" .limits.maxBodyBytes
    "HOOKGATE_BODY_MEMORY_BYTES" .limits.bodyMemoryBytes
    "HOOKGATE_KEY_REQUESTS_PER_SECOND" .limits.keyRequestsPerSecond
    "HOOKGATE_KEY_REQUEST_BURST" .limits.keyRequestBurst
    "HOOKGATE_NAMESPACE_MAX_PENDING" .limits.namespaceMaxPending
    "HOOKGATE_MAX_CONNECTIONS" .limits.maxConnections
    "HOOKGATE_MAX_CONNECTIONS_PER_ADDRESS" .limits.maxConnectionsPerAddress
    "HOOKGATE_MAX_INFLIGHT" .limits.maxInflight
    "HOOKGATE_RETENTION_DAYS" .retentionDays
    "HOOKGATE_DELETE_GRACE_SECONDS" .deleteGraceSeconds
    "HOOKGATE_SHUTDOWN_GRACE_SECONDS" .shutdownGraceSeconds
    "HOOKGATE_SHUTDOWN_DRAIN_SECONDS" .shutdownDrainSeconds }}
{{- include "hookgate.numbers" $numbers }}
HOOKGATE_METRICS_SUBSCRIPTION_LABEL: {{ .metricsSubscriptionLabel | quote }}
HOOKGATE_LOG_FORMAT: {{ .log.format }}
HOOKGATE_LOG_LEVEL: {{ .log.level }}
{{- end -}}
{{- end -}}

{{- define "hookgate.operator.environment" -}}
{{- $root := . -}}
{{- with .Values.operator -}}
HOOKGATE_OPERATOR_GATEWAY_URL: https://{{ include "hookgate.control.service" $root }}.{{ $root.Release.Namespace }}.svc:8081
HOOKGATE_OPERATOR_GATEWAY_TOKEN_FILE: /etc/hookgate/control-token/token
HOOKGATE_OPERATOR_GATEWAY_CA_FILE: /etc/hookgate/control-ca/ca.crt
HOOKGATE_OPERATOR_GATEWAY_CLASS: {{ $root.Values.gatewayClass | quote }}
{{- with .ownerId }}
HOOKGATE_OPERATOR_OWNER_ID: {{ quote . }}
{{- end }}
{{- with include "hookgate.operator.namespaces" $root | fromYamlArray }}
HOOKGATE_OPERATOR_WATCH_NAMESPACES: {{ join "," . | quote }}
{{- end }}
HOOKGATE_OPERATOR_SECRETS_MODE: {{ .secretsMode }}
HOOKGATE_OPERATOR_LEADER_ELECTION: {{ .leaderElection.enabled | quote }}
{{- if .leaderElection.enabled }}
HOOKGATE_OPERATOR_LEASE_NAME: {{ include "hookgate.operator.lease" $root | quote }}
HOOKGATE_OPERATOR_LEASE_NAMESPACE: {{ $root.Release.Namespace | quote }}
HOOKGATE_OPERATOR_LEASE_SECONDS: {{ include "hookgate.number" .leaderElection.leaseSeconds | quote }}
{{- end }}
HOOKGATE_OPERATOR_METRICS_LISTEN: ":9090"
{{- $numbers := dict
    "HOOKGATE_OPERATOR_RESYNC_SECONDS" .resyncSeconds
    "HOOKGATE_OPERATOR_REREAD_SECONDS" .rereadSeconds
    "HOOKGATE_OPERATOR_WORKERS" .workers
    "HOOKGATE_OPERATOR_WATCH_STALE_SECONDS" .watchStaleSeconds }}
{{- include "hookgate.numbers" $numbers }}
HOOKGATE_OPERATOR_LOG_FORMAT: {{ .log.format }}
HOOKGATE_OPERATOR_LOG_LEVEL: {{ .log.level }}
{{- end -}}
{{- end -}}

{{/* Variables with numbers; 0 is one, null is none. */}}
{{- define "hookgate.numbers" -}}
{{- range $name, $number := . }}
{{- if not (kindIs "invalid" $number) }}
{{ $name }}: {{ include "hookgate.number" $number | quote }}
{{- end }}
{{- end }}
{{- end -}}
