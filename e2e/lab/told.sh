#!/bin/sh
# For udhcpc: prints what the client was told, a line each, between TOLD and DONE.
case $1 in bound | renew) ;; *) exit 0 ;; esac
echo TOLD
env | grep -E '^(ip|mask|subnet|broadcast|router|dns|domain|search|hostname|ntpsrv|wins|mtu|lease|siaddr|sname|boot_file|tftp|staticroutes|wpad|opt[0-9]+)=' | sort
echo DONE
