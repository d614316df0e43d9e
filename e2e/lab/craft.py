"""Sends DHCP messages of clients that cannot be run here, by scapy: boot ROMs, Windows, phones, printers, rare types.

usage: craft.py INTERFACE HARDWARE-ADDRESS NAME…      (/usr/bin/python3, Debian's python3-scapy)
"""
import struct
import sys

from scapy.all import BOOTP, IP, UDP, Ether, Raw, conf, sendp

COOKIE = bytes.fromhex("63825363")
UUID = bytes.fromhex("0044454c4c530010478056b4c04f333332")
ROM_ASKS = bytes([1, 2, 3, 4, 5, 6, 12, 13, 15, 17, 18, 22, 23, 28, 40, 41, 42, 43, 50, 51, 54, 58, 59, 60, 66, 67,
                  97, 128, 129, 130, 131, 132, 133, 134, 135])
IPXE_FEATURES = [19, 20, 23, 33, 34, 36, 39, 17, 21, 16, 18]
WINDOWS_ASKS = bytes([1, 3, 6, 15, 31, 33, 43, 44, 46, 47, 119, 121, 249, 252])


def o(code, data=b""):
    """One option."""
    data = data.encode() if isinstance(data, str) else data
    return bytes([code, len(data)]) + data


def message(kind, *options):
    return COOKIE + o(53, bytes([kind])) + b"".join(options) + b"\xff"


def rom(arch, vendor, *more):
    """A PXE or UEFI ROM (RFC 4578)."""
    vendor = f"{vendor}:Arch:{arch:05d}:UNDI:003016"
    return message(1, o(57, struct.pack(">H", 1472)), o(55, ROM_ASKS), o(97, UUID), o(94, b"\x01\x03\x10"),
                   o(93, struct.pack(">H", arch)), o(60, vendor), *more)


