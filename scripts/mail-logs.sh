#!/usr/bin/env bash
# Captures the logs of `fixtures/mail-logs` anew: real Postfix, Exim, swaks, smtplib, nodemailer, and
# journald, sending into an Internet of network namespaces in which one thing is broken at a time.
#
#     scripts/mail-logs.sh [FOLDER]
#
# Each program is unpacked from its own package (Debian's mail servers cannot be installed side by
# side) into a temporary folder that lies over /usr in a mount namespace of its own; nothing of the
# host is changed. All processes live in a process namespace and end with it, however this ends.
# Needs root, Debian with its packages, npm, python3 and nftables; asks the network for packages only.
set -euo pipefail

here=$(cd "$(dirname "$0")/mail-logs" && pwd)
programs="postfix journald exim swaks smtplib nodemailer"
kinds="blocked refused no-ipv6 one-destination name-not-found relay tls lost rejected"

die() {
    printf 'mail-logs.sh: %s\n' "$*" >&2
    exit 1
}

# Ends what is inside, with its namespaces, and removes what was unpacked.
inside=
clean_up() {
    if [ -n "$inside" ]; then
        # It waits for what it began, and takes no other signal.
        kill -KILL "$inside" 2>/dev/null || true
        wait "$inside" 2>/dev/null || true
    fi
    rm -rf "$work"
}

