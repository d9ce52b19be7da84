#!/bin/sh
# Builds the one file that people download: a static program for x86_64 Linux that needs no library,
# and the same bytes wherever, by whomever and with whatever umask it is built.
#
#   scripts/release.sh [FOLDER]      writes egress25 and egress25.sha256 into FOLDER [target/dist]
#
# It needs the Rust target x86_64-unknown-linux-musl (rustup target add) and musl-gcc (Debian:
# musl-tools), which compiles the C of SQLite and of zstd.
set -eu

target=x86_64-unknown-linux-musl
most=15000000
source=$(cd "$(dirname "$0")/.." && pwd -P)
dist=${1:-$source/target/dist}

fail() {
    echo "release: $1" >&2
    exit 1
}

command -v musl-gcc >/dev/null || fail "musl-gcc is missing (Debian: apt-get install musl-tools)"
sysroot=$(rustc --print sysroot)
[ -d "$sysroot/lib/rustlib/$target" ] || fail "the Rust target is missing: rustup target add $target"

# Paths of this machine are replaced, in Rust and in C: they would be in panics and in the bytes.
cargo_home=${CARGO_HOME:-$HOME/.cargo}
separator=$(printf '\037')
flags=
for pair in "$source=/egress25" "$cargo_home=/cargo" "$sysroot=/rust"; do
    flags="$flags${flags:+$separator}--remap-path-prefix=$pair"
done
export CARGO_ENCODED_RUSTFLAGS="$flags${separator}-Ctarget-feature=+crt-static"
export CC_x86_64_unknown_linux_musl=musl-gcc
export CFLAGS_x86_64_unknown_linux_musl="-ffile-prefix-map=$source=/egress25 -ffile-prefix-map=$cargo_home=/cargo"
export CARGO_INCREMENTAL=0 SOURCE_DATE_EPOCH=0 LC_ALL=C TZ=UTC

cd "$source"
cargo build --profile dist --locked --package egress25 --target "$target"

built=${CARGO_TARGET_DIR:-$source/target}/$target/dist/egress25
size=$(wc -c <"$built")
[ "$size" -le "$most" ] || fail "the program has $size bytes, more than $most"

# Under its name only when it is whole.
mkdir -p "$dist"
partial=$(mktemp -d "$dist/.release.XXXXXX")
trap 'rm -rf "$partial"' EXIT
cp "$built" "$partial/egress25"
chmod 755 "$partial/egress25"
(cd "$partial" && sha256sum egress25 >egress25.sha256 && chmod 644 egress25.sha256)
mv "$partial/egress25" "$partial/egress25.sha256" "$dist/"
echo "$dist/egress25: $size bytes, $(cut -c1-64 "$dist/egress25.sha256")"
