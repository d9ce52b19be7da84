#!/bin/bash
# Whether the program of scripts/release.sh is what it promises: the same bytes from two builds in
# different folders, by different users and with different umasks; static, stripped and small; and
# able to do its work alone in an empty root. Needs root; takes as long as two release builds, or, for
# a program that is built already, a minute:
#
#   scripts/release-check.sh [PROGRAM]
set -euo pipefail

here=$(cd "$(dirname "$0")/.." && pwd -P)
[ "$(id -u)" = 0 ] || { echo "release-check: needs root, for another user and an empty root" >&2; exit 1; }
# The toolchain is mounted where other users reach it, in a view of files that ends with this.
if [ "${1:-}" != --mounts ]; then
    exec unshare --mount "$0" --mounts "$@"
fi
shift
commit=$(git -C "$here" rev-parse HEAD)
work=$(mktemp -d)
# What is mounted there is the toolchain itself: it is read-only, and nothing is removed below it.
trap 'mountpoint -q "$work/rust" && ! umount "$work/rust" || rm -rf "$work"' EXIT
chmod 755 "$work"

build() { # FOLDER USER UMASK
    mkdir -p "$work/$1"
    git -C "$here" archive "$commit" | tar -x -C "$work/$1"
    # What is fetched already is not fetched again; another user may not read ours.
    mkdir -p "$work/$1.cargo"
    cp -r "${CARGO_HOME:-$HOME/.cargo}/registry" "$work/$1.cargo/"
    for file in config.toml config; do
        [ ! -e "${CARGO_HOME:-$HOME/.cargo}/$file" ] || cp "${CARGO_HOME:-$HOME/.cargo}/$file" "$work/$1.cargo/"
    done
    chown -R "$2" "$work/$1" "$work/$1.cargo"
    (
        umask "$3"
        cd "$work/$1"
        setpriv --reuid "$2" --regid "$(id -g "$2")" --clear-groups \
            env -i HOME="$work/$1.cargo" CARGO_HOME="$work/$1.cargo" PATH="$work/rust/bin:/usr/bin:/bin" \
            scripts/release.sh "$work/$1/dist"
    )
}

if [ $# -gt 0 ]; then
    program=$(realpath "$1")
else
    mkdir "$work/rust"
    mount --bind "$(rustc --print sysroot)" "$work/rust"
    mount -o remount,bind,ro "$work/rust"
    build one root 022
    build another/and/deeper nobody 077
    cmp "$work/one/dist/egress25" "$work/another/and/deeper/dist/egress25"
    echo "two builds: the same bytes"

    program=$work/one/dist/egress25
    (cd "$work/one/dist" && sha256sum -c egress25.sha256)
fi
if file "$program" | grep -q 'dynamically linked'; then
    echo "release-check: it needs libraries" >&2
    exit 1
fi
if strings -n 6 "$program" | grep -F "$work"; then
    echo "release-check: it names a folder of this machine" >&2
    exit 1
fi

# An empty root: the program, a capture, an export, and a folder to write into.
root=$work/root
mkdir -p "$root/data"
cp "$program" "$root/"
cp "$here/fixtures/captures/day-of-mail.pcapng" "$root/own.pcap"
cp "$here/fixtures/inventories/day-of-mail.toml" "$root/inventory.toml"
cat >"$root/data/export.json" <<'EXPORT'
{"totalRecords": 1, "count": 1, "resultTruncated": "false", "data": [
  {"id": "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/hub",
   "name": "hub", "type": "microsoft.network/virtualnetworks", "properties": {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]},
   "subnets": [{"name": "mail", "properties": {"addressPrefix": "10.0.0.0/24"}}]}}
]}
EXPORT
chroot=$(command -v chroot)
inside() { echo "+ egress25 $*"; env -i HOME=/data "$chroot" "$root" /egress25 "$@" >"$work/out" || { cat "$work/out"; exit 1; }; }
inside check --offer pay-as-you-go --created 2019-03-01 --to 203.0.113.5
inside replay /own.pcap --inventory /inventory.toml --summary
inside replay /own.pcap --offer pay-as-you-go --created 2019-03-01 --summary --write /data/judged.pcapng
inside init /own.pcap --offer pay-as-you-go --created 2019-03-01
inside import /data/export.json --offer pay-as-you-go --created 2019-03-01
inside store init
inside subscription add shop --offer pay-as-you-go --created 2019-03-01
inside exemption request shop --good-standing yes --payment-history yes
inside store verify
mkdir -p "$root/tmp"
inside bench --rounds 1 --warm-up 0 --memory 16 --file-size 16
grep 'libpcap none' "$work/out" || { echo "release-check: the bench does not say which peers it lacks" >&2; cat "$work/out"; exit 1; }

# And a lab, which makes namespaces of its own.
"$program" lab run "$here/fixtures/scenarios/exemption.toml"
echo "release-check: all as promised"