# Outside of the namespaces: packages into $work, then all else inside.
outside() {
    local out
    out=$(realpath "${1:-$here/../../fixtures/mail-logs}")
    [ "$(id -u)" = 0 ] || die "needs root: it builds namespaces"
    for tool in apt-get dpkg npm node /usr/bin/python3 ip nft unshare; do
        command -v "$tool" >/dev/null || die "\`$tool\` is not installed"
    done
    work=$(mktemp -d)
    trap clean_up EXIT
    chmod 755 "$work"
    mkdir -p "$work"/{packages,etc,logs} "$out"
    (cd "$work/packages" && apt-get download -qq -o APT::Sandbox::User=root \
        postfix exim4-daemon-light exim4-base libidn12 swaks)
    local package
    for package in "$work"/packages/*.deb; do
        package=${package##*/}
        dpkg -x "$work/packages/$package" "$work/${package%%_*}"
    done
    cp -r "$work/libidn12/." "$work/exim4-base/." "$work/exim4-daemon-light/"
    chgrp 903 "$work"/postfix/usr/sbin/post{queue,drop}
    chmod 2755 "$work"/postfix/usr/sbin/post{queue,drop}
    # What sends by a library runs in /srv, so that no folder of this machine is in its errors.
    mkdir "$work/app"
    cp "$here"/send_* "$work/app/"
    npm install --silent --no-audit --no-fund --prefix "$work/app" nodemailer
    # Users that the packages' scripts would have made; nobody else's name gets into a log.
    printf '%s\n' root:x:0:0::/root:/bin/sh nobody:x:65534:65534::/:/bin/false \
        postfix:x:901:901::/:/bin/false Debian-exim:x:902:902::/:/bin/false >"$work/etc/passwd"
    printf '%s\n' root:x:0: nogroup:x:65534: adm:x:4: mail:x:8: postfix:x:901: postdrop:x:903: \
        Debian-exim:x:902: systemd-journal:x:904: >"$work/etc/group"
    echo 'nameserver 192.0.2.53' >"$work/etc/resolv.conf"
    printf 'options timeout:2 attempts:1\n' >>"$work/etc/resolv.conf"
    echo '127.0.0.1 localhost' >"$work/etc/hosts"
    echo 'hosts: files dns' >"$work/etc/nsswitch.conf"
    echo vm >"$work/etc/hostname"
    mkdir "$work"/etc/{systemd,exim4}
    printf '%s\n' '[Journal]' Storage=volatile ReadKMsg=no Audit=no >"$work/etc/systemd/journald.conf"
    tr -d - </proc/sys/kernel/random/uuid >"$work/etc/machine-id"
    export work
    local program kind
    for program in $programs; do
        for kind in $kinds; do
            unshare --net --mount --uts --pid --fork --kill-child --mount-proc \
                "$0" --inside "$program" "$kind" </dev/null &
            inside=$!
            wait "$inside" || die "$program, $kind: failed"
            inside=
            [ -s "$work/logs/$program/$kind.log" ] || die "$program, $kind: no log"
            printf '%s\n' "$program, $kind: $(wc -l <"$work/logs/$program/$kind.log") lines" >&2
        done
    done
    for program in $programs; do
        mkdir -p "$out/$program"
        cp "$work/logs/$program"/*.log "$out/$program/"
    done
}

# What answers in a kind of Internet: HOW:ADDRESS:PORT.
listeners() {
    case $1 in
        relay) echo takes:192.0.2.187:587 ;;
        one-destination) echo takes:198.51.100.25:25 takes:203.0.113.26:25 ;;
        tls) echo garbles:203.0.113.25:25 garbles:198.51.100.25:25 ;;
        lost) echo loses:203.0.113.25:25 loses:198.51.100.25:25 ;;
        rejected) echo rejects:203.0.113.25:25 rejects:198.51.100.25:25 ;;
    esac
}

# Whom mail is for, in a kind.
domains() {
    case $1 in
        blocked | refused | one-destination) echo one.example two.example three.example ;;
        no-ipv6) echo six.example sixteen.example ;;
        name-not-found) echo missing.example unsure.example ;;
        *) echo one.example two.example ;;
    esac
}

# Addresses, a name server and the filter of the kind.
network() {
    mount -t tmpfs run /run
    mkdir /run/netns /run/lock
    ip netns add internet
    ip link add eth0 type veth peer name outer netns internet
    ip link set lo up
    ip address add 192.0.2.4/24 dev eth0
    ip link set eth0 up
    ip -n internet link set lo up
    ip -n internet link set outer up
    local address
    for address in 192.0.2.1/24 192.0.2.53/24 192.0.2.187/24 203.0.113.25/32 203.0.113.26/32 \
        198.51.100.25/32; do
        ip -n internet address add "$address" dev outer
    done
    ip route add default via 192.0.2.1
    # The kernel gives up after three seconds, not after two minutes.
    echo 1 >/proc/sys/net/ipv4/tcp_syn_retries
    local to=
    case $1 in
        blocked | relay) to="tcp dport 25 drop" ;;
        one-destination) to="ip daddr 203.0.113.25 tcp dport 25 drop" ;;
    esac
    if [ -n "$to" ]; then
        printf '%s\n' 'add table ip silent' \
            'add chain ip silent arrives { type filter hook input priority 0; }' \
            "add rule ip silent arrives $to" | ip netns exec internet nft -f -
    fi
    # shellcheck disable=SC2046
    ip netns exec internet /usr/bin/python3 "$here/internet.py" /run/listens $(listeners "$1") &
    until [ -e /run/listens ]; do sleep 0.05; done
}

# Users and names over /etc, and the unpacked package over /usr, where there is one.
machine() {
    mount -t overlay -o "lowerdir=$work/etc:/etc" overlay /etc
    mount --bind "$work/app" /srv
    cd /srv
    [ $# = 0 ] || mount -t overlay -o "lowerdir=$work/$1/usr:/usr" overlay /usr
    echo vm >/proc/sys/kernel/hostname
}

postfix_configuration() {
    local at=$1 kind=$2
    mkdir -p "$at"/{config,spool,data}
    chown 901 "$at/data"
    cp -r "$work"/postfix/etc/postfix/* "$at/config/"
    cat >"$at/config/main.cf" <<END
compatibility_level = 3.6
queue_directory = $at/spool
data_directory = $at/data
shlib_directory = /usr/lib/postfix
meta_directory = $at/config
myhostname = vm.example
mydestination =
inet_interfaces = loopback-only
mynetworks = 127.0.0.0/8
smtp_tls_security_level = $([ "$kind" = tls ] && echo encrypt || echo may)
maillog_file_prefixes = /
alias_maps =
alias_database =
biff = no
END
    [ "$kind" != relay ] || echo 'relayhost = [relay.example]:587' >>"$at/config/main.cf"
    # Debian's services, none of them in a root of its own, none that takes mail from the network.
    sed -E '/^smtp +inet/d; s/^([a-z]+ +unix +[-yn] +[-yn] +)y/\1n/; /^postlog/s/y/n/' \
        /usr/share/postfix/master.cf.dist |
        awk 'BEGIN { OFS = "\t" } /^[a-z]/ && NF >= 8 { $5 = "n" } { print }' >"$at/config/master.cf"
}

# Mail to every domain, and Postfix's log of what became of it.
postfix() {
    local at=/run/postfix kind=$1 log=$2 domain sent=0
    postfix_configuration "$at" "$kind"
    touch /run/maillog
    [ "$log" = syslog ] || echo "maillog_file = /run/maillog" >>"$at/config/main.cf"
    /usr/sbin/postfix -c "$at/config" start
    for domain in $(domains "$kind"); do
        printf 'From: app@vm.example\nTo: someone@%s\nSubject: a report\n\nNothing.\n' "$domain" |
            /usr/sbin/sendmail -C "$at/config" -f app@vm.example "someone@$domain"
        sent=$((sent + 1))
    done
    for _ in $(seq 300); do
        [ "$(postfix_log "$log" | grep -c "status=" || true)" -ge "$sent" ] && break
        sleep 0.1
    done
    sleep 0.5
    /usr/sbin/postfix -c "$at/config" stop >/dev/null 2>&1 || true
    sleep 0.5
}

postfix_log() {
    case $1 in
        syslog) journalctl --directory /run/log/journal --output cat ;;
        *) cat /run/maillog ;;
    esac
}

# A journald of our own, behind a /dev of our own where programs find its socket.
journald() {
    mkdir /run/dev /run/systemd /run/systemd/journal /run/log
    mount -t tmpfs dev /run/dev
    local device
    for device in null zero random urandom kmsg; do
        touch "/run/dev/$device"
        mount --bind "/dev/$device" "/run/dev/$device"
    done
    ln -s /run/systemd/journal/dev-log /run/dev/log
    ln -s /proc/self/fd /run/dev/fd
    mount --move /run/dev /dev
    /lib/systemd/systemd-journald >/dev/null 2>&1 &
    until [ -S /run/systemd/journal/dev-log ]; do sleep 0.05; done
}

exim() {
    local kind=$1 domain logs_port
    machine exim4-daemon-light
    mkdir -p /run/exim/{spool,log}
    chown -R 902:902 /run/exim
    mount -t tmpfs exim /etc/exim4
    # Debian's names of routers and transports. Without TCP Fast Open it is the connection that
    # fails, with it the greeting that does not come: both are in the log.
    for logs_port in "" +outgoing_port; do
        printf '%s = %s\n' primary_hostname vm.example spool_directory /run/exim/spool \
            log_file_path /run/exim/log/%slog log_selector "$logs_port" keep_environment '' \
            >/etc/exim4/exim4.conf
        {
            case $kind in
                relay)
                    printf '%s\n' 'begin routers' 'smarthost:' ' driver = manualroute' \
                        ' route_list = * relay.example::587' ' transport = remote_smtp_smarthost' \
                        'begin transports' 'remote_smtp_smarthost:'
                    ;;
                *)
                    printf '%s\n' 'begin routers' 'dnslookup:' ' driver = dnslookup' \
                        ' transport = remote_smtp' 'begin transports' 'remote_smtp:'
                    ;;
            esac
            # shellcheck disable=SC2016
            printf ' %s\n' 'driver = smtp' \
                'hosts_try_fastopen = ${if eq{$domain}{three.example}{}{*}}'
            [ "$kind" != tls ] || echo ' hosts_require_tls = *'
            printf '%s\n' 'begin retry' '* * F,2h,15m'
        } >>/etc/exim4/exim4.conf
        for domain in $(domains "$kind"); do
            printf 'From: app@vm.example\nTo: someone@%s\nSubject: a report\n\nNothing.\n' "$domain" |
                /usr/sbin/exim4 -odf -f app@vm.example "someone@$domain" || true
        done
        # What is deferred is not tried again at once.
        rm -rf /run/exim/spool/db
    done
    cat /run/exim/log/mainlog
}

# The command lines of what sends to one host: NAME PORT RECIPIENT.
targets() {
    local domain
    for domain in $(domains "$1"); do
        [ "$1" = relay ] && echo "relay.example 587 someone@$domain" ||
            echo "mx.$domain 25 someone@$domain"
    done
}

swaks() {
    local flags=()
    machine swaks
    [ "$1" != tls ] || flags=(--tls)
    while read -r host port to; do
        /usr/bin/swaks --from app@vm.example --to "$to" --server "$host" --port "$port" \
            --helo vm.example "${flags[@]}" 2>&1 </dev/null || true
    done < <(targets "$1")
    # With a time limit of its own.
    while read -r host port to; do
        /usr/bin/swaks --from app@vm.example --to "$to" --server "$host" --port "$port" \
            --helo vm.example --timeout 2 "${flags[@]}" 2>&1 </dev/null || true
    done < <(targets "$1")
}

smtplib() {
    local tls=
    machine
    [ "$1" != tls ] || tls=starttls
    # As most applications log it; with a time limit of its own; with its debug output.
    local options
    for options in "$tls" "$tls 2" "$tls debug"; do
        while read -r host port to; do
            # shellcheck disable=SC2086
            /usr/bin/python3 send_smtplib.py "$host" "$port" "$to" $options 2>&1 </dev/null || true
        done < <(targets "$1")
    done
}

nodemailer() {
    machine
    local options
    for options in "" 2 "logger 2"; do
        while read -r host port to; do
            # shellcheck disable=SC2086
            node send_nodemailer.cjs \
                "$host" "$port" "$to" $options 2>&1 </dev/null || true
        done < <(targets "$1")
    done
}

# Inside: one program, one kind, one log.
inside() {
    local program=$1 kind=$2 log
    log=$work/logs/$program/$kind.log
    mkdir -p "${log%/*}"
    network "$kind"
    cd /
    case $program in
        postfix)
            machine postfix
            postfix "$kind" file
            cp /run/maillog "$log"
            ;;
        journald)
            machine postfix
            journald
            postfix "$kind" syslog
            journalctl --directory /run/log/journal SYSLOG_FACILITY=2 --output json >"$log"
            ;;
        *) "$program" "$kind" >"$log" ;;
    esac
}

case ${1:-} in
    --inside) inside "$2" "$3" ;;
    *) outside "$@" ;;
esac
