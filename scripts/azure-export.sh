#!/usr/bin/env bash
# Exports what `egress25 import` reads of a tenant into a folder that is not there yet:
#
#     scripts/azure-export.sh FOLDER SUBSCRIPTION-ID...
#     scripts/azure-export.sh FOLDER --all
#     egress25 import FOLDER/*.json --write inventory.toml
#
# With --all: every subscription that you can read. It reads and changes nothing: two queries of Azure
# Resource Graph (networks, machines with their power state, and what belongs to them; subscriptions with their
# quotaId), and from the activity log who started and stopped machines when. It needs `az`, logged in
# (`az login`), and the role Reader on the subscriptions.
#
# The folder gets its name when all of it is there; a run that fails leaves nothing.
set -euo pipefail
umask 077

note() {
    printf 'azure-export.sh: %s\n' "$*" >&2
}

die() {
    printf 'azure-export.sh: %s\n' "$*" >&2
    exit 2
}

case ${1:-} in
-h | --help)
    sed -n '2,/^set /s/^# \{0,1\}//p' "$0"
    exit 0
    ;;
-*) die "$1 is no folder: azure-export.sh FOLDER SUBSCRIPTION-ID... or FOLDER --all" ;;
esac
[ $# -ge 2 ] || die "say the folder and what to export: azure-export.sh FOLDER SUBSCRIPTION-ID... or FOLDER --all"
folder=${1%/}
shift
if [ "$*" = --all ]; then
    shift
fi
[ ! -e "$folder" ] || die "$folder is there already: name another folder"
command -v az >/dev/null || die "az is not installed"
for id in "$@"; do
    [[ $id =~ ^[0-9A-Fa-f-]+$ ]] || die "$id is no subscription's id"
done

draft=$(mktemp -d "$folder.XXXXXX")
trap 'rm -rf "$draft"' EXIT

scope=
if [ $# -gt 0 ]; then
    scope=$(printf ',"%s"' "$@")
    scope="\"subscriptions\": [${scope#,}],"
fi

# A query, page by page: az prints a key a line, so that the token is found without another tool.
query() {
    local name=$1 query=$2 page=1 token='' next
    while :; do
        local options="\"\$top\": 1000, \"resultFormat\": \"objectArray\""
        [ -z "$token" ] || options="$options, \"\$skipToken\": \"$token\""
        az rest --method post --output json \
            --url "/providers/Microsoft.ResourceGraph/resources?api-version=2022-10-01" \
            --headers Content-Type=application/json \
            --body "{$scope \"query\": \"$query\", \"options\": {$options}}" \
            >"$draft/$name-$page.json"
        next=$(sed -n 's/^  "[$]skipToken": "\([^"]*\)",\{0,1\}$/\1/p' "$draft/$name-$page.json")
        if [ -z "$next" ]; then
            ! grep -q '"[$]skipToken": *"' "$draft/$name-$page.json" ||
                die "az does not print a key a line: what is its version?"
            break
        fi
        [ "$next" != "$token" ] || die "Azure answers the same page again and again"
        token=$next
        page=$((page + 1))
    done
}

types="'microsoft.compute/virtualmachines', 'microsoft.compute/virtualmachinescalesets', \
'microsoft.compute/disks', 'microsoft.network/virtualnetworks', 'microsoft.network/networkinterfaces', \
'microsoft.network/routetables', 'microsoft.network/networksecuritygroups', \
'microsoft.network/azurefirewalls', 'microsoft.network/virtualnetworkgateways', \
'microsoft.network/localnetworkgateways', 'microsoft.network/connections', \
'microsoft.network/natgateways', 'microsoft.network/loadbalancers', \
'microsoft.network/publicipaddresses', 'microsoft.network/publicipprefixes'"
query resources "resources | where type in~ ($types) | project id, name, type, sku, properties | order by id asc"
query subscriptions "resourcecontainers | where type =~ 'microsoft.resources/subscriptions' \
| project id, name, type, subscriptionId, properties | order by id asc"

ids=$(sed -n 's/^ *"subscriptionId": "\([0-9A-Fa-f-]*\)",\{0,1\}$/\1/p' "$draft"/subscriptions-*.json | sort -u)
[ -n "$ids" ] || die "no subscription can be read: log in (az login) as somebody with the role Reader"
for id in "$@"; do
    grep -qixF -- "$id" <<<"$ids" ||
        die "subscription $id cannot be read: is it of this tenant, and have you the role Reader?"
done

# The platform keeps 90 days. Of each entry only what tells machine, deed and time.
deeds="start powerOff deallocate restart redeploy"
filter=
for deed in $deeds; do
    filter="$filter || ends_with(operationName.value, '/$deed/action')"
done
fields="eventTimestamp: eventTimestamp, operationName: operationName, status: status, resourceId: resourceId"
most=100000
for id in $ids; do
    file="$draft/activity-$id.json"
    az monitor activity-log list --subscription "$id" --resource-provider Microsoft.Compute \
        --offset 90d --max-events "$most" --output json \
        --query "{read: length(@), value: [?${filter# || }].{$fields}}" </dev/null >"$file"
    read=$(sed -n 's/^ *"read": \([0-9]*\),\{0,1\}$/\1/p' "$file")
    [ -n "$read" ] || die "az does not print a key a line: what is its version?"
    [ "$read" -lt "$most" ] ||
        note "the activity log of $id is cut: only its newest $most entries are read, and who started and stopped machines before is not in it"
done

[ ! -e "$folder" ] || die "$folder has come to be meanwhile"
mv "$draft" "$folder"
trap - EXIT
printf '%s\n' "$folder"
note "$folder holds networks, addresses, rules, machines and who the subscriptions are, as Azure has them, of \
$(wc -w <<<"$ids") subscription(s): it is sensitive. When it is imported, delete it: rm -r -- '$folder'"
