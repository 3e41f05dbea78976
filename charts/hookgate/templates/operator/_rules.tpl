{{/*
What the operator may do where it looks: operator/hookgate_operator/rbac/namespaced.yaml, rule by rule.
*/}}
{{- define "hookgate.operator.rules" -}}
# What is declared. Nothing here changes a spec, a label or a finalizer.
- apiGroups: [hookgate.dev]
  resources: [webhooksubscriptions]
  verbs: [get, list, watch]
# Finished replays go after spec.ttlSecondsAfterFinished.
- apiGroups: [hookgate.dev]
  resources: [webhookreplays]
  verbs: [get, list, watch, delete]
# How it stands: a merge patch of the status alone.
- apiGroups: [hookgate.dev]
  resources: [webhooksubscriptions/status, webhookreplays/status]
  verbs: [patch]
# The Secrets that subscriptions name, and those labelled as API keys or sources. RBAC knows no labels:
# whoever may list Secrets may read them all.
- apiGroups: [""]
  resources: [secrets]
  verbs: {{ eq .Values.operator.secretsMode "Get" | ternary "[get, list]" "[get, list, watch]" }}
# The ConfigMaps that a subscription's caFrom names. Never listed.
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get]
# A Kubernetes Event at each transition.
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create]
{{- end -}}
