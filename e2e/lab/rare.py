"""Sends DHCP messages that are rare or malformed, made by scapy, and prints what the server says to each: a line of JSON a case.

usage: rare.py INTERFACE
"""
import json
import logging
import sys

logging.getLogger("scapy.runtime").setLevel(logging.ERROR)
from scapy.all import BOOTP, DHCP, IP, UDP, AsyncSniffer, Ether, Raw, conf, get_if_hwaddr, sendp, raw  # noqa: E402
import time  # noqa: E402

ifname = sys.argv[1]
conf.checkIPaddr = False
own = get_if_hwaddr(ifname)
COOKIE = bytes.fromhex("63825363")
DISCOVER = bytes([53, 1, 1])
LIST = bytes([55, 2, 3, 6])
END = b"\xff"


def mac(n):
    return "02:00:00:00:01:%02x" % n


def message(n, options, flags=0x8000, op=1, hlen=6, sname=b"", file=b"", cookie=COOKIE, total=300):
    chaddr = bytes.fromhex(mac(n).replace(":", "")) + bytes(10)
    head = raw(BOOTP(op=op, htype=1, hlen=hlen, xid=0x1000 + n, flags=flags, chaddr=chaddr,
                     sname=sname.ljust(64, b"\0"), file=file.ljust(128, b"\0"), options=b""))[:236]
    body = head + cookie + options
    return body + bytes(max(0, total - len(body)))


def frame(n, payload, **udp):
    return Ether(src=own, dst="ff:ff:ff:ff:ff:ff") / IP(src="0.0.0.0", dst="255.255.255.255") / UDP(sport=68, dport=67, **udp) / Raw(payload)


def overloaded(n):
    # RFC 2131 4.1, RFC 2132 9.3: options go on in file and sname.
    return frame(n, message(n, bytes([52, 1, 3]) + END, file=DISCOVER + LIST + END, sname=END))


CASES = [
    ("an ordinary DISCOVER", "OFFER", lambda n: frame(n, message(n, DISCOVER + LIST + END))),
    ("options overloaded into file", "OFFER", overloaded),
    ("a client identifier in two pieces", "OFFER", lambda n: frame(n, message(n, DISCOVER + bytes([61, 2, 0, 65, 61, 2, 66, 67]) + LIST + END))),
    ("pad options everywhere", "OFFER", lambda n: frame(n, message(n, b"\0" * 7 + DISCOVER + b"\0" * 9 + LIST + END))),
    ("an option nobody has registered", "OFFER", lambda n: frame(n, message(n, DISCOVER + bytes([222, 3, 1, 2, 3]) + LIST + END))),
    ("no checksum", "OFFER", lambda n: frame(n, message(n, DISCOVER + LIST + END), chksum=0)),
    ("a maximum message size that is too small to be one", "OFFER", lambda n: frame(n, message(n, DISCOVER + bytes([57, 2, 1, 0]) + LIST + END))),
    ("a wrong checksum", None, lambda n: frame(n, message(n, DISCOVER + LIST + END), chksum=0x1234)),
    ("an option that reaches past the end", None, lambda n: frame(n, message(n, DISCOVER + bytes([12, 200, 65]), total=0))),
    ("a message that is cut in its header", None, lambda n: frame(n, message(n, DISCOVER + END)[:100])),
    ("an hlen that chaddr has no room for", None, lambda n: frame(n, message(n, DISCOVER + END, hlen=17))),
    ("a reply", None, lambda n: frame(n, message(n, DISCOVER + END, op=2))),
    ("a message type that does not exist", None, lambda n: frame(n, message(n, bytes([53, 1, 99]) + END))),
    ("another magic cookie", None, lambda n: frame(n, message(n, DISCOVER + END, cookie=b"abcd"))),
    ("an empty datagram", None, lambda n: frame(n, b"")),
    ("only zeros", None, lambda n: frame(n, bytes(300))),
    ("only ones", None, lambda n: frame(n, b"\xff" * 576)),
]
TYPES = {1: "DISCOVER", 2: "OFFER", 3: "REQUEST", 5: "ACK", 6: "NAK"}


def answers(n, packets):
    found = []
    for packet in packets:
        if UDP not in packet or BOOTP not in packet or packet[BOOTP].op != 2 or packet[BOOTP].xid != 0x1000 + n:
            continue
        options = dict(one[:2] for one in packet[DHCP].options if isinstance(one, tuple))
        found.append({"type": TYPES.get(options.get("message-type")), "to": packet[Ether].dst, "length": len(packet[BOOTP]),
                      "clientId": (options.get("client_id") or b"").hex()})
    return found


for n, (name, expected, make) in enumerate(CASES):
    sniffer = AsyncSniffer(iface=ifname, filter="udp and src port 67", store=True)
    sniffer.start()
    time.sleep(0.3)
    found = []
    # What is expected may be late on a busy machine; silence is waited for a little.
    for _ in range(3 if expected else 1):
        sendp(make(n), iface=ifname, verbose=False)
        for _ in range(20 if expected else 8):
            time.sleep(0.1)
            found = answers(n, list(sniffer.results or []) if sniffer.results else [])
            if found:
                break
        if found:
            break
    packets = sniffer.stop()
    found = answers(n, packets)
    print(json.dumps({"name": name, "expected": expected, "answers": found}), flush=True)
