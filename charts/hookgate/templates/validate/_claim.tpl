{{/*
What was said of the gateway's volume at the first install is for life: in the midst of an upgrade Kubernetes would
refuse a StatefulSet with another template of its claim. Here it is refused before anything is changed, with what to
do; not where Helm has no cluster to ask (helm template).
*/}}
{{- define "hookgate.validate.claim" -}}
{{- if .Release.IsUpgrade -}}
{{- $name := include "hookgate.gateway.name" . -}}
{{- with lookup "apps/v1" "StatefulSet" .Release.Namespace $name -}}
{{- $claims := default list .spec.volumeClaimTemplates -}}
{{- $wanted := include "hookgate.gateway.claims" $ | fromYamlArray -}}
{{- if ne (.spec.selector.matchLabels | toJson) (include "hookgate.selectorLabels" (list $ "gateway") | fromYaml | toJson) }}
- {{ printf "nameOverride changes the labels by which the StatefulSet %s knows its pods, and those are for life: leave it as it was." $name | quote }}
{{- else if ne (len $claims) (len $wanted) }}
- {{ printf "gateway.persistence %s, and the StatefulSet %s was made %s, for life: leave gateway.persistence.enabled and gateway.persistence.existingClaim as they were, or delete it with `kubectl delete statefulset %s --namespace %s --cascade=orphan` and upgrade again. The store does not move: the gateway will open the one of its new volume." ($wanted | empty | ternary "asks for no claim" "asks for a claim") $name ($claims | empty | ternary "without one" "with one") $name $.Release.Namespace | quote }}
{{- else if $wanted }}
{{- include "hookgate.validate.claim.spec" (list $ (first $claims) (first $wanted)) }}
{{- end }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* (list $ FOUND WANTED), two templates of a claim. */}}
{{- define "hookgate.validate.claim.spec" -}}
{{- $root := index . 0 -}}
{{- $found := index . 1 -}}
{{- $wanted := index . 2 -}}
{{- $statefulSet := include "hookgate.gateway.name" $root -}}
{{- $page := "https://github.com/hookgate/hookgate/blob/main/docs/install.md" -}}
{{- $was := $found.spec.resources.requests.storage -}}
{{- $size := $wanted.spec.resources.requests.storage -}}
{{- $grows := subf (include "hookgate.bytes" $size) (include "hookgate.bytes" $was) -}}
{{- if gt $grows 0.0 }}
- {{ printf "gateway.persistence.size is %s, and the StatefulSet %s was made with %s, for life. Leave it at that; or enlarge the claim with `kubectl patch pvc store-%s-0`, delete the StatefulSet with `kubectl delete statefulset %s --namespace %s --cascade=orphan`, and upgrade again: %s#a-larger-volume" $size $statefulSet $was $statefulSet $statefulSet $root.Release.Namespace $page | quote }}
{{- else if lt $grows 0.0 }}
- {{ printf "gateway.persistence.size is %s, and the StatefulSet %s was made with %s. A claim never gets smaller: leave it at that, or move the store to another one: %s#another-volume" $size $statefulSet $was $page | quote }}
{{- end }}
{{- $changes := list
    (list "storageClass" $found.spec.storageClassName $wanted.spec.storageClassName)
    (list "accessModes" $found.spec.accessModes $wanted.spec.accessModes) }}
{{- range $changes }}
{{- $was := kindIs "invalid" (index . 1) | ternary "unset" (index . 1 | toJson) }}
{{- $now := kindIs "invalid" (index . 2) | ternary "unset" (index . 2 | toJson) }}
{{- if ne $was $now }}
- {{ printf "gateway.persistence.%s would become %s, and the claim and the StatefulSet %s were made with %s, for life: leave it at that, or move the store to another claim: %s#another-volume" (index . 0) $now $statefulSet $was $page | quote }}
{{- end }}
{{- end }}
{{- range $word := list "labels" "annotations" }}
{{- $now := default dict (get $wanted.metadata $word) }}
{{- $then := default dict (get $found.metadata $word) }}
{{- if ne ($now | toJson) ($then | toJson) }}
- {{ printf "gateway.persistence.%s cannot change: the StatefulSet %s was made with others, for life. Leave them as they were and change the claim itself; or change both, delete the StatefulSet with `kubectl delete statefulset %s --namespace %s --cascade=orphan`, and upgrade again." $word $statefulSet $statefulSet $root.Release.Namespace | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{/* A quantity as a number of bytes: the API server may tell "1024Mi" as "1Gi", and "0.1Gi" in thousandths. */}}
{{- define "hookgate.bytes" -}}
{{- $unit := regexFind "[A-Za-z]*$" . -}}
{{- $factors := dict "" 1 "m" 0.001
    "k" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 "P" 1e15 "E" 1e18
    "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 "Ti" 1099511627776 "Pi" 1125899906842624 "Ei" 1152921504606846976 -}}
{{- mulf (trimSuffix $unit .) (get $factors $unit) | printf "%f" -}}
{{- end -}}
