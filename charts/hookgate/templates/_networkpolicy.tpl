{{/*
Ways out that both components have.
*/}}

{{/* Names. To any address: a node's own resolver is at a link-local one. */}}
{{- define "hookgate.networkPolicy.dns" -}}
- ports:
    - {port: 53, protocol: UDP}
    - {port: 53, protocol: TCP}
# Behind their Service name servers may listen elsewhere (OpenShift: 5353, Gardener: 8053), and policies are
# asked about the pod's own port.
- ports:
    - {port: 5353, protocol: UDP}
    - {port: 5353, protocol: TCP}
    - {port: 8053, protocol: UDP}
    - {port: 8053, protocol: TCP}
  to:
    - namespaceSelector: {}
{{- end -}}

{{/* A name server of `gateway.dnsServers` at another port than 53; nothing for the others. */}}
{{- define "hookgate.networkPolicy.nameServer" -}}
{{- $address := . -}}
{{- $port := "53" -}}
{{- if regexMatch "^\\[.*\\]:[0-9]+$" . -}}
{{- $address = regexReplaceAll "^\\[(.*)\\]:[0-9]+$" . "${1}" -}}
{{- $port = regexReplaceAll "^.*:" . "" -}}
{{- else if regexMatch "^[^:]+:[0-9]+$" . -}}
{{- $address = regexReplaceAll ":.*$" . "" -}}
{{- $port = regexReplaceAll "^.*:" . "" -}}
{{- end -}}
{{- if ne $port "53" -}}
- ports:
    - {port: {{ $port }}, protocol: UDP}
    - {port: {{ $port }}, protocol: TCP}
  to:
    - ipBlock: {cidr: {{ printf "%s/%s" $address (contains ":" $address | ternary "128" "32") | quote }}}
{{- end -}}
{{- end -}}

{{/* All addresses but those that hand a node's credentials to whoever asks. */}}
{{- define "hookgate.networkPolicy.anywhere" -}}
{{- $four := list -}}
{{- $six := list -}}
{{- range .Values.networkPolicy.except -}}
{{- if contains ":" . -}}{{- $six = append $six . -}}{{- else -}}{{- $four = append $four . -}}{{- end -}}
{{- end -}}
- ipBlock:
    cidr: 0.0.0.0/0
    {{- with $four }}
    except:
      {{- toYaml . | nindent 6 }}
    {{- end }}
- ipBlock:
    cidr: ::/0
    {{- with $six }}
    except:
      {{- toYaml . | nindent 6 }}
    {{- end }}
{{- end -}}