def messages(mac):
    """NAME: (fields of the fixed part, what follows it)."""
    own = b"\x01" + mac
    answer = {"ciaddr": "192.0.2.7"}
    relayed = {"giaddr": "192.0.2.2", "hops": 1}
    return {
        "pxe-bios-discover": ({"flags": 0x8000, "secs": 4}, rom(0, "PXEClient")),
        "pxe-uefi-discover": ({"flags": 0x8000}, rom(7, "PXEClient")),
        "http-boot-discover": ({"flags": 0x8000}, rom(16, "HTTPClient")),
        "arm-uefi-discover": ({"flags": 0x8000}, rom(11, "PXEClient")),
        "ipxe-discover": ({}, message(
            1, o(57, b"\x05\xc0"), o(93, b"\x00\x07"), o(94, b"\x01\x03\x0a"), o(60, "PXEClient:Arch:00007:UNDI:003010"),
            o(77, "iPXE"), o(55, bytes([1, 3, 6, 7, 12, 15, 17, 26, 43, 60, 66, 67, 119, 128, 129, 130, 131, 132, 133,
                                        134, 135, 175, 203])),
            o(175, bytes.fromhex("b105018086100e") + b"".join(o(one, b"\x01") for one in IPXE_FEATURES)),
            o(61, own), o(97, UUID))),
        "windows-discover": ({"secs": 0}, message(
            1, o(61, own), o(12, "DESK-7"), o(60, "MSFT 5.0"), o(55, WINDOWS_ASKS))),
        "windows-request": ({}, message(
            3, o(61, own), o(50, bytes([192, 0, 2, 150])), o(54, bytes([192, 0, 2, 1])), o(12, "DESK-7"),
            o(81, b"\x00\x00\x00DESK-7.example.org"), o(60, "MSFT 5.0"), o(55, WINDOWS_ASKS))),
        "windows-inform": (answer, message(8, o(61, own), o(12, "DESK-7"), o(60, "MSFT 5.0"),
                                           o(55, bytes([1, 3, 6, 15, 31, 33, 43, 44, 46, 47, 121, 249, 252])))),
        "android-discover": ({}, message(1, o(61, own), o(57, b"\x05\xdc"), o(60, "android-dhcp-14"), o(80),
                                         o(55, bytes([1, 3, 6, 15, 26, 28, 51, 58, 59, 43, 114, 108])))),
        "apple-request": ({}, message(3, o(55, bytes([1, 121, 3, 6, 15, 108, 114, 119, 252])), o(57, b"\x05\xdc"),
                                      o(61, own), o(50, bytes([192, 0, 2, 151])), o(51, b"\x00\x76\xa7\x00"), o(12, "door"))),
        "phone-discover": ({}, message(1, o(12, "SEP00005E005301"), o(60, "Cisco Systems, Inc. IP Phone CP-8841"),
                                       o(55, bytes([1, 66, 6, 3, 15, 150, 35])),
                                       o(125, bytes.fromhex("00000de90e") + b"\x01\x06" + mac + b"\x02\x04desk"))),
        "printer-bootp": ({"secs": 8}, COOKIE + bytes([255]) + bytes(59)),
        "modem-discover": ({}, message(
            1, o(60, "docsis3.1:"), o(61, own), o(124, bytes.fromhex("0000118b0504") + b"rout"),
            o(43, bytes([2, 3]) + b"ECM" + bytes([8, 6]) + mac), o(55, bytes([1, 3, 4, 6, 7, 15, 54, 66, 67, 122, 125])))),
        "long-options-discover": ({}, message(
            1, o(77, bytes([4]) + b"beta" + bytes([5]) + b"staff"), o(12, "a" * 63),
            # One option in two pieces (RFC 3396), for which an enterprise is a piece each.
            o(124, bytes.fromhex("00000de9fa") + bytes(range(250))), o(124, bytes.fromhex("0000118b50") + bytes(range(80))),
            b"\x00" * 7, o(55, bytes(range(1, 120))))),
        "overloaded-discover": ({"file": (o(60, "in file") + b"\xff").ljust(128, b"\x00"),
                                 "sname": (o(12, "in-sname") + b"\xff").ljust(64, b"\x00")},
                                message(1, o(52, b"\x03"), o(55, bytes([1, 3, 6])))),
        "infiniband-discover": ({"htype": 32, "hlen": 0, "chaddr": bytes(16), "flags": 0x8000}, message(
            1, o(61, bytes.fromhex("ff00000001000300010002c90300a1b2c3")), o(55, bytes([1, 3, 6])))),
        "autoconfigure-discover": ({}, message(1, o(116, b"\x01"), o(61, own), o(55, bytes([1, 3, 6])))),
        "rapid-discover": ({}, message(1, o(80), o(61, own), o(55, bytes([1, 3, 6])))),
        "subnet-selection-discover": ({}, message(1, o(118, bytes([198, 51, 100, 0])), o(55, bytes([1, 3, 6])))),
        # RFC 4388: giaddr is the asker's.
        "leasequery-address": ({"giaddr": "192.0.2.7", "ciaddr": "192.0.2.100", "htype": 0, "hlen": 0, "chaddr": bytes(16)},
                               message(10, o(55, bytes([51, 82, 91, 92])))),
        "leasequery-unknown": ({"giaddr": "192.0.2.7", "ciaddr": "192.0.2.222", "htype": 0, "hlen": 0, "chaddr": bytes(16)},
                               message(10, o(55, bytes([51, 82])))),
        "switch-discover": (relayed, message(
            1, o(61, own), o(82, o(1, bytes.fromhex("000401900107")) + o(2, b"\x00\x06" + mac) + o(5, bytes([192, 0, 2, 0])) +
                             o(6, "port 7") + o(9, bytes.fromhex("00000de905") + b"\x01\x03abc") + o(10, b"\x00") +
                             o(11, bytes([192, 0, 2, 2])) + o(12, b"\x00\x03\x00\x01" + mac) + o(19) + o(151, b"\x00red") +
                             o(152)))),
        "snooped-discover": ({}, message(1, o(61, own), o(82, o(1, bytes.fromhex("000400640003")) + o(2, b"\x00\x06" + mac)))),
    }


def main():
    ifname, mac, names = sys.argv[1], bytes.fromhex(sys.argv[2].replace(":", "")), sys.argv[3:]
    conf.verb = 0
    known = messages(mac)
    for name in names:
        fixed, rest = known[name]
        xid = 0x53C0FFEE + sorted(known).index(name)
        bootp = BOOTP(**{"op": 1, "chaddr": mac.ljust(16, b"\x00"), "xid": xid, **fixed}, options=b"")
        source = fixed.get("ciaddr" if "giaddr" not in fixed else "giaddr", "0.0.0.0")
        port = 67 if "giaddr" in fixed else 68
        payload = bytes(bootp) + rest
        payload = payload.ljust(300, b"\x00")
        sendp(Ether(src=sys.argv[2], dst="ff:ff:ff:ff:ff:ff") / IP(src=source, dst="255.255.255.255") /
              UDP(sport=port, dport=67) / Raw(payload), iface=ifname)
        print("SENT", name, flush=True)


main()
