{{/*
Whole seconds until a gateway that is told to stop is killed. It accepts for the drain, then gives what is
under way the grace, then closes its store: ten seconds more are plenty.
*/}}
{{- define "hookgate.gateway.terminationGracePeriod" -}}
{{- with .Values.gateway -}}
{{- default (ceil (addf .shutdownGraceSeconds .shutdownDrainSeconds 10)) .terminationGracePeriodSeconds | int64 -}}
{{- end -}}
{{- end -}}
