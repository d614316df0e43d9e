"""A DHCP server that reads option 82 but does not echo it, as some do. Plain sockets, no library.

usage: deaf-server.py OWN-ADDRESS '{"address on the client link": "address to give", …}'
"""
import json
import socket
import struct
import sys

own, given = sys.argv[1], json.loads(sys.argv[2])
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind((own, 67))
print("listening", flush=True)


def options(data):
    found, at = {}, 240
    while at < len(data) and data[at] != 255:
        if data[at] == 0:
            at += 1
            continue
        found[data[at]] = data[at + 2:at + 2 + data[at + 1]]
        at += 2 + data[at + 1]
    return found


while True:
    data, peer = udp.recvfrom(2048)
    sent = options(data)
    link = socket.inet_ntoa(data[24:28])
    info, at = sent.get(82, b""), 0
    while at + 2 <= len(info):
        if info[at] == 5:
            link = socket.inet_ntoa(info[at + 2:at + 6])
        at += 2 + info[at + 1]
    if link not in given or 53 not in sent:
        continue
    reply = bytearray(data[:240])
    reply[0], reply[3] = 2, 0
    reply[16:20] = socket.inet_aton(given[link])
    kind = 2 if sent[53] == b"\x01" else 5
    reply += bytes([53, 1, kind, 54, 4]) + socket.inet_aton(own)
    reply += bytes([51, 4]) + struct.pack(">I", 3600) + bytes([1, 4, 255, 255, 255, 0, 255])
    udp.sendto(bytes(reply), (socket.inet_ntoa(data[24:28]), 67))
