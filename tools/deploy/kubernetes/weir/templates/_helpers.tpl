{{- /* SPDX-License-Identifier: BSD-2-Clause */ -}}

{{- define "weir.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 53 | trimSuffix "-" }}
{{- end }}

{{- define "weir.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 53 | trimSuffix "-" }}
{{- else if contains (include "weir.name" .) .Release.Name }}
{{- .Release.Name | trunc 53 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "weir.name" .) | trunc 53 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "weir.selector" -}}
app.kubernetes.io/name: {{ include "weir.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "weir.labels" -}}
{{ include "weir.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "weir.image" -}}
{{- if .Values.image.digest }}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) }}
{{- end }}
{{- end }}

{{- define "weir.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "weir.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "weir.priorityClass" -}}
{{- if .Values.priorityClass.name }}
{{- .Values.priorityClass.name }}
{{- else if .Values.priorityClass.create }}
{{- printf "%s-%s" .Release.Namespace (include "weir.fullname" .) }}
{{- end }}
{{- end }}

{{- /* An option of the configuration as text by commas; empty if it asks for nothing. */ -}}
{{- define "weir.option" -}}
{{- $value := get (.root.Values.config | default dict) .name }}
{{- if kindIs "slice" $value }}{{ $value = join "," $value }}{{ end }}
{{- $text := $value | toString }}
{{- if not (has $text (list "" "false" "no" "off" "0" "none" "<nil>")) }}{{ $text }}{{ end }}
{{- end }}

{{- /* What the chosen options need by the table, as JSON: capabilities, hostPID. */ -}}
{{- define "weir.needs" -}}
{{- $root := . }}
{{- $table := .Files.Get "capabilities.json" | fromJsonArray }}
{{- $hook := include "weir.option" (dict "root" . "name" "hook") | default "auto" }}
{{- $all := list }}
{{- $hostPID := false }}
{{- range $table }}
{{- if eq .feature "tc, xdp" }}
{{- if ne $hook "pcap" }}{{ $all = concat $all .capabilities }}{{ end }}
{{- else if eq .feature "pcap" }}
{{- if has $hook (list "pcap" "auto") }}{{ $all = concat $all .capabilities }}{{ end }}
{{- else if hasPrefix "--" .option }}
{{- if include "weir.option" (dict "root" $root "name" (trimPrefix "--" .option)) }}
{{- $all = concat $all .adds }}
{{- if .hostPID }}{{ $hostPID = true }}{{ end }}
{{- end }}
{{- end }}
{{- end }}
{{- dict "capabilities" ($all | uniq | sortAlpha) "hostPID" $hostPID | toJson }}
{{- end }}

{{- /* libpcap has nothing in the kernel to keep, and what is in other namespaces is not kept. */ -}}
{{- define "weir.pins" -}}
{{- $pcap := eq (include "weir.option" (dict "root" . "name" "hook")) "pcap" }}
{{- $netns := include "weir.option" (dict "root" . "name" "netns") }}
{{- if and .Values.pin.enabled (not $pcap) (not $netns) }}true{{ end }}
{{- end }}

{{- define "weir.readsPods" -}}
{{- $attribute := splitList "," (include "weir.option" (dict "root" . "name" "attribute")) }}
{{- if or (has "pod" $attribute) (has "all" $attribute) }}true{{ end }}
{{- end }}

{{- define "weir.rbac" -}}
{{- if eq (toString .Values.rbac.create) "auto" }}{{ include "weir.readsPods" . }}
{{- else if .Values.rbac.create }}true{{ end }}
{{- end }}
