#!/usr/bin/env bash
# Exports what `egress25 import` reads of a tenant into a folder that is not there yet:
#
#     scripts/azure-export.sh FOLDER [SUBSCRIPTION-ID...]
#     egress25 import FOLDER/*.json --write inventory.toml
#
# Without ids: every subscription that you can read. It reads and changes nothing: two queries of Azure
# Resource Graph (networks, machines with their power state, and what belongs to them; subscriptions with their
# quotaId), and from the activity log who started and stopped machines when. It needs `az`, logged in
# (`az login`), and the role Reader on the subscriptions.
#
# The folder gets its name when all of it is there; a run that fails leaves nothing.
set -euo pipefail
umask 077

die() {
    printf 'azure-export.sh: %s\n' "$*" >&2
    exit 2
}

[ $# -ge 1 ] || die "say the folder: azure-export.sh FOLDER [SUBSCRIPTION-ID...]"
folder=${1%/}
shift
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
        [ -n "$next" ] || break
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

# The platform keeps 90 days. Of each entry only what tells machine, deed and time.
deeds="start powerOff deallocate restart redeploy"
filter=
for deed in $deeds; do
    filter="$filter || ends_with(operationName.value, '/$deed/action')"
done
fields="eventTimestamp: eventTimestamp, operationName: operationName, status: status, resourceId: resourceId"
sed -n 's/^ *"subscriptionId": "\([0-9A-Fa-f-]*\)",\{0,1\}$/\1/p' "$draft"/subscriptions-*.json |
    sort -u |
    while read -r id; do
        az monitor activity-log list --subscription "$id" --resource-provider Microsoft.Compute \
            --offset 90d --max-events 100000 --output json \
            --query "[?${filter# || }].{$fields}" </dev/null >"$draft/activity-$id.json"
    done

[ ! -e "$folder" ] || die "$folder has come to be meanwhile"
mv "$draft" "$folder"
trap - EXIT
printf '%s\n' "$folder"
