#!/bin/sh
# How fast flow logs are read, and in how much memory: a folder of about 1 GB, of which every tenth flow
# goes to port 25 of one of 5,000 hosts, judged by `egress25 flows`. Writes below a temporary folder, and
# removes it.
#
#   scripts/flows-1g.sh [PROGRAM] [HOURS]      [target/release/egress25] [100]
set -eu

program=$(realpath "${1:-target/release/egress25}")
hours=${2:-100}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM HUP

for hour in $(seq "$hours"); do
    folder=$(printf '%s/d=%02d/h=%02d' "$work/logs" $((hour / 24)) $((hour % 24)))
    mkdir -p "$folder"
    awk -v hour="$hour" 'BEGIN {
        printf "{\"records\":["
        for (minute = 0; minute < 60; minute++) {
            printf "%s{\"time\":\"2020-12-08T00:00:52.1Z\",\"flowLogVersion\":4,\"macAddress\":\"000D3AF87856\",\"category\":\"FlowLogFlowEvent\",\"flowRecords\":{\"flows\":[{\"aclID\":\"a\",\"flowGroups\":[{\"rule\":\"DefaultRule_AllowInternetOutBound\",\"flowTuples\":[", minute ? "," : ""
            for (flow = 0; flow < 1000; flow++) {
                at = (1607385600 + hour * 3600 + minute * 60) * 1000 + flow
                n = hour * 60000 + minute * 1000 + flow
                to = sprintf("203.0.%d.%d", n % 20, n % 250 + 1)
                port = flow % 10 ? 443 : 25
                ends = sprintf("10.0.%d.%d,%s,%d,%d,6,O", n % 7, n % 200 + 4, to, 1024 + n % 60000, port)
                printf "%s\"%.0f,%s,B,NX,0,0,0,0\",\"%.0f,%s,E,NX,4,240,%d,%d\"", flow ? "," : "", at, ends, at + 30000, ends, flow % 3, flow % 3 * 60
            }
            printf "]}]}]}}"
        }
        printf "]}"
    }' >"$folder/PT1H.json"
done

bytes=$(du -sb "$work/logs" | cut -f1)
begun=$(date +%s%N)
/usr/bin/time -f 'peak %M KB' "$program" flows "$work/logs" --offer pay-as-you-go --created 2019-03-01 --summary \
    --max-connections 50000 >"$work/said" 2>"$work/noted" || { cat "$work/noted"; exit 1; }
millis=$((($(date +%s%N) - begun) / 1000000))
grep -E 'tuples|connections' "$work/said" | head -n 3
grep peak "$work/noted"
echo "$bytes bytes in $millis ms: $((bytes / 1000 / millis)) MB/s"
