{{/*
The values that are maps with values inside, each behind the one that it is in.
Made by `make generate` from values.yaml; edit that.
*/}}
{{- define "hookgate.maps" -}}
- image
- crds
- rbac
- control
- control.token
- control.tls
- control.tls.certManager
- encryption
- gateway
- gateway.store
- gateway.persistence
- gateway.persistentVolumeClaimRetentionPolicy
- gateway.upstream
- gateway.upstream.apiKey
- gateway.manifests
- gateway.limits
- gateway.log
- gateway.service
- gateway.serviceAccount
- operator
- operator.leaderElection
- operator.log
- operator.serviceAccount
- operator.podDisruptionBudget
- networkPolicy
- networkPolicy.gateway
- networkPolicy.operator
- networkPolicy.operator.apiServer
- ingress
- httpRoute
- metrics
- metrics.serviceMonitor
- metrics.podMonitor
- metrics.prometheusRule
- metrics.dashboards
{{- end -}}
