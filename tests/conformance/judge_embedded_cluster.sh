#!/usr/bin/env bash
# Usage: judge_embedded_cluster.sh LOCAL_CLUSTER CONFORMANCE RESOURCES [CLUSTER FLAG]… --
#          [CONFORMANCE FLAG]…
# Starts an embedded cluster on free ports, judges it, ends it by its pid. RESOURCES of its agent
# are parted by blanks.
set -euo pipefail
cluster=$1 conformance=$2 resources=${3// /;}
shift 3
cluster_flags=()
while (($#)) && [[ $1 != -- ]]; do cluster_flags+=("$1"); shift; done
shift

output=$(mktemp)
"$cluster" --port 0 --agent-port 0 --resources "$resources" \
  --attributes 'rack:r1;level:2;slots:[1-3]' "${cluster_flags[@]}" >"$output" 2>"$output.err" &
pid=$!
trap 'kill "$pid" 2>/dev/null; wait "$pid" 2>/dev/null; rm -f "$output" "$output.err"' EXIT
for ((i = 0; i < 100; ++i)); do
  read -ra masters < <(sed -n 's/^Embedded cluster: masters\{0,1\} \([^,]*\),.*/\1/p' "$output") || true
  ((${#masters[@]})) && break
  kill -0 "$pid" 2>/dev/null || { cat "$output" "$output.err"; exit 1; }
  sleep 0.05
done
((${#masters[@]})) || { echo "the cluster did not start"; cat "$output" "$output.err"; exit 1; }
"$conformance" --master="${masters[0]}" ${masters[1]:+--has="standby=${masters[1]}"} "$@"
