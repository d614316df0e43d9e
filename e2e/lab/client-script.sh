#!/bin/sh
# What udhcpc, dhclient and dhcpcd call when something happens. It sets the interface up by `ip` and says one line:
#   LEASE <reason> <address> <router> <dns> <server> <lease seconds>
# Nothing else of the machine, such as resolv.conf, is touched.
case "${1:-}" in
  deconfig|bound|renew|nak|leasefail) # udhcpc
    reason=$1 ifname=$interface address=${ip:-} bits=${mask:-24} routers=${router:-} names=${dns:-} from=${serverid:-} seconds=${lease:-} ;;
  *)
    reason=${reason:-unknown} ifname=$interface
    address=${new_ip_address:-} bits=${new_subnet_mask:-24} routers=${new_routers:-}
    names=${new_domain_name_servers:-} from=${new_dhcp_server_identifier:-} seconds=${new_dhcp_lease_time:-} ;;
esac
# dhcpcd begins with PREINIT too (and says how the cable is), but may be told to keep the address: --inform.
[ "$reason" != PREINIT ] || [ -z "${ifcarrier:-}" ] || reason=KEPT
case $reason in
  deconfig|PREINIT|EXPIRE|FAIL|RELEASE|STOP|NAK|nak) ip -4 addr flush dev "$ifname"; ip link set "$ifname" up ;;
  bound|renew|BOUND|RENEW|REBIND|REBOOT)
    ip addr replace "$address/$bits" dev "$ifname"
    [ -z "${routers%% *}" ] || ip route replace default via "${routers%% *}" dev "$ifname" ;;
esac
echo "LEASE $reason ${address:--} ${routers:--} ${names:--} ${from:--} ${seconds:--}"
exit 0
