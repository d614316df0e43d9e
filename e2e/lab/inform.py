"""Sends a DHCPINFORM (RFC 2131 §3.4) and prints who answered where.

usage: inform.py INTERFACE OWN-ADDRESS HARDWARE-ADDRESS
"""
import socket
import sys

ifname, own, mac = sys.argv[1], sys.argv[2], bytes.fromhex(sys.argv[3].replace(":", ""))
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
udp.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, ifname.encode())
udp.bind((own, 68))
message = bytearray(240)
message[0:4] = bytes([1, 1, 6, 0])
message[4:8] = b"info"
message[12:16] = socket.inet_aton(own)
message[28:34] = mac
message[236:240] = bytes.fromhex("63825363")
message += bytes([53, 1, 8, 55, 2, 3, 6, 255])
message += bytes(300 - len(message))
for _ in range(5):
    udp.sendto(bytes(message), ("255.255.255.255", 67))
    udp.settimeout(2)
    try:
        answer, server = udp.recvfrom(2048)
    except socket.timeout:
        continue
    print("ANSWER type", answer[242], "yiaddr", socket.inet_ntoa(answer[16:20]), "from", server[0], flush=True)
    sys.exit(0)
sys.exit("no answer")
