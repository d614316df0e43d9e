#!/bin/sh
# Installs the foreign programs that the labs use (as root, on Debian), or names what is missing. Quick when all is there.
set -eu
packages=""
need() { # PROGRAM PACKAGE
  [ -x "$1" ] || command -v "$1" >/dev/null 2>&1 || packages="$packages $2"
}
need ip iproute2
need nsenter util-linux
need ethtool ethtool
need sysctl procps
need tcpdump tcpdump
need tshark tshark
need curl curl
need cc gcc
need /usr/bin/python3 python3
need /usr/lib/python3/dist-packages/scapy python3-scapy
need nmap nmap
need busybox busybox
need udhcpc udhcpc
need /usr/sbin/dhclient isc-dhcp-client
need /usr/sbin/dhcpcd dhcpcd-base
need /usr/sbin/dhcpd isc-dhcp-server
need /usr/sbin/dhcrelay isc-dhcp-relay
need /usr/sbin/kea-dhcp4 kea-dhcp4-server
need /usr/sbin/perfdhcp kea-admin
need /usr/sbin/dnsmasq dnsmasq-base
need /lib/systemd/systemd-networkd systemd
# for e2e/cluster
need openssl openssl
need /usr/sbin/runc runc
need /usr/sbin/iptables iptables
need /usr/sbin/conntrack conntrack
[ -n "$packages" ] || exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "missing for the labs:$packages (as root on Debian \`make peers\` installs them)" >&2
  exit 0
fi
echo "installing$packages" >&2
# None of these may start a service of its own.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  printf '#!/bin/sh\nexit 101\n' > $policy
  chmod +x $policy
  trap 'rm -f $policy' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
install() { apt-get install -y -qq --no-install-recommends -o DPkg::Lock::Timeout=300 $packages </dev/null >&2; }
install || { apt-get update -qq >&2 && install; }
