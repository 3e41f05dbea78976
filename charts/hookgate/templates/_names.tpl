{{/*
What things are called. Every name made here fits into 63 characters, whatever the release is called:
the longest word behind a full name is "-dashboard-subscription", so a full name has at most 40.
*/}}

{{/* A text cut to a length; what is cut off leaves a hash, so that no two texts become one. */}}
{{- define "hookgate.cut" -}}
{{- $text := index . 0 -}}
{{- $most := index . 1 -}}
{{- if gt (len $text) $most -}}
{{- printf "%s-%s" (trunc (int (sub $most 9)) $text | trimSuffix "-") (sha256sum $text | trunc 8) -}}
{{- else -}}
{{- $text -}}
{{- end -}}
{{- end -}}

{{/* The chart's name, as the label app.kubernetes.io/name has it. */}}
{{- define "hookgate.name" -}}
{{- include "hookgate.cut" (list (default .Chart.Name .Values.nameOverride) 63) -}}
{{- end -}}

{{/* What every name begins with. A release may have dots in its name, a Service may not. */}}
{{- define "hookgate.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- $full := printf "%s-%s" .Release.Name $name -}}
{{- if .Values.fullnameOverride -}}
{{- $full = .Values.fullnameOverride -}}
{{- else if contains $name .Release.Name -}}
{{- $full = .Release.Name -}}
{{- end -}}
{{- include "hookgate.cut" (list ($full | replace "." "-" | trimSuffix "-") 40) -}}
{{- end -}}

{{/* What is outside the release's namespace says in its name whose it is: (list $ "operator"). */}}
{{- define "hookgate.outsideName" -}}
{{- $root := index . 0 -}}
{{- include "hookgate.cut" (list (printf "%s-%s-%s" (include "hookgate.fullname" $root) (index . 1) $root.Release.Namespace) 63) -}}
{{- end -}}

{{/* What may be in a namespace with those of other releases, such as Prometheus': (list $ "gateway" $namespace). */}}
{{- define "hookgate.nameIn" -}}
{{- $root := index . 0 -}}
{{- if has (index . 2) (list "" $root.Release.Namespace) -}}
{{- include "hookgate.fullname" $root }}-{{ index . 1 -}}
{{- else -}}
{{- include "hookgate.outsideName" . -}}
{{- end -}}
{{- end -}}

{{- define "hookgate.gateway.name" -}}{{ include "hookgate.fullname" . }}-gateway{{- end -}}
{{- define "hookgate.gateway.metricsService" -}}{{ include "hookgate.fullname" . }}-gateway-metrics{{- end -}}
{{- define "hookgate.operator.name" -}}{{ include "hookgate.fullname" . }}-operator{{- end -}}
{{- define "hookgate.operator.metricsService" -}}{{ include "hookgate.fullname" . }}-operator-metrics{{- end -}}
{{- define "hookgate.control.service" -}}{{ include "hookgate.fullname" . }}-control{{- end -}}

{{- define "hookgate.gateway.serviceAccount" -}}
{{- with .Values.gateway.serviceAccount -}}
{{- if .create -}}{{ default (include "hookgate.gateway.name" $) .name }}{{- else -}}{{ default "default" .name }}{{- end -}}
{{- end -}}
{{- end -}}

{{- define "hookgate.operator.serviceAccount" -}}
{{- with .Values.operator.serviceAccount -}}
{{- if .create -}}{{ default (include "hookgate.operator.name" $) .name }}{{- else -}}{{ default "default" .name }}{{- end -}}
{{- end -}}
{{- end -}}

{{/* The Secrets, made here or named in the values. */}}
{{- define "hookgate.control.tokenSecret" -}}
{{- default (printf "%s-control-token" (include "hookgate.fullname" .)) .Values.control.token.existingSecret -}}
{{- end -}}

{{/* cert-manager writes into a Secret of its own: one that Helm takes away must not be the one it fills. */}}
{{- define "hookgate.control.tlsSecret" -}}
{{- if .Values.control.tls.existingSecret -}}
{{- .Values.control.tls.existingSecret -}}
{{- else if .Values.control.tls.certManager.enabled -}}
{{- include "hookgate.fullname" . }}-control-certificate
{{- else -}}
{{- include "hookgate.fullname" . }}-control-tls
{{- end -}}
{{- end -}}

{{- define "hookgate.encryptionSecret" -}}
{{- default (printf "%s-encryption-keys" (include "hookgate.fullname" .)) .Values.encryption.existingSecret -}}
{{- end -}}

{{/* The Lease by which operators of this release and class take turns. */}}
{{- define "hookgate.operator.lease" -}}
{{- default (printf "%s-%s" (include "hookgate.operator.name" .) .Values.gatewayClass) .Values.operator.leaderElection.leaseName -}}
{{- end -}}

{{/* The Role for that Lease. In a namespace called lease the operator's other Role has the usual name. */}}
{{- define "hookgate.operator.leaseRole" -}}
{{- $name := printf "%s-lease" (include "hookgate.operator.name" .) -}}
{{- eq $name (include "hookgate.outsideName" (list . "operator")) | ternary (printf "%s-leader" (include "hookgate.operator.name" .)) $name -}}
{{- end -}}

{{/* All names under which the control API is reached, for its certificate; the first is the shortest. */}}
{{- define "hookgate.control.dnsNames" -}}
{{- $service := include "hookgate.control.service" . -}}
- {{ $service }}
- {{ $service }}.{{ .Release.Namespace }}
- {{ $service }}.{{ .Release.Namespace }}.svc
- {{ $service }}.{{ .Release.Namespace }}.svc.{{ .Values.clusterDomain }}
{{- end -}}

{{/* Where the operator looks: namespaces as YAML, or nothing for all of the cluster. */}}
{{- define "hookgate.operator.namespaces" -}}
{{- if eq .Values.rbac.scope "Namespaced" -}}
{{- default (list .Release.Namespace) .Values.rbac.watchNamespaces | uniq | toYaml -}}
{{- end -}}
{{- end -}}

{{- define "hookgate.image" -}}
{{- with .Values.image -}}
{{- if .registry }}{{ .registry }}/{{ end }}{{ .repository }}
{{- if .digest -}}
{{- if .tag }}:{{ .tag }}{{ end }}@{{ .digest }}
{{- else -}}
:{{ default $.Chart.AppVersion .tag }}
{{- end -}}
{{- end -}}
{{- end -}}
