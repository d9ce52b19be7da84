# Evasions of nmap and hping3, all at once: scan.sh TO4 TO6 COUNT, in a machine that may not send mail;
# hping3 sends each so often. Prints a line for each port that nmap calls open: the scan and the port. What is not
# there is left out.
out=$(mktemp -d)
trap 'rm -r "$out"' EXIT
scan() {
    name=$1 to=$2
    shift 2
    # What it waits for is of no weight: what comes is read from the captures.
    nmap --privileged -n -Pn -T5 --max-retries 1 --initial-rtt-timeout 300ms \
        --max-rtt-timeout 300ms --host-timeout 30s -p 25,26,587 -oG - "$@" "$to" 2>"$out/$name-errors" |
        tr ',\t' '\n\n' | sed -n "s,^.*[ :]*\(25\|26\|587\)/open/.*,$name \1,p" >"$out/$name"
}
fling() {
    # Its answers are read behind the edge. All hping3 of one second begin at the same source port, and of two
    # packets that begin one connection at once the kernel's connection tracking drops one: each has a
    # hundred of its own, which it counts up with each packet.
    from=$((from + 100))
    hping3 -q -n -c "$COUNT" -i u20000 -s "$from" "$@" "$TO" >/dev/null 2>&1 &
}
TO=$1 COUNT=$3 from=40000
if command -v nmap >/dev/null; then
    scan syn "$1" -sS &
    scan connect "$1" -sT &
    scan ack "$1" -sA &
    scan window "$1" -sW &
    scan fin "$1" -sF &
    scan xmas "$1" -sX &
    scan null "$1" -sN &
    scan maimon "$1" -sM &
    scan fragments "$1" -sS -f &
    scan fragments-of-16 "$1" -sS -f -f &
    scan mtu-24 "$1" -sS --mtu 24 &
    scan mtu-32 "$1" -sS --mtu 32 --data-length 40 &
    scan from-53 "$1" -sS -g 53 &
    scan from-25 "$1" -sS -g 25 &
    scan decoys "$1" -sS -D 10.1.0.5,10.1.0.9,198.51.100.77,ME &
    scan spoofed "$1" -sS -e eth0 -S 10.1.0.5 &
    scan loose-route "$1" -sS --ip-options "L $1" &
    scan strict-route "$1" -sS --ip-options "S $1" &
    scan record-route "$1" -sS --ip-options R &
    scan timestamps "$1" -sS --ip-options T &
    scan bad-checksum "$1" -sS --badsum &
    scan with-data "$1" -sS --data-length 40 &
    scan syn-fin "$1" -sS --scanflags SYNFIN &
    scan syn-urg-psh "$1" -sS --scanflags SYNURGPSH &
    scan syn-ece-cwr "$1" -sS --scanflags SYNECECWR &
    scan syn-rst "$1" -sS --scanflags SYNRST &
    scan syn-ack "$1" -sS --scanflags SYNACK &
    if [ -n "$2" ]; then
        scan syn6 "$2" -6 -sS &
        scan connect6 "$2" -6 -sT &
        scan ack6 "$2" -6 -sA &
        scan fin6 "$2" -6 -sF &
        scan from-53-6 "$2" -6 -sS -g 53 &
        scan hop-by-hop "$2" -6 -sS --ip-options '\x3c\x00\x01\x04\x00\x00\x00\x00' &
        scan with-data6 "$2" -6 -sS --data-length 40 &
    fi
fi
if command -v hping3 >/dev/null; then
    for port in 25 587; do
        fling -S -p $port
        fling -S -p $port -f -d 40
        fling -S -p $port --mtu 8 -d 40
        fling -S -p $port --mtu 24 -d 40
        fling -S -p $port -x
        fling -S -p $port -y
        fling -S -p $port -g 8
        fling -S -p $port -F
        fling -S -P -U -p $port
        fling -S -X -Y -p $port
        fling -S -R -p $port
        fling -S -A -p $port
        fling -A -p $port
        fling -R -p $port
        fling -p $port
        fling -S -p $port -t 64
        fling -S -p $port -t 3
        fling -S -p $port -t 1
        fling -S -p $port -O 4
        fling -S -p $port -O 15
        fling -S -p $port -b
        fling -S -p $port -s 25 -k
        fling -S -p $port -d 1000
        fling -S -p $port -G
        fling -S -p $port -a 10.1.0.5
        fling -S -p $port -w 0 -L 7 -M 9
        fling -S -p $port -o 10 -N 77
        fling -2 -p $port -d 40
    done
    fling -1
fi
wait
cat "$out"/*-errors >&2
for found in "$out"/*; do case $found in *-errors) ;; *) cat "$found" ;; esac; done
