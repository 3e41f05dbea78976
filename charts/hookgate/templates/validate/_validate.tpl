{{/*
What values say together that cannot be meant. Each value by itself is the business of values.schema.json.
Every sentence says what to change; all that apply are told at once.
*/}}
{{- define "hookgate.validate" -}}
{{- include "hookgate.validate.refuse" (include "hookgate.validate.null" . | fromYamlArray) -}}
{{- include "hookgate.validate.refuse" (concat
    (include "hookgate.validate.names" . | fromYamlArray)
    (include "hookgate.validate.gateway" . | fromYamlArray)
    (include "hookgate.validate.claim" . | fromYamlArray)
    (include "hookgate.validate.memory" . | fromYamlArray)
    (include "hookgate.validate.operator" . | fromYamlArray)
    (include "hookgate.validate.secrets" . | fromYamlArray)
    (include "hookgate.validate.surroundings" . | fromYamlArray)) -}}
{{- end -}}

{{- define "hookgate.validate.refuse" -}}
{{- with . -}}
{{- fail (printf "\n\nThese values cannot be installed:\n  - %s\n" (join "\n  - " .)) -}}
{{- end -}}
{{- end -}}

{{/*
Null takes a value away with its default, and --reuse-values knows only those of the version before.
What everything else looks into has to be there.
*/}}
{{- define "hookgate.validate.null" -}}
{{- $hint := .Release.IsUpgrade | ternary " With --reuse-values it may only be new: take --reset-then-reuse-values." "" }}
{{- range $name := concat (include "hookgate.maps" . | fromYamlArray) (list "crds.keep" "control.token.key" "encryption.key") }}
{{- $path := splitList "." $name }}
{{- $parent := $.Values }}
{{- range initial $path }}
{{- $parent = get (default dict $parent) . }}
{{- end }}
{{- if and (kindIs "map" $parent) (kindIs "invalid" (index $parent (last $path))) }}
- {{ printf "%s is null: leave it out, and it has its default, or set it.%s" $name $hint | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{/*
Names that another release of the namespace may have for something of its own. Helm sees to objects, unless the chart
is only rendered (helm template), and never to what is made later, such as a Lease. A release that is there keeps its
names.
*/}}
{{- define "hookgate.validate.names" -}}
{{- $full := include "hookgate.fullname" . -}}
{{- if not .Release.IsUpgrade }}
{{- range $word := list "control" "gateway-metrics" "operator-metrics" }}
{{- $other := trimSuffix (printf "-%s" $word) $full }}
{{- if ne $other $full }}
- {{ printf "%s is what a release %s calls one of its Services: give this release another name, or set fullnameOverride." $full $other | quote }}
{{- end }}
{{- end }}
{{- with .Values.operator }}
{{- if and .enabled .leaderElection.enabled (not .leaderElection.leaseName) (contains "-operator-" (default "" $.Values.gatewayClass)) }}
- {{ printf "gatewayClass is %s, with which the operator's Lease could be that of another release: set operator.leaderElection.leaseName." $.Values.gatewayClass | quote }}
{{- end }}
{{- end }}
{{- end }}
{{- $accounts := list .Values.gateway.serviceAccount .Values.operator.serviceAccount }}
{{- if and .Values.operator.enabled (first $accounts).create (last $accounts).create (eq (include "hookgate.gateway.serviceAccount" .) (include "hookgate.operator.serviceAccount" .)) }}
- {{ printf "gateway and operator would both make the ServiceAccount %s, and the gateway would have the operator's rights: set gateway.serviceAccount.name and operator.serviceAccount.name to two names, or leave them out." (include "hookgate.gateway.serviceAccount" .) | quote }}
{{- end }}
{{- if not (regexMatch "^[a-z]" $full) }}
- {{ printf "%s begins with a digit, which a Service's name may not: set fullnameOverride." $full | quote }}
{{- end }}
{{- end -}}

{{- define "hookgate.validate.gateway" -}}
{{- with .Values.gateway -}}
{{- if gt (int .replicaCount) 1 }}
- {{ printf "gateway.replicaCount is %d: the store is an SQLite file, which one process owns. Set it to 1; a pod that ends is replaced by itself." (int .replicaCount) | quote }}
{{- end }}
{{- if and .persistence.existingClaim (not .persistence.enabled) }}
- "gateway.persistence.existingClaim is set and gateway.persistence.enabled is false: set it to true, or leave the claim out."
{{- end }}
{{- if and .upstream.url (not .upstream.apiKey.existingSecret) }}
- "gateway.upstream.url is set without a key for that server: set gateway.upstream.apiKey.existingSecret to a Secret with it."
{{- end }}
{{- if and .upstream.url (not .publicUrl) }}
- {{ printf "gateway.upstream.url is set without gateway.publicUrl, where that server reports to: for one in this cluster set it to http://%s.%s.svc:%d." (include "hookgate.fullname" $) $.Release.Namespace (int .service.port) | quote }}
{{- end }}
{{- if and (not .upstream.url) (or .publicUrl .upstream.apiKey.existingSecret) }}
- "gateway.publicUrl and gateway.upstream.apiKey.existingSecret say how an upstream and this gateway reach each other: set gateway.upstream.url, too, or leave them out."
{{- end }}
{{- range $name := list "shutdownGraceSeconds" "shutdownDrainSeconds" }}
{{- if kindIs "invalid" (index $.Values.gateway $name) }}
- {{ printf "gateway.%s is null, and the time until the pod is killed follows from it: set it, or leave it out." $name | quote }}
{{- end }}
{{- end }}
{{- $ends := addf .shutdownGraceSeconds .shutdownDrainSeconds }}
{{- if and .terminationGracePeriodSeconds (le (float64 .terminationGracePeriodSeconds) $ends) }}
- {{ printf "gateway.terminationGracePeriodSeconds is %v, and the gateway may take %v to stop: make it longer than gateway.shutdownGraceSeconds and gateway.shutdownDrainSeconds together, or leave it out." .terminationGracePeriodSeconds $ends | quote }}
{{- end }}
{{- if and .service.nodePort (eq .service.type "ClusterIP") }}
- "gateway.service.nodePort is set and gateway.service.type is ClusterIP: set the type to NodePort or LoadBalancer, or leave the port out."
{{- end }}
{{- range $name := list "loadBalancerClass" "loadBalancerSourceRanges" }}
{{- if and (get $.Values.gateway.service $name) (ne $.Values.gateway.service.type "LoadBalancer") }}
- {{ printf "gateway.service.%s is set and gateway.service.type is %s: set the type to LoadBalancer, or leave it out." $name $.Values.gateway.service.type | quote }}
{{- end }}
{{- end }}
{{- if and .service.externalTrafficPolicy (eq .service.type "ClusterIP") }}
- "gateway.service.externalTrafficPolicy is set and gateway.service.type is ClusterIP: nothing comes from outside. Set the type to NodePort or LoadBalancer, or leave the policy out."
{{- end }}
{{- if and .limits.keyRequestBurst (not .limits.keyRequestsPerSecond) }}
- "gateway.limits.keyRequestBurst is set without gateway.limits.keyRequestsPerSecond, and limits nothing by itself: set both, or leave the burst out."
{{- end }}
{{- end -}}
{{- include "hookgate.validate.pod" (list . "gateway") }}
{{- end -}}

{{- define "hookgate.validate.operator" -}}
{{- if .Values.operator.enabled -}}
{{- with .Values.operator -}}
{{- if and (gt (int .replicaCount) 1) (not .leaderElection.enabled) }}
- "operator.replicaCount is more than 1 and operator.leaderElection.enabled is false: without a Lease there must never be two."
{{- end }}
{{- if and (not .leaderElection.enabled) .strategy (ne (default "RollingUpdate" .strategy.type) "Recreate") }}
- "operator.leaderElection.enabled is false: without a Lease there must never be two, so operator.strategy.type has to be Recreate."
{{- end }}
{{- end -}}
{{- if and .Values.rbac.watchNamespaces (eq .Values.rbac.scope "Cluster") }}
- "rbac.watchNamespaces is set and rbac.scope is Cluster: set the scope to Namespaced, or leave the namespaces out."
{{- end }}
{{- include "hookgate.validate.pod" (list . "operator") }}
{{- end -}}
{{- end -}}

{{/* Of a component: (list $ "gateway"). */}}
{{- define "hookgate.validate.pod" -}}
{{- $root := index . 0 -}}
{{- $component := index . 1 -}}
{{- $values := get $root.Values $component -}}
{{- if and (not $values.serviceAccount.create) (not $values.serviceAccount.name) }}
- {{ printf "%s.serviceAccount.create is false: set %s.serviceAccount.name to one that is there." $component $component | quote }}
{{- end }}
{{- $known := include (printf "hookgate.%s.environment" $component) $root | fromYaml }}
{{- range $values.extraEnv }}
{{- if hasKey $known (default "" .name) }}
- {{ printf "%s.extraEnv sets %s, which the chart sets by a value of its own: see README.md." $component .name | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "hookgate.validate.secrets" -}}
{{- with .Values.control.tls -}}
{{- if and .existingSecret .certManager.enabled }}
- "control.tls.existingSecret and control.tls.certManager.enabled are both set: the certificate comes from one of them."
{{- end }}
{{- if and .certManager.issuerRef (not .certManager.enabled) }}
- "control.tls.certManager.issuerRef is set and control.tls.certManager.enabled is false: set it to true, or leave the issuer out."
{{- end }}
{{- end -}}
{{- end -}}

{{- define "hookgate.validate.surroundings" -}}
{{- if and .Values.ingress.enabled (not .Values.ingress.hosts) }}
- "ingress.enabled is true without ingress.hosts: name at least one, such as {host: hooks.example.com}."
{{- end }}
{{- if and .Values.httpRoute.enabled (not .Values.httpRoute.parentRefs) }}
- "httpRoute.enabled is true without httpRoute.parentRefs: name the Gateway that it belongs to, such as {name: public, namespace: gateways}."
{{- end }}
{{- if and .Values.networkPolicy.enabled (or .Values.metrics.serviceMonitor.enabled .Values.metrics.podMonitor.enabled) }}
{{- range $component := include "hookgate.components" . | fromYamlArray }}
{{- if not (get $.Values.networkPolicy $component).metricsFrom }}
- {{ printf "networkPolicy.%s.metricsFrom is empty, so that nobody reaches metrics, and a monitor asks for them: name the pods of Prometheus." $component | quote }}
{{- end }}
{{- end }}
{{- end }}
{{- if and .Values.metrics.serviceMonitor.enabled .Values.metrics.podMonitor.enabled }}
- "metrics.serviceMonitor.enabled and metrics.podMonitor.enabled are both true: everything would be counted twice. Switch one of them off."
{{- end }}
{{- end -}}
